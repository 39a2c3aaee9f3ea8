"""Reads and writes pre-training examples: compressed TFRecord shards that a manifest names."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.data.pretraining.examples import WITH_PAIRS
from keras_bert.data.shards.manifest import Manifest, check_vocabulary_fits, read_manifest
from keras_bert.errors import InputError
from keras_bert.graph import as_written

COMPRESSION = "GZIP"
_SHARDS_AT_ONCE = 16
"""Shards read in turn, so that neighbours in the data set come from different ones."""


def pretraining_records(
    folder: str | os.PathLike, tokenizer: Any, *, shuffle: bool = False, seed: int = 0
) -> tf.data.Dataset:
    """Reads what `keras-bert pretraining-data` wrote.

    Args:
        folder: With `manifest.json`; `FOLDER/held_out` holds the examples of the held-out documents. Only the shards
            that the manifest names are read.
        tokenizer: The model's, which must have the vocabulary that the examples were made with.
        shuffle: The shards come in another order each epoch, the same again for the same seed. `batches(...,
            shuffle=True)` shuffles the examples.
        seed: For shuffle.

    Returns:
        Dicts of int32 tensors, of known cardinality: `token_ids` (tokens,); `first_length` (), the tokens of segment
        0; `next_sentence_label` (), for objectives with pairs: 1 if the second segment is random; for unilm
        `first_segment` (), the segment of the first text; with static masking `mask_positions` and `mask_labels`
        (predictions,).

    Raises:
        InputError: No manifest, another vocabulary, a shard that is missing or not as it was written.

    Example:
        >>> examples = pretraining_records("data", tokenizer)  # doctest: +SKIP
    """
    manifest, paths = checked_shards(folder, tokenizer)
    files = tf.data.Dataset.from_tensor_slices(paths)
    if shuffle:
        files = files.shuffle(len(paths), seed=seed, reshuffle_each_iteration=True)
    records = files.interleave(
        as_written(lambda path: tf.data.TFRecordDataset(path, compression_type=COMPRESSION)),
        cycle_length=min(_SHARDS_AT_ONCE, len(paths)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    features = record_features(manifest.settings)
    examples = records.map(
        as_written(lambda record: parse_record(record, features)), num_parallel_calls=tf.data.AUTOTUNE
    )
    return examples.apply(tf.data.experimental.assert_cardinality(sum(shard["examples"] for shard in manifest.shards)))


def checked_shards(folder: str | os.PathLike, tokenizer: Any) -> tuple[Manifest, list[str]]:
    """Reads the manifest of a folder and looks at the shards that it names.

    Args:
        folder: As for `pretraining_records`.
        tokenizer: As there.

    Returns:
        The manifest, and the paths of the shards.

    Raises:
        InputError: No manifest, another vocabulary, a shard that is missing or not as it was written.
    """
    folder = os.fspath(folder)
    manifest = read_manifest(folder)
    check_vocabulary_fits(manifest, tokenizer, folder)
    paths = []
    for shard in manifest.shards:
        path = f"{folder.rstrip('/')}/{shard['name']}"
        try:
            size = tf.io.gfile.stat(path).length
        except tf.errors.NotFoundError:
            raise InputError(f"{path}: missing, and manifest.json names it; make or copy the data again") from None
        if size != shard["bytes"]:
            raise InputError(f"{path}: has {size} bytes, manifest.json says {shard['bytes']}; make or copy it again")
        paths.append(path)
    return manifest, paths


def check_records_fit(folder: str | os.PathLike, max_length: int, objective: str) -> None:
    """Checks that examples are what a phase of training is to learn from; shorter ones are said in a warning.

    Args:
        folder: Of `keras-bert pretraining-data`.
        max_length: Tokens of a row in training.
        objective: Of the training: `mlm_nsp`; `mlm`, which takes the examples of both; `unilm`; `clm`, which takes
            those of `mlm` that are not masked yet.

    Raises:
        InputError: No manifest; the examples are longer, or not those of the objective.
    """
    folder = os.fspath(folder)
    settings = read_manifest(folder).settings
    if objective != settings["objective"] and "unilm" in (objective, settings["objective"]):
        raise InputError(
            f"{folder}: made with --objective={settings['objective']}, to be trained on with --objective={objective}; "
            "the examples of unilm have masks of their own: make the data again with the objective of the training"
        )
    if objective == "clm" and settings["objective"] != "mlm":
        raise InputError(
            f"{folder}: made with --objective={settings['objective']}, pairs of texts of which half are random; a "
            "left-to-right model learns from running text: make the data again with --objective=mlm"
        )
    if objective == "clm" and settings["masking"] == "static":
        raise InputError(
            f"{folder}: its words are hidden for good, and a left-to-right model would read [MASK]; make the data "
            "again with --masking=dynamic"
        )
    if objective == "mlm_nsp" and settings["objective"] != objective:
        raise InputError(
            f"{folder}: made with --objective={settings['objective']}, so without next sentences; train with the same, "
            f"or make the data again with --objective={objective}"
        )
    longest = settings["max_length"]
    if longest > max_length:
        raise InputError(
            f"{folder}: its examples have up to {longest} tokens, the rows of the phase {max_length}; train with "
            f"--phase={longest}:SHARE, or make the data again with --max_length={max_length}"
        )
    if longest < max_length:
        logging.warning("%s: its examples have %d tokens at most, not the %d of the phase", folder, longest, max_length)


def write_records(path: str, examples: Iterable[dict[str, np.ndarray | int]]) -> int:
    """Writes examples to one compressed file on this machine.

    Args:
        path: The file.
        examples: Integers and int32 arrays, under the names that `pretraining_records` gives.

    Returns:
        How many there were.
    """
    count = 0
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type=COMPRESSION)) as writer:
        for example in examples:
            feature = {
                name: tf.train.Feature(
                    int64_list=tf.train.Int64List(value=value.tolist() if isinstance(value, np.ndarray) else [value])
                )
                for name, value in example.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
            count += 1
    return count


def record_features(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns what a record holds, as TensorFlow parses it."""
    several = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
    one = tf.io.FixedLenFeature([], tf.int64)
    features = {"token_ids": several, "first_length": one}
    if settings["objective"] in WITH_PAIRS:
        features["next_sentence_label"] = one
    if settings["objective"] == "unilm":
        features["first_segment"] = one
    if settings["masking"] == "static":
        features |= {"mask_positions": several, "mask_labels": several}
    return features


def parse_record(record: tf.Tensor, features: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Turns a record into an example of int32 tensors."""
    parsed = tf.io.parse_single_example(record, features)
    return {name: tf.cast(value, tf.int32) for name, value in parsed.items()}
