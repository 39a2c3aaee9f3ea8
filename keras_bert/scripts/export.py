"""Writes a fine-tuned model as a SavedModel that answers strings, or as LiteRT or ONNX.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/1

TF Serving takes the name of the model from the folder above, its version from the last part. The SavedModel needs
only `tensorflow` and `tensorflow_text` where it runs. The model card goes with it.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/2 --dtype=bfloat16 --freeze

is the fastest form on a CPU with bfloat16 instructions.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/3 --warmup=sst2/dev.tsv --text=sentence

has TensorFlow Serving run the first rows of that file when it loads the model, before anybody waits for an answer; the
rows are read as `evaluate` reads them, and lie in the SavedModel. Without it these are words of the vocabulary.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/4 --dtype=int8 --calibrate=sst2/dev.tsv

multiplies 8-bit integers; the rows show between which limits the numbers lie. By default they are the run's own --dev.

    keras-bert export --model=runs/sst2/model --output=export/sst2-litert --format=litert --dtype=int8

writes a folder that keras_bert.runtime answers from where no TensorFlow is (docs/formats.md). With
--measure=sst2/dev.tsv --text=sentence it is timed, and its answers compared with those in float32.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/5 --explain

adds a signature that says which words of a text speak for the answer (docs/trust.md).

A folder of transformers does not say that its model takes pairs, nor perhaps what its classes are called:
--text_pair=text_pair and --labels=negative,positive do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, export_rows, generation_flags, prompt_flags, row_flags
from keras_bert.scripts.labelled_rows import labelled_rows
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.tasks import BertTask

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("output", "export/models/library_docs/1", "Folder to write.")
flags.DEFINE_enum(
    "format", "saved_model", ["saved_model", "litert", "onnx"], "What to write; litert and onnx need no TensorFlow."
)
flags.DEFINE_enum(
    "dtype", "float32", ["float32", "bfloat16", "int8"], "Numbers: bfloat16 of saved_model alone, int8 of all."
)
flags.DEFINE_bool("freeze", False, "Write the weights into the graph as constants: faster, on CPUs above all.")
flags.DEFINE_bool("unpad", True, "Compute nothing but attention for padding; no with a server that compiles with XLA.")
flags.DEFINE_bool("explain", False, "Add a signature explain: which words speak for the answer, and which against it.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], export_rows, checkpoint_flags, row_flags, prompt_flags, generation_flags)


def main() -> None:
    """Exports as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.files import check_target
    from keras_bert.tasks.base.export_formats import check_format

    check_format(FLAGS.format, FLAGS.dtype)
    saved_model = FLAGS.format == "saved_model"
    if FLAGS["calibrate"].present and (FLAGS.format, FLAGS.dtype) != ("saved_model", "int8"):
        raise InputError("--calibrate is of --format=saved_model with --dtype=int8 alone")
    for name in () if saved_model else ("freeze", "unpad", "warmup", "explain"):
        if FLAGS[name].present:
            raise InputError(f"--{name} is of SavedModels; --format={FLAGS.format} has none")
    check_target(FLAGS.output, FLAGS.overwrite, tensorflow=saved_model)
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint)
    dtype = "mixed_bfloat16" if FLAGS.dtype == "bfloat16" else "float32"
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0, dtype=dtype)
    generation_flags.refuse_sampling(task, "; the signature sample takes it with each request")
    card = checkpoint.extra.get("card")
    rows = None if FLAGS.measure is None else labelled_rows(task, FLAGS.measure)
    options = {"card": card, "format": FLAGS.format, "dtype": FLAGS.dtype}
    if saved_model:
        options |= {"freeze": FLAGS.freeze, "unpad": FLAGS.unpad, "warmup": export_rows.warmup_rows(task)}
        if FLAGS.dtype == "int8":
            options["calibration"] = export_rows.calibration_rows(task)
        if FLAGS.explain:
            from keras_bert.trust import explain_signature

            options["more"] = explain_signature
    task.export(FLAGS.output, overwrite=FLAGS.overwrite, **options, **prompt_flags.prompt_options(task))
    if rows is not None:
        _measure(task, rows, card)
    if not saved_model:
        print(f"{FLAGS.output}: {FLAGS.format}, {FLAGS.dtype}; keras_bert.runtime.load answers from it")
        return
    inputs = ", ".join(f"{name}: string [batch]" for name in task.text_fields)
    print(f"{FLAGS.output}: serving_default takes {inputs}")


def _measure(task: BertTask, rows: tf.data.Dataset, card: dict[str, Any] | None) -> None:
    """Measures what was written, prints it, and writes it into the model card."""
    from keras_bert.scripts.measured_export import measure
    from keras_bert.scripts.output_file import output_file

    facts = measure(task, FLAGS.output, list(rows.as_numpy_iterator()), FLAGS.dtype)
    for name, value in facts.items():
        print(f"{name}: {value}")
    with output_file(str(Path(FLAGS.output) / "README.md")) as file:
        file.write(task.card({**(card or {}), "format": facts}))


if __name__ == "__main__":
    run()
