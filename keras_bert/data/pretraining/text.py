"""Pre-training examples straight from text files, for small corpora: the same functions, no files in between."""

import dataclasses
import gzip
import os
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.data.pretraining.documents import Utf8Count, check_share, find_documents, is_held_out, sentences_of
from keras_bert.data.pretraining.examples import WITH_PAIRS, check_settings, make_examples, one_document
from keras_bert.data.pretraining.segments import Document, Example
from keras_bert.data.pretraining.tokenized import tokenize_documents
from keras_bert.data.sources.lines import check_file, check_unpacked
from keras_bert.errors import InputError
from keras_bert.graph import as_written

Paths = str | os.PathLike | Sequence[str | os.PathLike]


@dataclasses.dataclass(frozen=True)
class PretrainingDocuments:
    """Tokenized documents in memory, 4 bytes a token, to make each epoch's examples from.

    Attributes:
        documents: The sentences of each.
        origins: Which document each is a part of.
        cls_id: Id of `[CLS]`.
        sep_id: Id of `[SEP]`.
        invalid_lines: Lines that were not UTF-8.
        place: Where they are from, for errors.
    """

    documents: list[Document]
    origins: list[int]
    cls_id: int
    sep_id: int
    invalid_lines: int
    place: str

    def examples(
        self, max_length: int, objective: str, seed: int, epoch: int, short_seq_probability: float | None = None
    ) -> list[Example]:
        """Makes the examples of an epoch; see `pretraining_text`."""
        return make_examples(
            self.documents,
            objective,
            max_length,
            random.Random(f"text/{seed}/{epoch}"),
            cls_id=self.cls_id,
            sep_id=self.sep_id,
            short_seq_probability=short_seq_probability,
            origins=self.origins,
        )


def pretraining_documents(
    paths: Paths,
    tokenizer: Any,
    *,
    layout: str = "sentence_per_line",
    held_out: float = 0.0,
    split: str = "train",
    strict: bool = False,
) -> PretrainingDocuments:
    """Reads and tokenizes the documents of text files.

    Args:
        paths: Files or globs, `.gz` too.
        tokenizer: Such as `BertTokenizer`.
        layout: `sentence_per_line`, with a blank line between documents, or `document_per_line`.
        held_out: Share of the documents that is held out, chosen by their text: the same ones each time.
        split: `train` or `held_out`.
        strict: Bytes that are no UTF-8 are an error; otherwise they are passed over, and the lines logged and counted.

    Raises:
        InputError: No file, no text in them, no UTF-8.
    """
    check_share(held_out)
    if split not in ("train", "held_out"):
        raise InputError(f"split {split!r}: expected train or held_out")
    texts: list[list[bytes]] = []
    origins: list[int] = []
    origin, invalid, chosen = -1, 0, False
    for path in find_files(paths):
        count = Utf8Count(path, strict)
        is_packed, unpacked, size = path.endswith(".gz"), 0, Path(path).stat().st_size
        try:
            with gzip.open(path) if is_packed else Path(path).open("rb") as stream:
                for part in find_documents(stream, layout):
                    unpacked += len(part.text)
                    if is_packed:
                        check_unpacked(path, unpacked, size)
                    count.add(part)
                    if not part.goes_on:
                        origin += 1
                        chosen = is_held_out(part.text, held_out) == (split == "held_out")
                    if chosen:
                        texts.append(sentences_of(part.text, split=layout == "document_per_line"))
                        origins.append(origin)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: damaged or truncated gzip file ({error})") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        count.finish()
        invalid += count.invalid
    if invalid and split == "train":  # once for the two parts of one corpus
        logging.warning("%d lines were not UTF-8: what could not be read was passed over", invalid)
    documents = tokenize_documents(texts, tokenizer)
    kept = [(document, origin) for document, origin in zip(documents, origins, strict=True) if document]
    place = os.fspath(paths) if isinstance(paths, str | os.PathLike) else ", ".join(map(str, paths))
    if not kept:
        raise InputError(f"{place}: {'there is no text' if texts else _nothing_in(split, held_out, origin + 1)}")
    return PretrainingDocuments(
        [document for document, _ in kept],
        [origin for _, origin in kept],
        tokenizer.cls_token_id,
        tokenizer.sep_token_id,
        invalid,
        f"{place}, split {split!r} of {origin + 1} documents with held_out={held_out}" if held_out else place,
    )


def _nothing_in(split: str, held_out: float, count: int) -> str:
    """Says why a part of so many documents is empty."""
    if count == 0:
        return "there is no text"
    if count == 1:
        return (
            "only one document with text, so there is no other to hold out, nor to draw a random next sentence from; "
            "put blank lines between documents, or say that each line is one, layout=document_per_line"
        )
    return (
        f"none of {count} documents falls to the split {split!r} with held_out={held_out}; hold out another share, or "
        "give more documents"
    )


def pretraining_text(
    source: Paths | PretrainingDocuments,
    tokenizer: Any = None,
    max_length: int = 128,
    objective: str = "mlm_nsp",
    *,
    seed: int = 0,
    epoch: int = 0,
    short_seq_probability: float | None = None,
    layout: str = "sentence_per_line",
    held_out: float = 0.0,
    split: str = "train",
    strict: bool = False,
) -> tf.data.Dataset:
    """Makes an epoch's examples from text files, in memory.

    Args:
        source: Files or globs; or what `pretraining_documents` read, which spares reading them each epoch.
        tokenizer: Such as `BertTokenizer`; not needed for what is read already.
        max_length: Tokens of an example at most.
        objective: `mlm_nsp`: pairs for the masked-word and the next-sentence objective; `mlm`: whole sentences packed;
            `unilm`: texts and pairs for the four masks of UniLM.
        seed: Decides all pairs together with the epoch.
        epoch: Each has its own pairs.
        short_seq_probability: As for `keras_bert.data.pretraining.make_examples`.
        layout: As for `pretraining_documents`, like the rest.
        held_out: Share of the documents that is held out.
        split: `train` or `held_out`.
        strict: Whether bytes that are no UTF-8 are an error.

    Returns:
        Dicts as `pretraining_records` gives them, of known cardinality, in random order.

    Raises:
        InputError: The files cannot be used, or there is only one document and next sentences are asked for.

    Example:
        >>> documents = pretraining_documents("corpus/*.txt", tokenizer, held_out=0.02)  # doctest: +SKIP
        >>> second = pretraining_text(documents, max_length=128, seed=1, epoch=1)  # doctest: +SKIP
    """
    check_settings(objective, max_length, short_seq_probability)
    if not isinstance(source, PretrainingDocuments):
        source = pretraining_documents(source, tokenizer, layout=layout, held_out=held_out, split=split, strict=strict)
    if objective in WITH_PAIRS and len(set(source.origins)) < 2:
        raise InputError(one_document(len(source.documents), source.place))
    return _dataset(source.examples(max_length, objective, seed, epoch, short_seq_probability))


def find_files(paths: Paths) -> list[str]:
    """The files on this machine that paths and globs name, each once, in order.

    Raises:
        InputError: One names no file, a folder, or a pipe or device.
    """
    found: dict[str, None] = {}
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        name = os.fspath(path)
        pattern = Path(name)
        root = Path(pattern.anchor)
        names = [name] if pattern.exists() else sorted(map(str, root.glob(str(pattern.relative_to(root)))))
        if not names:
            raise InputError(f"{name}: no such file")
        if pattern.is_dir():
            raise InputError(f"{name}: is a folder; name its files, {name.rstrip('/')}/*.txt")
        files = [file for file in names if not Path(file).is_dir()]
        for file in files:
            check_file(Path(file))
        found |= dict.fromkeys(files)
    return list(found)


def _dataset(examples: list[Example]) -> tf.data.Dataset:
    """The examples as tensors in memory."""
    lengths = [len(example.token_ids) for example in examples]
    ids = np.concatenate([example.token_ids for example in examples])
    columns: dict[str, Any] = {
        "token_ids": tf.RaggedTensor.from_row_lengths(tf.constant(ids, tf.int32), lengths),
        "first_length": tf.constant([example.first_length for example in examples], tf.int32),
    }
    if examples[0].next_sentence_label is not None:
        columns["next_sentence_label"] = tf.constant([example.next_sentence_label for example in examples], tf.int32)
    if examples[0].first_segment is not None:
        columns["first_segment"] = tf.constant([example.first_segment for example in examples], tf.int32)
    # A row of a ragged tensor is announced as ragged of rank 0; as a plain tensor it batches like any other.
    return tf.data.Dataset.from_tensor_slices(columns).map(
        as_written(lambda row: row | {"token_ids": tf.ensure_shape(tf.convert_to_tensor(row["token_ids"]), [None])})
    )
