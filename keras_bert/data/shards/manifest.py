"""The manifest of a folder of shards: what was made of what, and the only shards that count."""

import dataclasses
import hashlib
import json
import platform
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.foreign_files import check_regular, inside, parse_json
from keras_bert.version import __version__

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class ShardsKind:
    """What a folder of shards is for.

    Attributes:
        format: What its manifest says that it is.
        what: The same for a reader.
        program: Which makes such folders.
        reader: Which reads them.
    """

    format: str
    what: str
    program: str
    reader: str


PRETRAINING = ShardsKind(
    "keras_bert pre-training examples",
    "pre-training data",
    "keras-bert pretraining-data",
    "keras-bert pretrain --records=FOLDER",
)
PREPARED = ShardsKind(
    "keras_bert prepared examples", "prepared examples", "keras-bert prepare", "keras-bert finetune --train=FOLDER"
)


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says of the shards beside it.

    `counts` and `settings` of prepared examples are said by `prepare_examples`.

    Attributes:
        vocabulary: `sha256`, `size`, `tokenizer`, `fingerprint` and the settings of the tokenizer.
        settings: What the examples were made by: objective, max_length, seed and so on.
        counts: documents, sentences, tokens, examples, random_next and so on; of the whole `corpus`: bytes, documents,
            invalid_lines.
        shards: `name`, `examples` and `bytes` of each.
        versions: Of what made them.
    """

    vocabulary: dict[str, Any]
    settings: dict[str, Any]
    counts: dict[str, Any]
    shards: list[dict[str, Any]]
    versions: dict[str, str]

    def to_json(self, kind: ShardsKind = PRETRAINING) -> str:
        """Gives the text of the file."""
        fields = {"format": kind.format, "format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: str, kind: ShardsKind = PRETRAINING) -> Manifest:
    """Reads the manifest of a folder, local or wherever TensorFlow can read.

    Raises:
        InputError: There is none, or another file of that name; or a folder's held-out part is asked for, and is none.
    """
    path = f"{folder.rstrip('/')}/{MANIFEST}"
    if "://" not in path:
        check_regular(path)
    try:
        text = tf.io.gfile.GFile(path, "rb").read()
    except (tf.errors.NotFoundError, tf.errors.FailedPreconditionError):
        whole, _, name = folder.rstrip("/").rpartition("/")
        if name == "held_out" and tf.io.gfile.exists(f"{whole}/{MANIFEST}"):
            raise InputError(
                f"{whole}: its examples are all for training, none is held out to measure on; make the data again, "
                f"{kind.program} --held_out=0.02"
            ) from None
        raise InputError(
            f"{folder}: no {MANIFEST}, so no finished {kind.what}; make them with {kind.program}"
        ) from None
    return parse_manifest(text, path, kind)


def is_made_folder(folder: str, kind: ShardsKind) -> bool:
    """Tells whether a folder holds finished shards of a kind; one of the other kind is an error.

    Raises:
        InputError: The folder's manifest is of the other kind, or none.

    Example:
        >>> is_made_folder("no_such_folder", PREPARED)
        False
    """
    path = f"{folder.rstrip('/')}/{MANIFEST}"
    if not tf.io.gfile.exists(path):
        return False
    read_manifest(folder, kind)
    return True


def parse_manifest(text: bytes | str, path: str, kind: ShardsKind = PRETRAINING) -> Manifest:
    """Takes a manifest's text apart.

    Raises:
        InputError: It is none, or of a later version of the format.
    """
    fields = parse_json(text, path)
    try:
        found = fields.pop("format")
        for other in (PRETRAINING, PREPARED):
            if found == other.format != kind.format:
                raise InputError(f"{path}: a folder of {other.what}, not of {kind.what}: {other.reader} reads it")
        if found != kind.format:
            raise KeyError("format")
        version = fields.pop("format_version")
        if version != FORMAT_VERSION:
            raise InputError(f"{path}: format_version {version}; this version reads {FORMAT_VERSION}")
        manifest = Manifest(**fields)
        for field in dataclasses.fields(manifest):
            if not isinstance(value := getattr(manifest, field.name), list if field.name == "shards" else dict):
                raise TypeError(f"{field.name} is {value!r:.40}")
        for shard in manifest.shards:
            inside(".", shard["name"], path)
            if not (isinstance(count := shard["examples"], int) and 0 <= count < 2**63):
                raise TypeError(f"a shard of {count!r:.40} examples")
        return manifest
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a manifest of {kind.what} ({error})") from None


def describe_vocabulary(tokenizer: Any) -> dict[str, Any]:
    """Describes the tokenizer of examples.

    Returns:
        `sha256` of its entries in the order of their ids, `size`, `tokenizer`, its kind; `fingerprint`, of all that
        ids depend on; and its settings.
    """
    entries = json.dumps(tokenizer.get_vocabulary(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return {
        "sha256": hashlib.sha256(entries).hexdigest(),
        "size": len(tokenizer.get_vocabulary()),
        "tokenizer": type(tokenizer).__name__,
        "fingerprint": tokenizer.fingerprint(),
        **tokenizer.settings,
    }


def check_vocabulary_fits(manifest: Manifest, tokenizer: Any, folder: str) -> None:
    """Checks that ids of examples mean to a tokenizer what they meant to the one that made them.

    Raises:
        InputError: The vocabularies, the rules or the settings of the tokenizers differ.
    """
    made, now = manifest.vocabulary, describe_vocabulary(tokenizer)
    if made["sha256"] != now["sha256"]:
        raise InputError(
            f"{folder}: made with another vocabulary ({made['size']} entries, SHA-256 {made['sha256'][:12]}) than the "
            f"model's ({now['size']} entries, {now['sha256'][:12]}); make the data again with --vocabulary of the model"
        )
    if made["lowercase"] != now["lowercase"]:
        raise InputError(
            f"{folder}: made with lowercase={made['lowercase']}, the model's tokenizer has lowercase={now['lowercase']}"
        )
    # Data of earlier versions have none.
    if made.get("fingerprint", now["fingerprint"]) != now["fingerprint"]:
        names = [name for name in tokenizer.settings if made.get(name) != now[name]]
        shown = ", ".join(f"{name}={made.get(name)!r:.80} and not {now[name]!r:.80}" for name in names)
        raise InputError(
            f"{folder}: made with another tokenizer than the model's: {shown or 'other merges, or another kind'}; make "
            "the data again with --vocabulary of the model"
        )


def versions() -> dict[str, str]:
    """The versions that decide what examples come out."""
    return {
        "keras_bert": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tensorflow": tf.__version__,
    }
