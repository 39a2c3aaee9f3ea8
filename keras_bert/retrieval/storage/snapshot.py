"""An index as it was at one moment, opened once and never changed."""

import errno
import glob
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_bert.checkpoints.tokenizer_files import open_tokenizer
from keras_bert.errors import InputError
from keras_bert.foreign_files import parse_json, read_json
from keras_bert.retrieval.documents.found_files import INDEX_FILE
from keras_bert.retrieval.searching.words import Words
from keras_bert.retrieval.storage.passage_store import PassageStore
from keras_bert.retrieval.storage.pieces import Pieces
from keras_bert.serving.compared_vectors import regular
from keras_bert.serving.near_vectors import NearVectors
from keras_bert.text.token_layer import TokenLayer

FORMAT = 1
MANIFEST = INDEX_FILE
_TRIES, _PAUSE = 20, 0.05  # of opening while another program puts a new index in the place, and seconds between them


@dataclass(frozen=True)
class Snapshot:
    """All that is in the folder of an index. What is mapped into memory stays there when the folder is replaced.

    Attributes:
        manifest: What `retrieval.json` says: `id`, `passages`, `documents`, `max_tokens`, `overlap`, `model`, ...
        files: A dict for each file of documents: `file`, `digest`, `first` passage, `passages`, `documents`.
        passages: The passages by number.
        pieces: Their tokens.
        words: What searches them by words.
        near: Their vectors, None where there are none.
        tokenizer: What cut them.
    """

    manifest: dict[str, Any]
    files: list[dict[str, Any]]
    passages: PassageStore
    pieces: Pieces
    words: Words
    near: NearVectors | None
    tokenizer: TokenLayer

    @classmethod
    def open(cls, folder: str | Path) -> "Snapshot":
        """Opens an index; one that is replaced meanwhile is opened again.

        Raises:
            InputError: There is none, it is damaged, or it needs faiss or bm25s.
        """
        path = Path(folder)
        error = InputError(f"{folder}: is being rewritten all the time; open it later")
        for _ in range(_TRIES):
            before = identity_of(path)
            try:
                snapshot = _open(path)
                if snapshot.manifest["id"] == before == identity_of(path):
                    return snapshot
            except InputError as found:
                error = found
                # On file systems that cannot exchange names, there is no folder for a moment.
                if identity_of(path) == before and not (before is None and _is_being_replaced(path)):
                    raise
            time.sleep(_PAUSE)
        raise error


def identity_of(folder: Path) -> str | None:
    """Gives what tells an index from the one that takes its place; None where there is none.

    Args:
        folder: Where it lies.
    """
    try:
        return str((read_json(folder / MANIFEST) or {})["id"])
    except (InputError, LookupError):
        return None


def _is_being_replaced(folder: Path) -> bool:
    return any(folder.resolve().parent.glob(f".{glob.escape(folder.resolve().name)}.*"))


def _manifest(folder: Path) -> dict[str, Any]:
    if (facts := read_json(folder / MANIFEST)) is None:
        raise InputError(f"{folder}: no index of documents there (no {MANIFEST}); keras-bert index makes one")
    return facts


def _open(folder: Path) -> Snapshot:
    facts = _manifest(folder)
    if facts.get("format") != FORMAT:
        raise InputError(
            f"{folder}: an index of format {facts.get('format')!r:.40}; this version reads {FORMAT}: index the "
            "documents again, --overwrite"
        )
    try:
        lines = regular(folder / "files.jsonl").read_bytes().split(b"\n")[:-1]
        files = [parse_json(line, f"files.jsonl, line {number}") for number, line in enumerate(lines, 1)]
        passages, pieces = PassageStore(folder), Pieces.open(folder)
        words = Words.open(folder, len(passages))
        near = None if facts["vectors"] is None else NearVectors.open(folder, facts["vectors"])
        tokenizer = open_tokenizer(folder / "tokenizer")
        counts = {len(passages), len(pieces), facts["passages"], *([] if near is None else [len(near)])}
        if len(counts) > 1 or sum(entry["passages"] for entry in files) != len(passages):
            raise ValueError(f"parts of {', '.join(map(str, sorted(counts)))} passages")
        if tokenizer.fingerprint() != facts["tokenizer"] or not isinstance(facts["id"], str):
            raise ValueError("its tokenizer is another one")
        if (facts["model"] is None) != (near is None):
            raise ValueError("vectors without a model")
    except FileNotFoundError as error:
        raise InputError(f"{folder}: the index is damaged (no {Path(error.filename).name})") from None
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError, OSError) as error:
        if isinstance(error, InputError) and "pip install" in str(error):
            raise
        number = error.errno if isinstance(error, OSError) else None
        reason = (str(error).splitlines() or ["no values"])[0] if number != errno.EACCES else "permission denied"
        raise InputError(f"{folder}: the index is damaged ({reason:.200})") from None
    return Snapshot(facts, files, passages, pieces, words, near, tokenizer)
