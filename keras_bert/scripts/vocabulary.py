"""Learns a vocabulary from text, and measures how well it covers text that it has not seen.

    keras-bert vocabulary --input='corpus/*.txt' --output=vocabulary --size=16000
    keras-bert vocabulary --input=corpus.txt --output=vocab.txt --size=8000 --nolowercase --held_out=other.txt
    keras-bert vocabulary --input=tfds:wikipedia/20230601.simple --output=vocabulary --size=16000 --algorithm=bpe

The same text gives the same files. The folder written is what --vocabulary of the other programs takes; beside the
vocabulary it holds `coverage.json`, the figures that are printed. A file as --output, VOCAB.txt, gets its figures in
VOCAB.coverage.json.
"""

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError, one_line
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder, check_target
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from keras_bert.data.pretraining.corpus_lines import CorpusLines
    from keras_bert.text.learning.learn_vocabulary import LearnedVocabulary
    from keras_bert.text.token_layer import TokenLayer

FLAGS = flags.FLAGS

flags.DEFINE_multi_string(
    "input", None, "Text: a file or glob, .gz too, or tfds:NAME[:SPLIT]; may be given several times."
)
flags.DEFINE_string("output", None, "The folder to write; for wordpiece also a file, NAME.txt.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")
flags.DEFINE_integer("size", 8000, "Entries of the vocabulary, special tokens and characters included.")
flags.DEFINE_enum("algorithm", "wordpiece", ["wordpiece", "bpe"], "WordPiece as BERT has it, or byte-level BPE.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default for wordpiece and not for bpe.")
flags.DEFINE_bool("strip_accents", None, "Drop accents; by default as --lowercase.")
flags.DEFINE_integer(
    "min_frequency", 2, "How often a pair must occur to be merged, and a character to be an entry whatever the size."
)
flags.DEFINE_string(
    "held_out", "100", "Text to measure on: N for every Nth line, which is not learned from; or a file; 0 for none."
)
flags.DEFINE_bool("strict", False, "Lines that are not UTF-8 are an error; otherwise they are counted.")
flags.DEFINE_string("text", "text", "For tfds: the feature with the text.")
flags.DEFINE_string("data_dir", None, "For tfds: its folder of data sets.")
flags.register_validator("input", bool, message="name the text, --input=FILE")
flags.register_validator("output", bool, message="name the folder to write, --output=FOLDER")

COVERAGE_FILE = "coverage.json"


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__])


def main() -> None:
    """Learns, measures and writes as the flags say."""
    from keras_bert.checkpoints.tokenizer_files import make_tokenizer
    from keras_bert.text.learning.learn_vocabulary import learn_byte_pairs, learn_word_pieces

    as_file = _check_output()
    every, measured = _held_out()
    begin = time.perf_counter()
    lowercase = FLAGS.algorithm == "wordpiece" if FLAGS.lowercase is None else FLAGS.lowercase
    corpus = _lines(FLAGS.input)
    counts = _count(corpus, every, lowercase)
    learn = learn_word_pieces if FLAGS.algorithm == "wordpiece" else learn_byte_pairs
    learned = learn(counts.words, FLAGS.size, FLAGS.min_frequency)
    report: dict[str, Any] = {
        "algorithm": FLAGS.algorithm,
        "size": len(learned.tokens),
        "size_asked": FLAGS.size,
        "lowercase": lowercase,
        "strip_accents": FLAGS.strip_accents,
        "min_frequency": FLAGS.min_frequency,
        "corpus": {
            "lines": corpus.lines,
            "bytes": corpus.size,
            "invalid_lines": corpus.invalid_lines,
            "words": counts.total,
            "different_words": len(counts.words),
        },
        "notes": list(learned.notes),
        "rare_characters": "".join(learned.rare_characters),
    }
    if corpus.invalid_lines:
        report["notes"].append(f"{corpus.invalid_lines} lines were not UTF-8: what could not be read was passed over")
    if counts.let_go:
        report["notes"].append(
            f"too many different words to count all: the rarest may be counted {counts.let_go} times too few"
        )
    tokenizer = make_tokenizer(learned.tokens, learned.merges, _settings(lowercase))
    report["held_out"] = _measure(tokenizer, corpus, every, measured)
    if report["held_out"] is None and every:
        report["notes"].append(f"the text has less than {every} lines, so none is held out to measure on")
    _write(learned, lowercase, report, as_file)
    _print(report, time.perf_counter() - begin)


def _check_output() -> bool:
    """Checks --output before the work; returns whether it is a file."""
    path = Path(FLAGS.output)
    if path.suffix != ".txt" or path.is_dir():
        check_target(path, FLAGS.overwrite)
        return False
    if FLAGS.algorithm == "bpe":
        raise InputError(f"{path}: a byte-level BPE is several files; name a folder, --output=FOLDER")
    check_output_file(str(path))
    for name in (path, _report_path(path)):
        if name.exists() and not FLAGS.overwrite:
            raise InputError(f"{name}: already there; choose another name or pass --overwrite")
    return True


def _report_path(path: Path) -> Path:
    return path.with_suffix(f".{COVERAGE_FILE}")


def _held_out() -> tuple[int, list[str]]:
    """Reads --held_out: of so many lines one is held out, 0 for none; and the files to measure on."""
    if not FLAGS.held_out.isdigit():
        return 0, [FLAGS.held_out]
    every = int(FLAGS.held_out)
    if every == 1:
        raise InputError("--held_out=1 holds every line out; name 0 for none, or 2 and more for every Nth line")
    return every, []


def _lines(inputs: list[str]) -> "CorpusLines":
    from keras_bert.data.pretraining.corpus_lines import CorpusLines

    return CorpusLines(inputs, FLAGS.strict, FLAGS.text, FLAGS.data_dir)


def _part(lines: "CorpusLines", every: int, held_out: bool) -> Iterator[bytes]:
    """Yields every Nth line, or all but these."""
    for number, line in enumerate(lines, start=1):
        if (bool(every) and number % every == 0) == held_out:
            yield line


def _count(corpus: "CorpusLines", every: int, lowercase: bool) -> Any:
    from keras_bert.data.pretraining.corpus_lines import in_batches
    from keras_bert.text.learning.word_counts import WordCounts

    counts = WordCounts(FLAGS.algorithm, lowercase, FLAGS.strip_accents)
    for batch in in_batches(_part(corpus, every, held_out=False)):
        counts.add(batch)
    return counts


def _measure(tokenizer: "TokenLayer", corpus: "CorpusLines", every: int, measured: list[str]) -> dict[str, Any] | None:
    """Returns the figures on held-out lines, None if there are none."""
    from keras_bert.data.pretraining.corpus_lines import in_batches
    from keras_bert.text.learning.coverage import Coverage

    if not every and not measured:
        return None
    lines = iter(_lines(measured)) if measured else _part(corpus, every, held_out=True)
    batches = in_batches(lines)
    first = next(batches, None)
    if first is None:
        return None
    coverage = Coverage(tokenizer)
    for batch in itertools.chain([first], batches):
        coverage.add(batch)
    return coverage.report()


def _settings(lowercase: bool) -> dict[str, Any]:
    return {"lowercase": lowercase, "strip_accents": FLAGS.strip_accents}


def _write(learned: "LearnedVocabulary", lowercase: bool, report: dict[str, Any], as_file: bool) -> None:
    from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files

    text = to_json(report, indent=2) + "\n"
    if not as_file:
        with atomic_folder(FLAGS.output, FLAGS.overwrite) as folder:
            write_tokenizer_files(folder, learned.tokens, _settings(lowercase), learned.merges)
            (folder / COVERAGE_FILE).write_text(text, encoding="utf-8")
        return
    path = Path(FLAGS.output)
    with contextlib.ExitStack() as stack:
        stack.enter_context(output_file(str(path))).write("".join(f"{token}\n" for token in learned.tokens))
        stack.enter_context(output_file(str(_report_path(path)))).write(text)


def _print(report: dict[str, Any], seconds: float) -> None:
    corpus, held_out = report["corpus"], report["held_out"]
    print(f"{FLAGS.output}: {report['size']:,} entries ({report['algorithm']}), {seconds:.1f} s")
    print(
        f"  {corpus['lines']:,} lines, {corpus['bytes'] / 1e6:.1f} MB; learned from {corpus['words']:,} words, "
        f"{corpus['different_words']:,} different"
    )
    if held_out:
        print(
            f"  on {held_out['lines']:,} held-out lines: {held_out['unknown_rate']:.2%} of {held_out['words']:,} words "
            f"are [UNK], {held_out['pieces_per_word']:.3f} pieces per word, "
            f"{held_out['characters_per_piece']:.2f} characters per piece"
        )
        if unknown := held_out["most_frequent_unknown"]:
            print(f"  most frequent [UNK]: {one_line(' '.join(unknown), 1000)}")
    for note in report["notes"]:
        print(f"  {note}")


if __name__ == "__main__":
    run()
