"""The corpus of a build: which documents there are and where they stand, found in one pass over the files."""

import array
import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.data.pretraining.documents import Utf8Count, find_documents, is_held_out
from keras_bert.data.pretraining.units import INDEX
from keras_bert.data.shards.beam_files import create_plain, file_systems, open_plain
from keras_bert.data.sources.lines import check_file, check_unpacked
from keras_bert.errors import InputError

TFDS = "tfds:"
_COMPRESSED = (".gz", ".bz2")
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What the index pass found.

    Attributes:
        files: Path of each file, and whether its lines are to be split into sentences.
        index: `units.INDEX` (documents,) of each split, `train` and `held_out`; 24 bytes a document.
        counts: `bytes`, `documents` and `invalid_lines` of all splits together.
    """

    files: tuple[tuple[str, bool], ...]
    index: dict[str, np.ndarray]
    counts: dict[str, int]


def find_corpus(
    inputs: Sequence[str],
    work: str,
    *,
    layout: str,
    held_out: float,
    strict: bool,
    text: str = "text",
    data_dir: str | None = None,
) -> Corpus:
    """Finds the documents of all inputs.

    What cannot be read from any place in it, a compressed file or a TFDS data set, is unpacked into `work` first.

    Args:
        inputs: Files and globs, wherever Beam can read, and `tfds:NAME`, also with `:SPLIT`.
        work: A folder for files that live as long as the build.
        layout: Of the files: `sentence_per_line` or `document_per_line`.
        held_out: Share of the documents to hold out.
        strict: Lines that are no UTF-8 are an error.
        text: Name of the TFDS feature with the text.
        data_dir: TFDS's folder of data sets.

    Raises:
        InputError: An input cannot be used, or there is no text at all.
    """
    files: list[tuple[str, bool]] = []
    columns = {name: tuple(array.array("Q") for _ in INDEX.names or ()) for name in ("train", "held_out")}
    origin, invalid, size, split = -1, 0, 0, "train"
    for place, path, file_layout, running in _files(inputs, work, layout, text, data_dir):
        count = Utf8Count(place, strict)
        with open_plain(path) as stream:
            for part in find_documents(stream, file_layout):
                count.add(part)
                if not part.goes_on:
                    origin += 1
                    split = "held_out" if is_held_out(part.text, held_out) else "train"
                for column, value in zip(
                    columns[split], (len(files), len(part.text), part.offset, origin), strict=True
                ):
                    column.append(value)
                size += len(part.text)
        count.finish()
        invalid += count.invalid
        files.append((path, running))
    if origin < 0:
        raise InputError(f"{', '.join(inputs)}: there is no text")
    index = {name: _index(found) for name, found in columns.items()}
    return Corpus(tuple(files), index, {"bytes": size, "documents": origin + 1, "invalid_lines": invalid})


def _index(columns: Sequence[array.array]) -> np.ndarray:
    index = np.empty(len(columns[0]), INDEX)
    for name, column in zip(INDEX.names or (), columns, strict=True):
        index[name] = column
    return index


def _files(
    inputs: Sequence[str], work: str, layout: str, text: str, data_dir: str | None
) -> Iterator[tuple[str, str, str, bool]]:
    """Gives of each file its name for errors, where to read it, its layout, whether its lines are running text."""
    seen: set[str] = set()
    for name in inputs:
        if name.startswith(TFDS):
            path = file_systems().join(work, f"text-{len(seen):05d}.txt")
            seen.add(path)
            _unpack_tfds(name, path, text, data_dir)
            yield name, path, "sentence_per_line", True
            continue
        for place in _match(name):
            if place in seen:
                continue
            path = place
            if place.lower().endswith(_COMPRESSED):
                path = file_systems().join(work, f"text-{len(seen):05d}.txt")
                _unpack(place, path)
            seen.add(place)
            yield place, path, layout, layout == "document_per_line"


def _match(pattern: str) -> list[str]:
    from apache_beam.io.filesystem import BeamIOError

    if Path(pattern).is_file():  # whatever its name would mean as a pattern
        return [pattern]
    if Path(pattern).exists() and not Path(pattern).is_dir():
        check_file(Path(pattern))
    try:
        (found,) = file_systems().match([pattern])
    except (BeamIOError, ValueError) as error:
        raise InputError(f"{pattern}: {' '.join(str(error).split())[:300]}") from None
    if not found.metadata_list:
        raise InputError(f"{pattern}: no such file")
    paths = sorted(metadata.path for metadata in found.metadata_list if not _is_folder(metadata.path))
    if not paths:
        raise InputError(f"{pattern}: is a folder; name its files, {pattern.rstrip('/')}/*.txt")
    for path in paths:
        if "://" not in path:
            check_file(Path(path))
    return paths


def _is_folder(path: str) -> bool:
    """Only folders of this machine turn up among files."""
    import tensorflow as tf

    return "://" not in path and tf.io.gfile.isdir(path)


def _unpack(place: str, path: str) -> None:
    """Writes a compressed file unpacked."""
    try:
        with file_systems().open(place) as source, create_plain(path) as target:
            size = Path(place).stat().st_size if "://" not in place else None
            while block := source.read(_BLOCK):
                target.write(block)
                if size is not None:
                    check_unpacked(place, target.tell(), size)
    except (EOFError, zlib.error, OSError) as error:
        raise InputError(f"{place}: cannot be unpacked ({error})") from None


def _unpack_tfds(name: str, path: str, text: str, data_dir: str | None) -> None:
    """Writes the texts of a TFDS data set as documents with blank lines between them."""
    from keras_bert.data.sources.tfds_source import read_tfds

    data_set, _, split = name.removeprefix(TFDS).partition(":")
    if split[:1].isdigit():  # a version
        version, _, split = split.partition(":")
        data_set = f"{data_set}:{version}"
    source = read_tfds(data_set, split or "train", [text], data_dir)
    with create_plain(path) as target:
        for number, values in source.rows:
            target.write(_document(source.place(number), text, values[0]))


def _document(place: str, field: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise InputError(f"{place}: feature {field!r}: expected a text, found {value!r:.40}")
    lines = [line for line in value.split("\n") if line.strip()]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")
