"""Makes pre-training examples of text, as compressed TFRecord shards that a manifest names.

    keras-bert pretraining-data --input='corpus/*.txt' --vocabulary=vocab.txt --output=data
    keras-bert pretraining-data --input=tfds:wikipedia/20230601.simple --vocabulary=vocab.txt --output=data

Text is one sentence a line with a blank line between documents, or one document a line (--layout); UTF-8. Runs on all
cores of this machine; flags not listed here go to Apache Beam: --direct_num_workers=2, or --runner=FlinkRunner and that
runner's own, as --name=value. The same seed gives the same examples, whatever runs them.
"""

import sys
from pathlib import Path
from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags
from keras_bert.scripts.beam_arguments import divide_arguments
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_multi_string(
    "input", None, "Text: a file or glob, .gz too, or tfds:NAME[:SPLIT]; may be given several times."
)
flags.DEFINE_string("vocabulary", None, "A vocab.txt, or the folder of keras-bert vocabulary or of a checkpoint.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default as the checkpoint does, True for a vocab.txt.")
flags.DEFINE_string("output", None, "The folder to write.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")
flags.DEFINE_enum(
    "layout", "sentence_per_line", ["sentence_per_line", "document_per_line"], "How the files are divided."
)
flags.DEFINE_enum(
    "objective",
    "mlm_nsp",
    ["mlm_nsp", "mlm", "unilm"],
    "mlm_nsp: pairs of segments, half of them random; mlm: whole sentences packed without a label, also for clm; "
    "unilm: texts and pairs for its four masks.",
)
flags.DEFINE_integer("max_length", 128, "Tokens of an example at most, special tokens included.")
flags.DEFINE_float(
    "short_seq_probability", None, "Share of documents with shorter examples; by default 0.1, for mlm 0."
)
flags.DEFINE_integer("duplicates", 1, "Passes over the documents, each with other pairs.")
flags.DEFINE_integer("seed", 0, "Decides everything random.")
flags.DEFINE_float("held_out", 0.02, "Share of the documents whose examples go to OUTPUT/held_out, to measure on.")
flags.DEFINE_enum(
    "masking", "dynamic", ["dynamic", "static"], "dynamic: the trainer masks anew each epoch; static: now."
)
flags.DEFINE_float("masking_rate", 0.15, "For static masking: share of the tokens.")
flags.DEFINE_integer("max_predictions", None, "For static masking: tokens of an example at most; no bound by default.")
flags.DEFINE_enum("masking_unit", "token", ["token", "word"], "For static masking: mask tokens, or whole words.")
flags.DEFINE_string("phrases", None, "For static masking: a file of phrases, one a line, to mask as a whole.")
flags.DEFINE_bool("strict", False, "Refuse bytes that are no UTF-8; otherwise they are passed over and counted.")
flags.DEFINE_float("unit_megabytes", 4.0, "Text that becomes one shard; a process holds so much in memory.")
flags.DEFINE_string("text", "text", "For tfds: the feature with the text.")
flags.DEFINE_string("data_dir", None, "For tfds: its folder of data sets.")
flags.register_validator("input", bool, message="name the text, --input=FILE")
flags.register_validator("vocabulary", bool, message="name the vocabulary, --vocabulary=vocab.txt")
flags.register_validator("output", bool, message="name the folder to write, --output=FOLDER")

_MASKING_FLAGS = ("masking_rate", "max_predictions", "masking_unit", "phrases")

_beam_flags: list[str] = []


def run() -> None:
    """Runs the program."""
    own, others = divide_arguments(sys.argv[1:])
    _beam_flags[:] = others
    sys.argv[1:] = own
    run_program(main, sys.modules[__name__], checkpoint_flags)


def main() -> None:
    """Builds the data as the flags say."""
    from keras_bert.data.pretraining import build_pretraining_data

    manifest = build_pretraining_data(
        FLAGS.input,
        _tokenizer(),
        FLAGS.output,
        objective=FLAGS.objective,
        max_length=FLAGS.max_length,
        short_seq_probability=FLAGS.short_seq_probability,
        duplicates=FLAGS.duplicates,
        seed=FLAGS.seed,
        held_out=FLAGS.held_out,
        layout=FLAGS.layout,
        masking=_masking(),
        strict=FLAGS.strict,
        overwrite=FLAGS.overwrite,
        unit_megabytes=FLAGS.unit_megabytes,
        text=FLAGS.text,
        data_dir=FLAGS.data_dir,
        beam_flags=_beam_flags,
    )
    counts = manifest.counts
    print(f"{FLAGS.output}: {counts['examples']:,} examples in {len(manifest.shards)} shards")
    print(
        f"  {counts['documents']:,} documents, {counts['sentences']:,} sentences, {counts['tokens']:,} tokens; "
        f"{counts['example_tokens'] / counts['examples']:.1f} tokens an example"
    )
    if FLAGS.objective == "mlm_nsp":
        print(f"  {counts['random_next'] / counts['examples']:.1%} of the next sentences are random")
    if invalid := counts["corpus"]["invalid_lines"]:
        print(f"  {invalid:,} lines were not UTF-8: what could not be read was passed over")


def _tokenizer() -> Any:
    from keras_bert.checkpoints import open_checkpoint, open_tokenizer

    path = Path(FLAGS.vocabulary)
    if path.is_dir() and not (path / "tokenizer_config.json").is_file():
        return open_checkpoint(path, lowercase=FLAGS.lowercase, pad_vocabulary=FLAGS.pad_vocabulary).tokenizer()
    return open_tokenizer(path, FLAGS.lowercase, FLAGS.pad_vocabulary)


def _masking() -> dict[str, Any] | None:
    """Returns the settings of static masking, None for dynamic masking."""
    if FLAGS.masking == "dynamic":
        given = [name for name in _MASKING_FLAGS if FLAGS[name].value != FLAGS[name].default]
        if given:
            raise InputError(f"--{given[0]} is for --masking=static; with dynamic masking the trainer has it")
        return None
    from keras_bert.text.masks.phrases import read_phrases

    phrases = None if FLAGS.phrases is None else read_phrases(FLAGS.phrases)
    return {
        "rate": FLAGS.masking_rate,
        "max_predictions": FLAGS.max_predictions,
        "unit": FLAGS.masking_unit,
        "phrases": phrases,
    }


if __name__ == "__main__":
    run()
