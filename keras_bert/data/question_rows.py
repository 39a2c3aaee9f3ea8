"""Rows of questions on texts that are in memory: lists of dicts, tables."""

from typing import Any

import tensorflow as tf

from keras_bert.data.memory.table import plain_value, table_of
from keras_bert.data.sources.source import Source
from keras_bert.data.squad_file import question_dataset
from keras_bert.errors import InputError


def question_rows(table: Any) -> tf.data.Dataset:
    """Makes rows of questions, texts and answers that are in memory, as `read_squad` makes them of files.

    Args:
        table: A list of dicts, a dict of lists, a DataFrame, a data set of Hugging Face's, with `question`, `context`,
            `answers` (a list of dicts with `text` and `answer_start`, in characters, or a dict of these two lists;
            empty where there is none), and perhaps `id` and `history`, see `with_history`.

    Returns:
        What `read_squad` gives.

    Raises:
        InputError: Says the row, from 0, and what was expected.

    Example:
        >>> rows = [{"question": "Who?", "context": "Ada slept.", "answers": [{"text": "Ada", "answer_start": 0}]}]
        >>> next(question_rows(rows).as_numpy_iterator())["answer_end"].item()
        3
    """
    found = None if isinstance(table, str | bytes) else table_of(table)
    if found is None:
        raise InputError(
            "expected rows of questions: of a file with keras_bert.data.read_squad(file), or a list of dicts with "
            f"question, context and answers; received {type(table).__name__} {table!r:.60}"
        )
    if missing := [name for name in ("question", "context", "answers") if name not in found.names]:
        there = ", ".join(map(repr, found.names))
        raise InputError(f"no column {missing[0]!r}; rows have question, context and answers, the columns are: {there}")
    columns = [found.column(name, name) for name in ("question", "context", "answers")]
    ids = found.column("id", "id") if "id" in found.names else [None] * len(columns[0])
    turns = found.column("history", "history") if "history" in found.names else [None] * len(ids)
    rows = (
        (index, [identity, question, context, plain_value(answers), None, plain_value(history)])
        for index, (identity, question, context, answers, history) in enumerate(zip(ids, *columns, turns, strict=True))
    )
    return question_dataset(Source(name="the rows", unit="row", rows=rows), label=True)
