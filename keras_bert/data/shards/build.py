"""Makes prepared examples with Apache Beam: a source at a time on each worker, counts to the manifest."""

import dataclasses
import functools
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging

from keras_bert.data.shards.beam_files import beam_version, file_systems, import_beam, names_in
from keras_bert.data.shards.beam_runner import pipeline_options, run_pipeline
from keras_bert.data.shards.columns import spec_of
from keras_bert.data.shards.manifest import MANIFEST, PREPARED, Manifest, describe_vocabulary, versions
from keras_bert.data.shards.output import (
    SPLITS,
    WORK,
    ManifestPlan,
    check_output,
    finish,
    work_folder,
    write_manifests,
)
from keras_bert.data.shards.row_reader import RowReader
from keras_bert.data.shards.shard_file import SUFFIX
from keras_bert.data.shards.shard_writer import SHARD_EXAMPLES, ShardWriter
from keras_bert.errors import InputError
from keras_bert.graph import graph_function

ROWS_AT_ONCE = 8192
_BUCKETS = 2**31
_HASHED = ("context", "text")
"""Fields of a row that say whether it is held out, the first that it has: questions on one text go together."""


@dataclasses.dataclass(frozen=True)
class SourceSettings:
    """What every worker has to know; it travels.

    Attributes:
        reader: Reads and makes examples.
        sources: Names of all sources.
        folder: Where the shards go.
        run: Part of their names.
        held_out: Share of the rows whose examples go to `FOLDER/held_out`.
    """

    reader: RowReader
    sources: tuple[str, ...]
    folder: str
    run: str
    held_out: float


def count_labels(reader: RowReader, sources: Sequence[str], beam_flags: Sequence[str] = ()) -> Counter[str]:
    """Reads and checks all rows once, and counts their labels.

    Args:
        reader: Reads the rows.
        sources: Files, and what else it reads.
        beam_flags: Beam's options, `--name=value`.

    Raises:
        InputError: Anything wrong with the rows: the line says the file, the row, and what was expected.
    """
    options = pipeline_options(beam_flags)
    import apache_beam as beam
    from apache_beam.transforms.combiners import ToList

    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/counts.json"

        def add_steps(pipeline: Any) -> None:
            _ = (
                pipeline
                | "Sources" >> beam.Create(list(sources))
                | "Spread" >> beam.Reshuffle()
                | "Count" >> beam.Map(_count_source, reader)
                | "Collect" >> ToList()
                | "Write" >> beam.Map(_write_counts, path)
            )

        run_pipeline(add_steps, options)
        with tf.io.gfile.GFile(path) as file:
            found.update(json.loads(file.read()))
    return found


def prepare_examples(
    reader: RowReader,
    sources: Sequence[str],
    tokenizer: Any,
    output: str,
    *,
    task: Mapping[str, Any],
    facts: Mapping[str, Any],
    run: str,
    held_out: float = 0.0,
    overwrite: bool = False,
    beam_flags: Sequence[str] = (),
) -> Manifest:
    """Makes shards of ready examples, with as many processes as Beam is given.

    The same sources and settings give the same bytes whatever runs them, also after a build that was killed. Nothing
    counts until the manifest is there, which is written last; data that were there before count until then.

    Args:
        reader: Reads the rows, and makes examples of them.
        sources: Files, and what else the reader reads; a worker takes one at a time.
        tokenizer: What the ids are of.
        output: The folder to write, wherever Beam can.
        task: The task's `example_settings`.
        facts: Further settings to be kept, JSON's types.
        run: What `digest_of_build` gave for all that the bytes follow from; part of the names of the shards.
        held_out: Share of the rows whose examples go to `OUTPUT/held_out`; a copy of a text goes the same way.
        overwrite: Replace what an earlier build left in the folder.
        beam_flags: Beam's options, `--name=value`. Without `--runner`, Beam's embedded runner with a process a core.

    Returns:
        The manifest of the training examples.

    Raises:
        InputError: Something about the sources, the settings or the folder that the user can mend.
    """
    if not 0 <= held_out < 1:
        raise InputError(f"held_out is {held_out}; expected a share, 0 or more and under 1")
    if held_out and reader.whole_blocks:
        raise InputError("held_out: rows that are each other's context cannot be held out one by one; leave it out")
    options = pipeline_options(beam_flags)
    settings = {"sources": list(sources), "task": dict(task), "held_out": held_out, **facts}
    vocabulary = describe_vocabulary(tokenizer)
    output = check_output(output, overwrite or _is_left_over(output, run))
    first = next(iter(next(iter(reader.blocks(sources[0]))).ragged_batch(2)))
    settings |= {"examples": spec_of(reader.features(first)), "shard_examples": SHARD_EXAMPLES}
    plan = ManifestPlan(
        folder=output,
        vocabulary=vocabulary,
        settings=settings,
        counts={split: {} for split in SPLITS},
        versions=versions() | {"apache_beam": beam_version()},
        kind=PREPARED,
    )
    of_source = SourceSettings(reader, tuple(sources), output, run, held_out)
    with work_folder(output, run, PREPARED):
        logging.info("preparing the rows of %d sources", len(sources))
        run_pipeline(lambda pipeline: _add_steps(pipeline, of_source, plan), options)
        manifest = finish(output, run, PREPARED)
        if manifest is None:
            raise InputError(f"{', '.join(sources)}: nothing can be learned from any of the rows")
    return manifest


def write_source(number: int, settings: SourceSettings) -> list[dict[str, Any]]:
    """Makes the shards of one source.

    Args:
        number: Of the source.
        settings: The rest.

    Returns:
        What is told of each shard: `split`, `name`, `bytes`, `examples`, `rows`, `tokens`.
    """
    reader = settings.reader
    features = graph_function(reader.features, reduce_retracing=True)
    stem = f"examples-{settings.run}-{number:05d}-of-{len(settings.sources):05d}"
    writers = {}
    for split, inner in SPLITS.items():
        folder = file_systems().join(settings.folder, inner) if inner else settings.folder
        writers[split] = ShardWriter(functools.partial(_path, folder, stem), split)
    for block in reader.blocks(settings.sources[number]):
        size = max(int(block.cardinality()), 1) if reader.whole_blocks else ROWS_AT_ONCE
        for rows in block.ragged_batch(size):
            held = _is_held_out(rows, settings.held_out)
            for split, chosen in (("train", ~held), ("held_out", held)):
                if count := int(tf.math.count_nonzero(chosen)):
                    kept = rows if count == len(chosen) else _chosen(rows, chosen)
                    writers[split].add(features(kept), count)
    return [shard for writer in writers.values() for shard in writer.close()]


def _path(folder: str, stem: str, shard: int) -> str:
    return f"{folder}/{stem}-{shard:05d}{SUFFIX}"


def _add_steps(pipeline: Any, settings: SourceSettings, plan: ManifestPlan) -> None:
    import apache_beam as beam
    from apache_beam.transforms.combiners import ToList

    _ = (
        pipeline
        | "Sources" >> beam.Create(range(len(settings.sources)))
        | "Spread" >> beam.Reshuffle()
        | "WriteShards" >> beam.FlatMap(write_source, settings)
        | "Collect" >> ToList()
        | "WriteManifests" >> beam.Map(write_manifests, plan)
    )


def _count_source(source: str, reader: Any) -> dict[str, int]:
    found: Counter[str] = Counter()
    for block in reader.blocks(source):
        found.update(reader.counts(block))
    return dict(found)


def _write_counts(results: Sequence[Mapping[str, int]], path: str) -> None:
    total: Counter[str] = Counter()
    for result in results:
        total.update(result)
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(dict(sorted(total.items()))))


def _is_held_out(rows: Mapping[str, Any], share: float) -> tf.Tensor:
    """Tells which rows are held out, by their text alone, so that a copy goes the same way: bool (rows,)."""
    text = next(rows[name] for name in _HASHED if name in rows)
    return tf.strings.to_hash_bucket_strong(text, _BUCKETS, [0, 0]) < int(share * _BUCKETS)


def _chosen(rows: Mapping[str, Any], mask: tf.Tensor) -> dict[str, Any]:
    kept = tf.where(mask)[:, 0]
    return {name: tf.gather(value, kept) for name, value in rows.items()}


def digest_of_build(settings: Any, tokenizer: Any, sources: Sequence[str]) -> str:
    """Returns what tells a build from others.

    Args:
        settings: All that the examples follow from beside the rows, JSON's types.
        tokenizer: What the ids are of.
        sources: Of the rows; files go by what they hold, other sources by their names.
    """
    digest = hashlib.blake2b(digest_size=4)
    known = [settings, describe_vocabulary(tokenizer), versions(), list(sources)]
    digest.update(json.dumps(known, sort_keys=True, default=str).encode())
    for source in sources:
        if Path(source).is_file():
            with Path(source).open("rb") as file:
                digest.update(hashlib.file_digest(file, hashlib.blake2b).digest())
    return digest.hexdigest()


def made_before(output: str, run: str) -> Manifest | None:
    """Returns the manifest of the training examples of a folder that this very build has finished before, or None."""
    import_beam()
    return finish(output, run, PREPARED)


def _is_left_over(output: str, run: str) -> bool:
    """Tells whether a folder holds nothing but what this very build left when it was killed."""
    names = [path.rstrip("/").rpartition("/")[2] for path in names_in(output)]
    own = (f"examples-{run}-", f".examples-{run}-", WORK)
    return bool(names) and MANIFEST not in names and all(name.startswith(own) or name in SPLITS for name in names)
