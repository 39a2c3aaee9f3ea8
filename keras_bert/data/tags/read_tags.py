"""Rows of tagged words: from CoNLL columns, from words and tags, or from texts with character spans."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.data.sources.json_lines_file import read_json_lines
from keras_bert.data.sources.labels import label_names, sort_labels
from keras_bert.data.sources.lines import MAX_LINE_BYTES, TextFormat
from keras_bert.data.tags.conll_file import read_conll
from keras_bert.data.tags.tag_schemes import SCHEMES, detect_scheme, entity_labels, find_fault, to_iob2
from keras_bert.data.tags.tagged_text import TaggedText, join_words, parse_spans, tag_types, tag_words
from keras_bert.errors import InputError
from keras_bert.graph import as_written

JSON_SUFFIXES = (".jsonl", ".json")
CONLL_SUFFIXES = (".conll", ".conllu", ".txt", ".tsv", ".iob", ".bio")


class TaggedWords(NamedTuple):
    """Words with their tags and the place of each, for messages."""

    words: list[str]
    tags: list[str]
    places: list[str]
    document: int


def read_tags(
    source: str | os.PathLike,
    *,
    words: str | None = None,
    text: str = "text",
    label: str = "label",
    document: str | None = None,
    scheme: str = "auto",
    labels: Sequence[str] | None = None,
    separator: str = " ",
    word_column: int = 0,
    tag_column: int = -1,
    need_documents: bool = False,
    encoding: str | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tf.data.Dataset:
    r"""Reads texts whose words have tags.

    The rows are held in memory. Tags that mark entities become IOB2, whatever scheme they are of.

    Args:
        source: A file, UTF-8. CoNLL columns (`.conll`, `.conllu`, `.txt`, `.tsv`, `.iob`, `.bio`), see `read_conll`; or
            one JSON object a line (`.jsonl`, `.json`), with words and tags if `words` is named, else with a text and
            spans. Each also with `.gz`.
        words: JSON: name of the field with the list of words; `label` is then a list of as many tags.
        text: JSON: name of the field with the raw text.
        label: JSON: name of the field with the tags, or with the spans: a list of objects with `start` and `end`
            (characters of the text) and `label`, or doccano's `[start, end, label]`. A span that begins or ends inside
            a word takes in the whole word; how many do is logged.
        document: JSON: name of the field that says which document a row is of; rows of one document follow each other.
        scheme: Of the tags: one of `SCHEMES`, or `auto`: the strictest that allows all tags of the file.
        labels: The tags there may be, in IOB2; another one is an error.
        separator: What stands between two words in the text that is made of them, `""` for Chinese by characters.
        word_column: CoNLL: the column of the words, from 0; negative ones count from the end.
        tag_column: CoNLL: the column of the tags.
        need_documents: Refuse a file that does not say where documents begin.
        encoding: Of the file; None: what its byte-order mark says, or else UTF-8.
        max_line_bytes: A longer line is an error.

    Returns:
        A data set of known cardinality with dicts of `text`: tf.string (), `starts` and `ends`: int64 (words,), the
        bytes of the text where each word begins and behind which it ends, `label`: tf.string (words,), `document`:
        int64 ().

    Raises:
        InputError: Anything wrong with the source: the line says the file, the line, and what was expected.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("train.txt").write_text("EU B-ORG\nrejects O\nGerman B-MISC\n\nPeter B-PER\n")
        >>> rows = read_tags("train.txt")
        >>> [row["label"].tolist() for row in rows.as_numpy_iterator()]
        [[b'B-ORG', b'O', b'B-MISC'], [b'B-PER']]
    """
    if scheme not in ("auto", *SCHEMES):
        raise InputError(f"scheme {scheme!r}: expected one of auto, {', '.join(SCHEMES)}")
    path, text_format = Path(source), TextFormat(encoding, max_line_bytes)
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    known = None if labels is None else frozenset(labels)
    if suffix in CONLL_SUFFIXES:
        sentences, says_documents = read_conll(path, word_column, tag_column, text_format)
        if need_documents and not says_documents:
            raise InputError(f"{path}: no -DOCSTART- line says where a document begins")
        rows = (
            TaggedWords(*item[:2], [f"{path}, line {line}" for line in item.lines], item.document) for item in sentences
        )
        return tag_dataset(joined(str(path), list(rows), scheme, known, separator))
    if suffix not in JSON_SUFFIXES:
        raise InputError(
            f"{path}: unknown kind of file; expected {', '.join(JSON_SUFFIXES)} (one object a line) or "
            f"{', '.join(CONLL_SUFFIXES)} (a word and its tag a line), or these with .gz"
        )
    if need_documents and document is None:
        raise InputError(f"{path}: name the field that says which document a row is of, document=FIELD")
    if words is not None:
        found = _json_rows(path, text_format, [words, label, *_named(document)])
        tagged = list(words_with_tags(str(path), found, words, label, document))
        return tag_dataset(joined(str(path), tagged, scheme, known, separator))
    found = _json_rows(path, text_format, [text, label, *_named(document)])
    return tag_dataset(texts_with_spans(str(path), found, text, label, document, known))


def tag_labels(rows: tf.data.Dataset) -> list[str]:
    """Returns the labels for rows of tagged words.

    Args:
        rows: What `read_tags` gives.

    Returns:
        `O`, and `B-X` and `I-X` for every type of entity; or all tags, sorted, where they mark no entities.

    Raises:
        InputError: There is no entity.

    Example:
        >>> rows = keras_bert.data.tag_rows([{"words": ["Ada", "lived"], "label": ["B-PER", "O"]}], text="words")
        >>> tag_labels(rows)
        ['O', 'B-PER', 'I-PER']
    """
    return labels_for(label_names(rows))


def labels_for(tags: Collection[str]) -> list[str]:
    """Returns what `tag_labels` returns, for rows that have these tags.

    Raises:
        InputError: There is no entity.

    Example:
        >>> labels_for(["I-LOC", "B-LOC", "O"])
        ['O', 'B-LOC', 'I-LOC']
    """
    tags = sort_labels(tags)
    if tags == ["O"]:
        raise InputError("no word is part of an entity; nothing to learn")
    types = tag_types(tags)
    return tags if types is None else entity_labels(types)


def _json_rows(path: Path, text_format: TextFormat, fields: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yields the place and the fields of each JSON line."""
    for number, values in read_json_lines(path, fields, text_format=text_format):
        yield f"{path}, line {number}", values


def words_with_tags(
    name: str, rows: Iterable[tuple[str, list[Any]]], words: str, label: str, document: str | None
) -> Iterator[TaggedWords]:
    """Checks rows of words and tags.

    Args:
        name: What the rows are of, for messages.
        rows: The place of each, and its words, its tags, and its document where that is named.
        words: Name of the field with the words.
        label: Name of the field with the tags.
        document: Name of the field with the document; None: each row is its own.

    Raises:
        InputError: A row is none, or there are no rows.
    """
    documents = _Documents()
    for place, values in rows:
        for field, value in zip((words, label), values, strict=False):
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise InputError(
                    f"{place}: field {field!r}: expected a list of strings, none empty, found {value!r:.60}"
                )
        tokens, tags = values[:2]
        if len(tokens) != len(tags):
            raise InputError(f"{place}: {len(tokens)} words in {words!r}, {len(tags)} tags in {label!r}")
        if not tokens:
            raise InputError(f"{place}: field {words!r}: there are no words")
        yield TaggedWords(tokens, tags, [place] * len(tags), documents.number(place, document, values))
    if not documents.count:
        raise InputError(f"{name}: there are no rows")


def joined(
    name: str, rows: list[TaggedWords], scheme: str, labels: frozenset[str] | None, separator: str
) -> Iterator[TaggedText]:
    """Yields words with tags as texts, the tags in IOB2; arguments as those of `read_tags`."""
    sentences = [row.tags for row in rows]
    if scheme == "auto":
        found, faults = detect_scheme(sentences)
        if found is None:
            reasons = "; ".join(f"{rows[fault.sentence].places[fault.word]}: {fault.reason}" for fault in faults)
            way_out = (
                ", or name the scheme: IOB takes a mixture of IOB1 and IOB2, IO joins neighbours of one type, plain "
                "takes tags as they are"
            )
            raise InputError(f"{reasons}; mend the tags{way_out}")
        scheme = found
    elif fault := find_fault(sentences, scheme):
        raise InputError(f"{rows[fault.sentence].places[fault.word]}: {fault.reason}")
    logging.info("%s: tags of the scheme %s", name, scheme)
    if separator and _is_by_characters(rows):
        logging.warning(
            "%s: most words are single Chinese characters, and are joined with %r, as no raw text is; "
            "say separator='' (--word_separator=), or the model learns from other texts than it will be given",
            name,
            separator,
        )
    for row in rows:
        tags = list(row.tags) if scheme == "plain" else to_iob2(row.tags, scheme)
        _check_known(tags, row.places, labels)
        words = [_utf8(place, word) for place, word in zip(row.places, row.words, strict=True)]
        yield join_words(words, tags, separator.encode(), row.document)


def _is_by_characters(rows: list[TaggedWords]) -> bool:
    """Says whether the words of rows are Chinese characters, most of them."""
    single = sum(len(word) == 1 and "\u4e00" <= word <= "\u9fff" for row in rows for word in row.words)
    return 2 * single > sum(len(row.words) for row in rows)


def texts_with_spans(
    name: str,
    rows: Iterable[tuple[str, list[Any]]],
    text: str,
    label: str,
    document: str | None,
    labels: frozenset[str] | None,
) -> Iterator[TaggedText]:
    """Yields texts with spans as texts with tagged words; says at the end how many spans cut a word.

    Args:
        name: What the rows are of, for messages.
        rows: The place of each, and its text, its spans, and its document where that is named.
        text: Name of the field with the text.
        label: Name of the field with the spans.
        document: Name of the field with the document; None: each row is its own.
        labels: The tags there may be, in IOB2; None for any.

    Raises:
        InputError: A row is none, or there are no rows.
    """
    documents, total, cut = _Documents(), 0, []
    for place, values in rows:
        if not isinstance(values[0], str):
            raise InputError(f"{place}: field {text!r}: expected a string, found {type(values[0]).__name__}")
        _utf8(place, values[0])
        spans = parse_spans(place, label, values[1], values[0])
        row, widened = tag_words(place, label, values[0], spans, documents.number(place, document, values))
        _check_known(row.tags, [place] * len(row.tags), labels)
        total += len(spans)
        cut += [f"{place}, {span.start} to {span.end}" for span in widened]
        yield row
    if not documents.count:
        raise InputError(f"{name}: there are no rows")
    if cut:
        logging.warning("%d of %d spans cut a word and were widened to it; the first: %s", len(cut), total, cut[0])


def _named(field: str | None) -> list[str]:
    return [field] if field else []


class _Documents:
    """Numbers documents by the field that names them; without one, each row is its own."""

    def __init__(self) -> None:
        self.count = 0
        self._name: Any = None

    def number(self, place: str, field: str | None, values: list[Any]) -> int:
        """Returns the number of a row's document; its name is the last of the values."""
        name = values[-1]
        if field is not None and not isinstance(name, str | int):
            raise InputError(f"{place}: field {field!r}: expected the name of a document, found {name!r:.40}")
        if field is None or self.count == 0 or name != self._name:
            self.count += 1
        self._name = name
        return self.count - 1


def _check_known(tags: Sequence[str], places: Sequence[str], labels: frozenset[str] | None) -> None:
    """Refuses a tag that is none of the labels."""
    for tag, place in zip(tags, places, strict=True):
        if labels is not None and tag not in labels:
            shown = ", ".join(sorted(labels)[:12]) + (", ..." if len(labels) > 12 else "")
            raise InputError(f"{place}: unknown tag {tag!r}; the labels are: {shown}")


def _utf8(place: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place}: half of a surrogate pair (U+{ord(text[error.start]):04X}) at character {error.start + 1} of "
            f"{text!r:.40} is no text"
        ) from None


def tag_dataset(rows: Iterable[TaggedText]) -> tf.data.Dataset:
    """Makes the rows that `read_tags` gives, as tensors in memory."""
    kept = list(rows)
    counts = [len(row.tags) for row in kept]

    def ragged(values: Any) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_lengths(values, counts)

    parts = {
        "text": tf.constant([row.text for row in kept]),
        "starts": ragged(np.concatenate([row.starts for row in kept])),
        "ends": ragged(np.concatenate([row.ends for row in kept])),
        "label": ragged(tf.constant([tag for row in kept for tag in row.tags])),
        "document": tf.constant([row.document for row in kept], tf.int64),
    }
    # A row of a ragged tensor is announced as ragged of rank 0; as a plain tensor it batches like any other.
    return tf.data.Dataset.from_tensor_slices(parts).map(as_written(_plain))


def _plain(row: dict[str, Any]) -> dict[str, tf.Tensor]:
    return {name: tf.convert_to_tensor(value) for name, value in row.items()}
