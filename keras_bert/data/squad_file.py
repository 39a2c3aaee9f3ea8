"""Rows of questions on texts: SQuAD's JSON, 1.1 and 2.0, or JSON lines."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from absl import logging

from keras_bert.data.history import with_history
from keras_bert.data.sources.json_lines_file import load_json, read_json_lines
from keras_bert.data.sources.lines import TextFormat, read_lines
from keras_bert.data.sources.source import Source, utf8
from keras_bert.errors import InputError
from keras_bert.graph import as_written

NO_ANSWER = -1
"""`answer_start` and `answer_end` of a question without an answer."""

NOT_FOUND = -2
"""`answer_start` and `answer_end` of a question none of whose answers stands at its place."""

LONGEST_FILE = 1 << 28
"""Bytes of a file in SQuAD's layout, which is one line, at most."""

SUFFIXES = (".json", ".jsonl")


class _Answers(NamedTuple):
    texts: list[bytes]
    start: int
    end: int
    astray: str | None


def read_squad(
    source: str | os.PathLike, label: bool = True, strict: bool = False, *, encoding: str | None = None
) -> tf.data.Dataset:
    """Reads questions, the texts they are about, and their answers.

    The rows are held in memory, a text only once however many questions there are on it.

    Args:
        source: A `.json` file in SQuAD's layout, 1.1 or 2.0, or a `.jsonl` file with an object a line: `question`,
            `context`, `answers` (a list of `{"text": ..., "answer_start": ...}`, empty where there is no answer),
            perhaps `id`, and `history`, earlier turns, which come before the question, see `with_history`. Both also
            with `.gz`. `answer_start` counts characters.
        label: Read the answers as well.
        strict: Refuse a file with an answer that does not stand at its `answer_start`. Without, such answers are
            counted in a warning; they count when predictions are scored, by their text, and nothing learns from them.
        encoding: Of the file; None: what its byte-order mark says, or else UTF-8.

    Returns:
        A data set of known cardinality with dicts of `id`, `question`, `context`: tf.string (). With `label` also
        `answers`: tf.string (answers,); `answer_start`, `answer_end`: int32 (), bytes in the context of the first
        answer that stands at its place, or both `NO_ANSWER` or `NOT_FOUND`.

    Raises:
        InputError: Anything wrong with the file: the line says where, and what was expected.

    Example:
        >>> from pathlib import Path
        >>> line = '{"question": "Where?", "context": "In Rome.", "answers": [{"text": "Rome", "answer_start": 3}]}'
        >>> _ = Path("train.jsonl").write_text(line)
        >>> row = next(read_squad("train.jsonl").as_numpy_iterator())
        >>> row["answers"].tolist(), int(row["answer_start"]), int(row["answer_end"])
        ([b'Rome'], 3, 7)
    """
    return question_dataset(_open(Path(source), label, TextFormat(encoding, LONGEST_FILE)), label, strict)


def question_dataset(found: Source, label: bool, strict: bool = False) -> tf.data.Dataset:
    """Makes the rows that `read_squad` gives.

    Args:
        found: Rows of id, question, context, answers, is_impossible, history.
        label: See `read_squad`.
        strict: See `read_squad`.

    Raises:
        InputError: See `read_squad`.
    """
    contexts: dict[bytes, int] = {}
    columns: dict[str, list[Any]] = {"id": [], "question": [], "context": []}
    answers: list[_Answers] = []
    for number, values in found.rows:
        place = found.place(number)
        identity, question, context, right, impossible, history = values
        asked = utf8(found, number, "question", question)
        if not asked.strip():
            raise InputError(f"{place}: field 'question': is empty")
        columns["id"].append(utf8(found, number, "id", str(number if identity is None else identity)))
        if history is not None:
            asked = utf8(found, number, "history", with_history(question, history, place))
        columns["question"].append(asked)
        columns["context"].append(contexts.setdefault(utf8(found, number, "context", context), len(contexts)))
        if label:
            answers.append(_answers(found, number, context, right, bool(impossible)))
    if not columns["id"]:
        raise InputError(f"{found.name}: there are no questions")
    _say_astray(found, answers, strict)

    parts: dict[str, Any] = {name: tf.constant(values) for name, values in columns.items()}
    if label:
        texts = tf.constant([text for answer in answers for text in answer.texts], tf.string)
        parts["answers"] = tf.RaggedTensor.from_row_lengths(texts, [len(answer.texts) for answer in answers])
        parts["answer_start"] = tf.constant([answer.start for answer in answers], tf.int32)
        parts["answer_end"] = tf.constant([answer.end for answer in answers], tf.int32)
    texts_asked = tf.constant(list(contexts))

    def whole(row: dict[str, Any]) -> dict[str, Any]:
        row = row | {"context": tf.gather(texts_asked, row["context"])}
        # As a plain tensor a row of a ragged one batches like any other.
        return row | {"answers": tf.convert_to_tensor(row["answers"])} if label else row

    return tf.data.Dataset.from_tensor_slices(parts).map(as_written(whole))


def _open(path: Path, label: bool, text_format: TextFormat) -> Source:
    """Finds out which layout a file has; its rows are those of `question_dataset`."""
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown kind of file; expected SQuAD's .json or .jsonl, or these with .gz")
    if suffix == ".jsonl":
        wanted = ["question", "context", *(["answers"] if label else [])]
        lines = read_json_lines(path, wanted, ["answers", "is_impossible", "id", "history"], text_format)
        return Source(
            name=str(path),
            unit="line",
            rows=((number, [row[-2], row[0], row[1], row[-4], row[-3], row[-1]]) for number, row in lines),
        )
    return Source(name=str(path), unit="question", rows=_squad_rows(path, label, text_format))


def _squad_rows(path: Path, label: bool, text_format: TextFormat) -> Iterator[tuple[int, list[Any]]]:
    """The questions of a file in SQuAD's layout, numbered from 1."""
    text = "".join(line for _, line in read_lines(path, text_format))
    whole = load_json(text, str(path), "expected SQuAD's layout (name a file of one object a line .jsonl)")
    number = 0
    for article, fields in enumerate(_list(str(path), whole, "data")):
        place = f"{path}, data[{article}]"
        for paragraph, texts in enumerate(_list(place, fields, "paragraphs")):
            inner = f"{place}.paragraphs[{paragraph}]"
            for index, asked in enumerate(_list(inner, texts, "qas")):
                number += 1
                for field, where in (("question", asked), ("context", texts), *([("answers", asked)] if label else [])):
                    if not isinstance(where, dict) or field not in where:
                        raise InputError(f"{inner}.qas[{index}]: no field {field!r}; expected SQuAD's layout")
                fields_of = (asked.get("id"), asked["question"], texts["context"])
                yield number, [*fields_of, *(asked.get(name) for name in ("answers", "is_impossible", "history"))]


def _list(place: str, parent: Any, field: str) -> list[Any]:
    """A list of SQuAD's layout."""
    if not isinstance(parent, dict) or not isinstance(parent.get(field), list):
        raise InputError(
            f"{place}: no list {field!r}; expected SQuAD's layout: data[].paragraphs[].context and .qas[], "
            "or name a file of one object a line .jsonl"
        )
    return parent[field]


def _answers(source: Source, number: int, context: str, given: Any, impossible: bool) -> _Answers:
    """Reads the answers to one question and finds the first that stands at its place."""
    place = source.place(number)
    pairs = _pairs(place, given)
    if impossible and pairs:
        raise InputError(f"{place}: field 'is_impossible': is true, and yet there are answers")
    texts, start, end, astray = [], NO_ANSWER, NO_ANSWER, None
    for text, offset in pairs:
        texts.append(utf8(source, number, "answers.text", text))
        if not isinstance(offset, int) or isinstance(offset, bool):
            raise InputError(f"{place}: field 'answers.answer_start': expected a whole number, found {offset!r:.40}")
        if not text or offset < 0 or context[offset : offset + len(text)] != text:
            astray = astray or f"{place}: the answer {text!r:.60} does not stand at character {offset} of the context"
        elif start < 0:
            start = len(context[:offset].encode())
            end = start + len(texts[-1])
    if texts and start < 0:
        start = end = NOT_FOUND
    return _Answers(texts, start, end, astray)


def _pairs(place: str, given: Any) -> list[tuple[Any, Any]]:
    """Texts and places of answers, from a list of objects or from an object of two lists (Hugging Face's)."""
    if isinstance(given, list) and all(isinstance(answer, dict) for answer in given):
        pairs = [(answer.get("text"), answer.get("answer_start")) for answer in given]
    elif isinstance(given, dict) and all(isinstance(given.get(name), list) for name in ("text", "answer_start")):
        if len(given["text"]) != len(given["answer_start"]):
            raise InputError(f"{place}: field 'answers': as many 'text' as 'answer_start' are expected")
        pairs = list(zip(given["text"], given["answer_start"], strict=True))
    else:
        raise InputError(
            f'{place}: field \'answers\': expected a list of {{"text": ..., "answer_start": ...}}, found {given!r:.60}'
        )
    return pairs


def _say_astray(source: Source, answers: list[_Answers], strict: bool) -> None:
    """Counts the questions with answers that do not stand at their place, or refuses them."""
    astray = [answer.astray for answer in answers if answer.astray]
    if not astray:
        return
    if strict:
        raise InputError(astray[0])
    lost = sum(answer.start == NOT_FOUND for answer in answers)
    logging.warning(
        "%s: %d of %d questions have an answer that does not stand at its answer_start, %d have no other: nothing is "
        "learned from these. The first: %s",
        source.name,
        len(astray),
        len(answers),
        lost,
        astray[0],
    )
