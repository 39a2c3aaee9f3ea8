"""Prepared examples of a task's rows, without the pipeline that makes them of files."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_bert.data.shards.columns import spec_of
from keras_bert.data.shards.manifest import MANIFEST, PREPARED, Manifest, describe_vocabulary, versions
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.shards.shard_writer import ShardWriter


def prepared(task: Any, rows: tf.data.Dataset, folder: Path, shard_examples: int = 5) -> PreparedExamples:
    """Writes the examples of rows, a few a shard, and opens them."""
    folder.mkdir()
    writer = ShardWriter(lambda shard: f"{folder}/examples-{shard:05d}.safetensors", "train", shard_examples)
    for part in rows.ragged_batch(7):
        examples = task.features(part)
        writer.add(examples, len(next(iter(part.values()))))
    shards = writer.close()
    listed = [{name: shard[name] for name in ("name", "examples", "bytes")} for shard in shards]
    settings = {"task": task.example_settings, "examples": spec_of(examples), "flags": {}, "label_counts": {}}
    counts = {"rows": sum(shard["rows"] for shard in shards)}
    manifest = Manifest(describe_vocabulary(task.tokenizer), settings, counts, listed, versions())
    (folder / MANIFEST).write_text(manifest.to_json(PREPARED))
    return PreparedExamples(folder)
