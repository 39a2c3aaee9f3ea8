"""The texts that a program asks a model about: lines of text, or the rows of a file with columns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint

FLAGS = flags.FLAGS
TAB = "\t"


def has_lines(source: str) -> bool:
    """Tells whether a source is of lines of text: standard input (`-`), or a .txt file."""
    return source == "-" or source.endswith((".txt", ".txt.gz"))


def rows_reader(checkpoint: Checkpoint) -> Callable[..., tf.data.Dataset]:
    """Returns what reads the layout of a model's rows: that of SQuAD for a model that answers questions."""
    from keras_bert.checkpoints.heads import CHOICES, QUESTIONS, TOKENS, head_of
    from keras_bert.data import read_squad

    head = head_of(checkpoint)
    if head == QUESTIONS:
        return functools.partial(read_squad, encoding=FLAGS.encoding)
    if FLAGS.words and head == TOKENS:
        return row_flags.read_word_rows
    return row_flags.read_choice_rows if head == CHOICES else row_flags.read_rows


def texts_of_rows(
    rows: tf.data.Dataset, source: str, fields: tuple[str, ...], size: int
) -> Iterator[list[dict[str, Any]]]:
    """Yields the texts of a file with columns, some at a time, each a dict of the task's fields.

    Args:
        rows: As `rows_reader` reads them.
        source: The file, for messages.
        fields: The texts that the task takes.
        size: Texts at a time.
    """
    if "words" in rows.element_spec:
        fields = ("words",)
    elif "text" in fields:
        row_flags.check_texts(source, fields)
    elif "id" in rows.element_spec:
        fields = ("id", *fields)
    for batch in rows.ragged_batch(size):
        texts = (_decoded(_listed(batch[name])) for name in fields)
        for_rows = [dict(zip(fields, row, strict=True)) for row in zip(*texts, strict=True)]
        # Rows with fewer choices than others are filled up with empty ones.
        yield [{**row, "choices": list(filter(None, row["choices"]))} if "choices" in row else row for row in for_rows]


def texts_of_lines(source: str, fields: tuple[str, ...], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yields the texts of a file of lines, or those that have arrived at standard input.

    Args:
        source: A file, or `-`.
        fields: The texts that the task takes; of several a line holds all, with tabs between.
        size: Lines of a file at a time.
    """
    number, has_warned = 0, len(fields) > 1
    for lines in read_text_lines(source, size, **row_flags.line_options()):
        for index, line in enumerate(lines, start=number + 1):
            if not has_warned and TAB in line:
                has_warned = True
                logging.warning(
                    "%s, line %d: has a tab, and the model takes one text, so the whole line is read as one; if this "
                    "is a classifier or regressor of pairs, which its folder does not say, give --text_pair=text_pair",
                    _name(source),
                    index,
                )
        yield [_texts(line, number + index, fields, source) for index, line in enumerate(lines, start=1)]
        number += len(lines)


def _listed(column: Any) -> list[Any]:
    return column.to_list() if hasattr(column, "to_list") else column.numpy().tolist()


def _decoded(texts: list[Any]) -> list[Any]:
    """Makes strings of bytes, and of lists of them."""
    return [text.decode() if isinstance(text, bytes) else _decoded(text) for text in texts]


def _texts(line: str, number: int, fields: tuple[str, ...], source: str) -> dict[str, Any]:
    parts: list[Any] = line.split(TAB) if len(fields) > 1 else [line]
    if "choices" in fields and len(parts) > len(fields):
        before = len(fields) - 1
        parts = [*parts[:before], parts[before:]]
    if len(parts) != len(fields) or ("choices" in fields and isinstance(parts[-1], str)):
        asked = "a text, a question" if "question" in fields else "a text"
        expected = f"{asked} and two or more choices with tabs" if "choices" in fields else "two texts with a tab"
        found = line.count(TAB)
        raise InputError(f"{_name(source)}, line {number}: expected {expected} between, found {found} tabs")
    return dict(zip(fields, parts, strict=True))


def _name(source: str) -> str:
    return "standard input" if source == "-" else source
