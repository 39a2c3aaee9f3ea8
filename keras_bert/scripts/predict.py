"""Answers texts with a fine-tuned model, one JSON object a line.

    echo "a gripping film" | keras-bert predict --model=runs/sst2/model
    keras-bert predict --model=runs/sst2/model --input=reviews.csv --text=review --output=answers.jsonl

--input=- reads standard input, a text a line (for tasks on pairs: the two texts with a tab between; for multiple
choice: the text and its choices; for questions: the question and the text that it is about), and answers what has
arrived. A .txt file is read in the same way; .csv, .tsv and .jsonl files by the columns --text and --text_pair, files
of questions as SQuAD lays them out, .json or .jsonl, with the id of each question beside its answer.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import prompt_flags, row_flags
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    import tensorflow as tf

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("input", "-", "Texts: a file, or - for standard input.")
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)

# Texts read ahead and answered together, those of like length in one batch.
_WINDOW_BATCHES = 16
TAB = "\t"


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], row_flags, prompt_flags)


def main() -> None:
    """Answers as the flags say."""
    check_output_file(FLAGS.output)
    by_lines = FLAGS.input == "-" or FLAGS.input.endswith((".txt", ".txt.gz"))
    # Read before the model is loaded: what is wrong with a file is said at once.
    rows = None if by_lines else _reader()(FLAGS.input, label=False)

    from keras_bert.tasks import BertPretrainer, open_task

    task = open_task(FLAGS.model)
    options = prompt_flags.prompt_options(task)
    several = "masks" if isinstance(task, BertPretrainer) else "entities"
    size = _WINDOW_BATCHES * FLAGS.batch_size
    windows = _from_lines(task.text_fields, size) if rows is None else _from_rows(rows, task.text_fields, size)
    with output_file(FLAGS.output) as out:
        for window in windows:
            for text, answer in zip(window, task.answer(window, FLAGS.batch_size, **options), strict=True):
                # A pretrainer answers with a list, one entry for each [MASK], a token classifier with one of entities.
                fields = answer if isinstance(answer, dict) else {several: answer}
                # The text that was asked stays, where an answer has one too.
                out.write(to_json({**text, **{**fields, **text}}) + "\n")
            out.flush()


def _reader() -> Callable[..., "tf.data.Dataset"]:
    """Returns what reads the input's layout: that of SQuAD for a model that answers questions."""
    from keras_bert.data import read_squad

    try:
        config = json.loads((Path(FLAGS.model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}  # no folder of ours: a hub handle, or an error that opening the model will tell
    if "BertForQuestionAnswering" in (config.get("architectures") or ()):
        return functools.partial(read_squad, encoding=FLAGS.encoding)
    return row_flags.read_choice_rows if FLAGS.choices else row_flags.read_rows


def _from_rows(rows: "tf.data.Dataset", fields: tuple[str, ...], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yields the texts of a file with columns, some at a time, each a dict of the task's fields."""
    if "text" in fields:
        row_flags.check_texts(FLAGS.input, fields)
    elif "id" in rows.element_spec:
        fields = ("id", *fields)
    for batch in rows.batch(size).as_numpy_iterator():
        texts = (_decoded(batch[name].tolist()) for name in fields)
        yield [dict(zip(fields, row, strict=True)) for row in zip(*texts, strict=True)]


def _decoded(texts: list[Any]) -> list[Any]:
    """Makes strings of bytes, and of lists of them."""
    return [text.decode() if isinstance(text, bytes) else _decoded(text) for text in texts]


def _from_lines(fields: tuple[str, ...], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yields the texts of a file of lines, or those that have arrived at standard input."""
    number = 0
    for lines in read_text_lines(FLAGS.input, size, **row_flags.line_options()):
        yield [_texts(line, number + index, fields) for index, line in enumerate(lines, start=1)]
        number += len(lines)


def _texts(line: str, number: int, fields: tuple[str, ...]) -> dict[str, Any]:
    parts: list[Any] = line.split("\t") if len(fields) == 2 else [line]
    if "choices" in fields and len(parts) > 2:
        parts = [parts[0], parts[1:]]
    if len(parts) != len(fields) or ("choices" in fields and isinstance(parts[1], str)):
        source = "standard input" if FLAGS.input == "-" else FLAGS.input
        texts = "a text and two or more choices with tabs" if "choices" in fields else "two texts with a tab"
        raise InputError(f"{source}, line {number}: expected {texts} between, found {line.count(TAB)} tabs")
    return dict(zip(fields, parts, strict=True))


if __name__ == "__main__":
    run()
