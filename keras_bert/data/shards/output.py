"""The folder that a build writes: its manifests last, one after the other, and what is cleared away when."""

import contextlib
import dataclasses
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from keras_bert.data.shards.beam_files import (
    PARTIAL,
    delete_folder,
    delete_if_empty,
    file_systems,
    names_in,
    open_plain,
    write_whole,
)
from keras_bert.data.shards.manifest import MANIFEST, Manifest, ShardsKind, parse_manifest
from keras_bert.errors import InputError
from keras_bert.files import check_target

SPLITS = {"train": "", "held_out": "held_out"}
"""The folder of each split, inside the output folder."""
WORK = ".work-"
_SHARD = "examples-"


@dataclasses.dataclass(frozen=True)
class ManifestPlan:
    """What is known of the manifests before the shards are written: everything but these.

    Attributes:
        folder: The output folder.
        vocabulary: As in `Manifest`, like the next.
        settings: What the examples were made by.
        counts: For each split, what is known of it beside what its shards count.
        versions: As in `Manifest`.
        kind: Of the folder.
    """

    folder: str
    vocabulary: dict[str, Any]
    settings: dict[str, Any]
    counts: dict[str, dict[str, Any]]
    versions: dict[str, str]
    kind: ShardsKind


def check_output(output: str, overwrite: bool) -> str:
    """Checks the folder before the work.

    Raises:
        InputError: It holds something and `overwrite` is False; it is a file; its name is a pattern.
    """
    if any(character in output for character in "*?["):
        raise InputError(f"{output}: *, ? and [ in the name of a folder to write stand for other names; choose another")
    if "://" not in output:
        return str(check_target(output, overwrite, tensorflow=True))  # the whole path, as Beam gets it
    try:
        if not overwrite and names_in(output):
            raise InputError(f"{output}: is not empty; choose another folder or pass overwrite=True (--overwrite)")
    except ValueError as error:
        raise InputError(f"{output}: {' '.join(str(error).split())[:300]}") from None
    return output.rstrip("/")


@contextlib.contextmanager
def work_folder(output: str, run: str, kind: ShardsKind) -> Iterator[str]:
    """Gives a folder for what lives as long as the build; a build that fails takes away all that it has made."""
    is_new = not file_systems().exists(output)
    work = file_systems().join(output, f"{WORK}{run}")
    delete_folder(work)  # of a build that was killed
    file_systems().mkdirs(work)
    try:
        yield work
    except BaseException:
        discard(output, run, kind)
        raise
    finally:
        delete_folder(work)
        if is_new:
            delete_if_empty(output)


def write_manifests(results: Iterable[dict[str, Any]], plan: ManifestPlan) -> None:
    """Writes the manifests of all splits that have examples.

    An earlier build's held-out manifest goes first and the new one comes last, so that at no moment held-out
    documents of one build lie beside the training documents of another.

    Args:
        results: What `write_shard` gave for every unit.
        plan: The rest.
    """
    shards: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for result in sorted(results, key=lambda result: result["name"]):
        numbers = dict(result)
        split = numbers.pop("split")
        shards[split].append({key: numbers[key] for key in ("name", "examples", "bytes")})
        counts[split].update({key: value for key, value in numbers.items() if key not in ("name", "bytes")})
    if not counts["train"]["examples"]:
        return
    earlier = _path(plan.folder, "held_out", MANIFEST)
    if file_systems().exists(earlier):
        file_systems().delete([earlier])
    for split in SPLITS:
        if not counts[split]["examples"]:
            continue
        manifest = Manifest(
            vocabulary=plan.vocabulary,
            settings={"split": split, **plan.settings},
            counts={**plan.counts[split], **counts[split]},
            shards=shards[split],
            versions=plan.versions,
        )
        write_whole(_path(plan.folder, split, MANIFEST), io.BytesIO(manifest.to_json(plan.kind).encode()))


def finish(folder: str, run: str, kind: ShardsKind) -> Manifest | None:
    """Clears away what other builds left, now that the manifest of this one is there.

    Args:
        folder: The output folder.
        run: The build, as it stands in the names of its shards.
        kind: Of the folder.

    Returns:
        The manifest of the training examples; None, and nothing cleared, if this build wrote none.
    """
    manifest = _manifest(folder, kind)
    if manifest is None or not _is_of(manifest, run):
        return None
    for split in SPLITS:
        kept = f"{_SHARD}{run}-"
        paths = names_in(file_systems().join(folder, SPLITS[split]))
        names = {path: path.rstrip("/").rpartition("/")[2] for path in paths}
        old = [
            path
            for path, name in names.items()
            if (name.startswith(_SHARD) and not name.startswith(kept)) or PARTIAL in name
        ]
        if old:
            file_systems().delete(old)
        if split != "train" and set(old) == set(paths):
            delete_folder(file_systems().join(folder, SPLITS[split]))
    (found,) = file_systems().match([file_systems().join(folder, f"{WORK}*", "*")])
    for work in {file_systems().split(metadata.path)[0] for metadata in found.metadata_list}:
        if not work.endswith(run):
            delete_folder(work)
    return manifest


def discard(folder: str, run: str, kind: ShardsKind) -> None:
    """Takes away the shards of a build that has failed, unless its manifest is there already."""
    manifest = _manifest(folder, kind)
    if manifest is not None and _is_of(manifest, run):
        return
    for split in SPLITS:
        paths = names_in(file_systems().join(folder, SPLITS[split]))
        if shards := [path for path in paths if f"{_SHARD}{run}-" in path]:
            file_systems().delete(shards)


def _manifest(folder: str, kind: ShardsKind) -> Manifest | None:
    """The manifest of the training examples, if there is one."""
    path = _path(folder, "train", MANIFEST)
    if not file_systems().exists(path):
        return None
    with open_plain(path) as stream:
        return parse_manifest(stream.read().decode("utf-8", "replace"), path, kind)


def _is_of(manifest: Manifest, run: str) -> bool:
    return any(shard["name"].startswith(f"{_SHARD}{run}-") for shard in manifest.shards)


def _path(folder: str, split: str, name: str) -> str:
    return file_systems().join(folder, *filter(None, (SPLITS[split], name)))
