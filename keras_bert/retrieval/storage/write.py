"""Writes the folder of an index, and keeps two programs from doing so at the same time."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.retrieval.searching.words import Words
from keras_bert.retrieval.storage.draft import Draft
from keras_bert.retrieval.storage.snapshot import FORMAT, MANIFEST
from keras_bert.serving.near_vectors import NearVectors
from keras_bert.text.token_layer import TokenLayer
from keras_bert.version import __version__


def write_rest(
    folder: Path, draft: Draft, tokenizer: TokenLayer, near: NearVectors | None, facts: Mapping[str, Any]
) -> None:
    """Writes all that stands beside the passages, which are written already.

    Args:
        folder: A temporary folder; the caller puts it in its place.
        draft: The passages.
        tokenizer: What cut them.
        near: Their vectors; None for none.
        facts: What the manifest says besides: `max_tokens`, `overlap`, `model`, `problems`, ...

    Raises:
        InputError: bm25s is not installed.
    """
    pieces = draft.pieces()
    pieces.save(folder)
    unknown = tokenizer.unk_token_id
    Words.build([ids[ids != unknown] for ids in pieces], tokenizer.vocabulary_size).save(folder)
    if near is not None:
        near.save(folder)
    (folder / "tokenizer").mkdir()
    write_tokenizer_files(folder / "tokenizer", tokenizer.get_vocabulary(), tokenizer.settings, tokenizer.get_merges())
    with (folder / "files.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(to_json(entry) + "\n" for entry in draft.files)
    manifest = {
        "format": FORMAT,
        "id": secrets.token_hex(16),
        "version": __version__,
        "files": len(draft.files),
        "documents": draft.documents,
        "passages": len(draft),
        **facts,
        "tokenizer": tokenizer.fingerprint(),
        "vectors": None if near is None else near.facts(),
    }
    (folder / MANIFEST).write_text(to_json(manifest, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def alone(folder: str | Path) -> Iterator[None]:
    """Waits until no other program changes the index, and keeps others waiting; reading goes on.

    Args:
        folder: An index that is there.

    Raises:
        InputError: There is none.
    """
    while True:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise InputError(f"{folder}: no index of documents there ({error.strerror})") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logging.info("%s: another program is changing the index; waiting for it", folder)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The one that was waited for has put another folder in the place.
            try:
                is_same = os.path.samestat(os.fstat(descriptor), Path(folder).stat())
            except FileNotFoundError:
                is_same = False
            if is_same:
                yield
                return
        finally:
            os.close(descriptor)
