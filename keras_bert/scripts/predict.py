"""Answers texts with a fine-tuned model, one JSON object a line.

    echo "a gripping film" | keras-bert predict --model=runs/sst2/model
    keras-bert predict --model=runs/sst2/model --input=reviews.csv --text=review --output=answers.jsonl

--input=- reads standard input, a text a line (for tasks on pairs: the two texts with a tab between). A .txt file is
read in the same way; .csv, .tsv and .jsonl files by the columns --text and --text_pair.
"""

import contextlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("input", "-", "Texts: a file, or - for standard input.")
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)

# Texts read ahead and sorted by length; small enough that answers to a pipe keep coming.
_WINDOW_BATCHES = 16


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], row_flags)


def main() -> None:
    """Answers as the flags say."""
    from keras_bert.tasks import open_task

    task = open_task(FLAGS.model)
    texts = _texts(task.text_fields)
    with _writer(FLAGS.output) as out:
        # One at a time from a person or a pipe that waits for its answer, by windows from a file.
        window = 1 if FLAGS.input == "-" and sys.stdin.isatty() else _WINDOW_BATCHES * FLAGS.batch_size
        while chunk := list(itertools.islice(texts, window)):
            for text, answer in zip(chunk, task.answer(chunk, FLAGS.batch_size), strict=True):
                out.write(json.dumps({**text, **answer}, ensure_ascii=False) + "\n")
            out.flush()


def _texts(fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yields the texts of --input, each a dict of the task's fields."""
    path = Path(FLAGS.input)
    if FLAGS.input == "-":
        yield from _lines(sys.stdin.buffer, "standard input", fields)
    elif path.suffix == ".txt":
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        with path.open("rb") as file:
            yield from _lines(file, str(path), fields)
    else:
        if len(fields) == 2 and FLAGS.text_pair is None:
            raise InputError(f"{path}: the model takes pairs of texts; name the second column, --text_pair")
        for row in row_flags.read_rows(FLAGS.input, label=False).as_numpy_iterator():
            yield {name: row[name].decode() for name in fields}


def _lines(lines: Any, source: str, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{source}, line {number}: not UTF-8 (byte {error.start + 1} of the line)") from None
        parts = text.split("\t") if len(fields) == 2 else [text]
        if len(parts) != len(fields):
            raise InputError(f"{source}, line {number}: expected two texts with a tab between, found {len(parts)}")
        yield dict(zip(fields, parts, strict=True))


@contextlib.contextmanager
def _writer(name: str) -> Iterator[TextIO]:
    """Opens --output; a file appears when all of it is written."""
    if name == "-":
        yield sys.stdout
        return
    path = Path(name)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: not written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    run()
