"""Answers texts with a fine-tuned model, one JSON object a line.

    echo "a gripping film" | keras-bert predict --model=runs/sst2/model
    keras-bert predict --model=runs/sst2/model --input=reviews.csv --text=review --keep=id --output=answers.jsonl

--input=- reads standard input, a text a line (for tasks on pairs: the two texts with a tab between; for multiple
choice: the text and its choices; for questions: the question and the text that it is about), and answers what has
arrived. A .txt file is read in the same way; .csv, .tsv and .jsonl files by the columns --text and --text_pair, files
of questions as SQuAD lays them out, .json or .jsonl, with the id of each question beside its answer. --keep=id,date
writes these columns of a row beside its answer, --scores the probabilities of all classes.

From a file to a file, what is answered when the program is stopped stays in OUTPUT.part, and the same command goes on.

Rows are read as they were in training, unless a flag says otherwise. A folder of transformers does not say that its
model takes pairs: --text_pair=COLUMN does, for lines of standard input too.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, generation_flags, prompt_flags, row_flags
from keras_bert.scripts.answered_windows import Answering, Window, answered_windows
from keras_bert.scripts.asked_texts import has_lines, rows_reader, texts_of_lines, texts_of_rows
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.part_file import PartFile, digest_of
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("input", "-", "Texts: a file, or - for standard input.")
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)
flags.DEFINE_bool("scores", False, "Answer with the probabilities of all classes.")
flags.DEFINE_integer("seed", None, "With --do_sample: what is drawn follows from it and the text; 0.")
flags.DEFINE_list("keep", [], "Columns of a .csv, .tsv or .jsonl file to write beside the answers, such as id.")

flags.DEFINE_integer(
    "processes",
    1,
    "Processes that answer, each with the model and its share of the processor.",
    lower_bound=1,
)

# Texts read ahead and answered together, those of like length in one batch.
_WINDOW_BATCHES = 16
_WINDOWS_READ = 16  # windows of a file that are read at a time
_READ_WHOLE = 1 << 25  # bytes; a smaller file is looked through before the model is built


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags, prompt_flags, generation_flags)


def main() -> None:
    """Answers as the flags say."""
    from keras_bert.checkpoints import open_checkpoint

    check_output_file(FLAGS.output)
    by_lines = has_lines(FLAGS.input)
    if by_lines and FLAGS.keep:
        raise InputError("--keep names columns of a .csv, .tsv or .jsonl file; lines of text have none")
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint, labelled=False)
    # Read before the model is built: what is wrong with a file is said at once.
    blocks = None if by_lines else _blocks(rows_reader(checkpoint))
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    answering = Answering(task)
    size = _WINDOW_BATCHES * FLAGS.batch_size
    windows = _windows(blocks, task.text_fields, size)
    if goes_on():
        cut = _write_part(answering, windows)
    else:
        cut = 0
        with output_file(FLAGS.output) as out:
            for answered in answered_windows(answering, windows):
                out.writelines(f"{line}\n" for line in answered.lines)
                out.flush()
                cut += answered.cut
    if cut:
        logging.warning("%d texts are longer than %d tokens, and were cut", cut, task.preprocessor.max_length)


def goes_on() -> bool:
    """Tells whether a run that is stopped can go on: texts and answers are files."""
    return (
        FLAGS.input != "-" and FLAGS.output != "-" and (not Path(FLAGS.output).exists() or Path(FLAGS.output).is_file())
    )


def _write_part(answering: Answering, windows: Iterator[Window]) -> int:
    """Writes the answers to a file, behind those that are there; returns how many texts were cut."""
    named = {flag.name: flag.value for module in _MODULES for flag in FLAGS.get_flags_for_module(module.__name__)}
    facts = {name: value for name, value in named.items() if name not in ("output", "processes")}
    facts |= {"input": digest_of(FLAGS.input), "model": digest_of(FLAGS.model)}
    with PartFile(FLAGS.output, facts) as part:
        left = itertools.islice(windows, part.groups, None)
        cut = 0
        for answered in answered_windows(answering, left):
            part.write(answered.lines)
            cut += answered.cut
    return cut


def _blocks(read: Callable[..., Any]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Yields rows of the input some at a time, with what is kept of each; a small file is read at once."""
    from keras_bert.data.sources.source_blocks import SourceBlocks

    rows = _WINDOWS_READ * _WINDOW_BATCHES * FLAGS.batch_size
    blocks = SourceBlocks(FLAGS.input, rows)

    def next_block(source: Any) -> tuple[Any, list[dict[str, Any]]]:
        texts = read(source, label=False)
        kept = row_flags.read_columns(source, FLAGS.keep) if FLAGS.keep else []
        return texts, [dict(zip(FLAGS.keep, values, strict=True)) for values in kept]

    found = blocks.read_all(next_block)
    small = Path(FLAGS.input).is_file() and Path(FLAGS.input).stat().st_size < _READ_WHOLE
    # Of a large one the first rows.
    return iter(list(found)) if small else itertools.chain([next(found)], found)


def _windows(blocks: Iterator[Any] | None, fields: tuple[str, ...], size: int) -> Iterator[Window]:
    if blocks is None:
        for texts in texts_of_lines(FLAGS.input, fields, size):
            yield Window(texts, [{}] * len(texts))
        return
    for rows, kept in blocks:
        beside = iter(kept) if kept else itertools.repeat({})
        for texts in texts_of_rows(rows, FLAGS.input, fields, size):
            yield Window(texts, list(itertools.islice(beside, len(texts))))


_MODULES = (sys.modules[__name__], checkpoint_flags, row_flags, prompt_flags, generation_flags)


if __name__ == "__main__":
    run()
