"""What it takes to make an index, or another one out of it: files read, passages cut, vectors computed or kept."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.read_documents import NotRead, read_files
from keras_bert.retrieval.passages.cut import Cut, PassageCutter
from keras_bert.retrieval.searching.meaning import Meaning
from keras_bert.retrieval.storage.draft import Draft
from keras_bert.retrieval.storage.snapshot import Snapshot
from keras_bert.retrieval.storage.write import write_rest
from keras_bert.serving.near_vectors import NearVectors
from keras_bert.text.token_layer import TokenLayer

Paths = Sequence[str | os.PathLike] | str | os.PathLike

_GROUP = 1 << 18  # characters of documents that are cut at a time


def write_new(
    folder: Path, paths: Paths, tokenizer: TokenLayer, meaning: Meaning | None, settings: Mapping[str, Any]
) -> None:
    """Writes an index of documents into a temporary folder.

    Args:
        folder: Where to write; the caller puts it in its place.
        paths: The documents.
        tokenizer: What cuts them.
        meaning: What makes the vectors; None for an index of words alone.
        settings: `max_tokens`, `overlap`, and the columns `text` and `title` of rows.

    Raises:
        InputError: As `read_documents`; or no document holds a word.
    """
    not_read = NotRead()
    cutter = PassageCutter(tokenizer, settings["max_tokens"], settings["overlap"])
    with Draft(folder) as draft:
        for documents, cuts in _cut(cutter, read_files(paths, settings["text"], settings["title"], not_read)):
            draft.add(documents, cuts, digest_of(documents))
    _check_passages(draft, not_read)
    logging.info("%d documents, %d passages", draft.documents, len(draft))
    near = None
    if meaning is not None:
        near = NearVectors(meaning.passages(draft.texts), similarity=meaning.embedder.similarity)
    _write(folder, draft, tokenizer, near, meaning, settings, not_read.problems)


def write_changed(
    folder: Path, snapshot: Snapshot, paths: Paths | None, removed: set[str], meaning: Meaning | None
) -> bool:
    """Writes an index with some files more, or others, into a temporary folder; what did not change is taken over.

    Args:
        folder: Where to write; the caller puts it in its place.
        snapshot: The index before.
        paths: Documents to add; a file that is there already is replaced. None for none.
        removed: Files to leave out.
        meaning: What makes the vectors of the index; None where it has none.

    Returns:
        Whether there is anything new to write.

    Raises:
        InputError: As `read_documents`; or no passage would be left.
    """
    not_read = NotRead()
    columns = snapshot.manifest["text"], snapshot.manifest["title"]
    read = [] if paths is None else list(read_files(paths, *columns, not_read))
    digests = {documents[0].file: digest_of(documents) for documents in read}
    before = {entry["file"]: entry["digest"] for entry in snapshot.files}
    new = [documents for documents in read if before.get(documents[0].file) != digests[documents[0].file]]
    dropped = removed | {documents[0].file for documents in new}
    problems = {file: problem for file, problem in snapshot.manifest["problems"].items() if file not in digests}
    problems.update(not_read.problems)
    kept = [entry for entry in snapshot.files if entry["file"] not in dropped]
    if not new and len(kept) == len(snapshot.files) and problems == snapshot.manifest["problems"]:
        return False
    settings = {name: snapshot.manifest[name] for name in ("max_tokens", "overlap", "text", "title")}
    cutter = PassageCutter(snapshot.tokenizer, settings["max_tokens"], settings["overlap"])
    with Draft(folder) as draft:
        for entry in kept:
            draft.keep(snapshot, entry)
        for documents, cuts in _cut(cutter, iter(new)):
            draft.add(documents, cuts, digests[documents[0].file])
    _check_passages(draft, not_read)
    near = None
    if snapshot.near is not None and meaning is not None:
        near = snapshot.near.changed(np.array(draft.kept, np.int64), _vectors(snapshot, dropped, draft.texts, meaning))
    _write(folder, draft, snapshot.tokenizer, near, meaning, settings, problems)
    return True


def digest_of(documents: Sequence[Document]) -> str:
    """Gives a SHA-256 of all that the passages of a file depend on, beside the settings of the index."""
    digest = hashlib.sha256()
    for document in documents:
        fields = [document.title, document.in_file, document.first_byte, document.line, document.pages]
        digest.update(json.dumps([*fields, len(document.text)]).encode())
        digest.update(document.text.encode())
    return digest.hexdigest()


def _cut(cutter: PassageCutter, files: Iterator[list[Document]]) -> Iterator[tuple[list[Document], list[list[Cut]]]]:
    """Yields files with the passages of their documents; many small ones are cut together, which is faster."""
    group: list[list[Document]] = []
    size = 0
    for documents in files:
        group.append(documents)
        size += sum(len(document.text) for document in documents)
        if size > _GROUP:
            yield from _cut_group(cutter, group)
            group, size = [], 0
    yield from _cut_group(cutter, group)


def _cut_group(
    cutter: PassageCutter, group: Sequence[list[Document]]
) -> Iterator[tuple[list[Document], list[list[Cut]]]]:
    cuts = iter(cutter.cut([document.text for documents in group for document in documents]))
    for documents in group:
        yield documents, [next(cuts) for _ in documents]


def _vectors(snapshot: Snapshot, dropped: set[str], texts: Sequence[str], meaning: Meaning) -> np.ndarray:
    """Gives the vectors of new passages; those that stood in a file before it changed are not computed again."""
    assert snapshot.near is not None
    known: dict[str, int] = {}
    for entry in snapshot.files:
        if entry["file"] in dropped:
            for number in range(entry["first"], entry["first"] + entry["passages"]):
                known.setdefault(snapshot.passages[number].text, number)
    vectors = np.zeros((len(texts), snapshot.near.size), np.float32)
    again = [index for index, text in enumerate(texts) if text in known]
    vectors[again] = snapshot.near.vectors(np.array([known[texts[index]] for index in again], np.int64))
    fresh = [index for index, text in enumerate(texts) if text not in known]
    if fresh:
        vectors[fresh] = meaning.passages([texts[index] for index in fresh])
    logging.info("%d passages are new, %d of them embedded", len(texts), len(fresh))
    return vectors


def _check_passages(draft: Draft, not_read: NotRead) -> None:
    if not len(draft):
        first = next(iter(not_read.problems.values()), "")
        why = f" ({len(not_read.problems)} files cannot be read, the first: {first})" if first else ""
        raise InputError(f"nothing to search: there would be no passage in the index{why}")


def _write(
    folder: Path,
    draft: Draft,
    tokenizer: TokenLayer,
    near: NearVectors | None,
    meaning: Meaning | None,
    settings: Mapping[str, Any],
    problems: Mapping[str, str],
) -> None:
    model = None if near is None or meaning is None else meaning.facts()
    write_rest(folder, draft, tokenizer, near, {**settings, "problems": dict(problems), "model": model})
