"""Keys of rows, and files that are damaged."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.compression.distillation.teacher_cache import TeacherCache, row_keys
from keras_bert.errors import InputError

FACTS = {"rows": "2 rows, ab", "teacher": "cd"}


def inputs(*rows: list[int], width: int = 0) -> dict[str, tf.Tensor]:
    ids = tf.ragged.constant(rows, tf.int32)
    shape = [len(rows), width or int(ids.bounding_shape()[1])]
    mask = tf.ones_like(ids).to_tensor(shape=shape)
    return {"token_ids": ids.to_tensor(shape=shape), "segment_ids": tf.zeros_like(mask), "padding_mask": mask}


def test_a_key_is_of_the_tokens_and_their_places():
    rows = [[5, 6, 7], [7, 6, 5], [5, 6], [5, 6, 0], [6, 6]]
    keys = row_keys(inputs(*rows)).numpy()
    assert len(set(keys.tolist())) == len(rows)
    np.testing.assert_array_equal(row_keys(inputs(*rows, width=9)), keys)
    second = {**inputs([5, 6]), "segment_ids": tf.constant([[0, 1]])}
    assert row_keys(second).numpy()[0] != keys[2]
    # Pairs of ids and places that a weak sum would confuse.
    many = np.random.default_rng(0).integers(0, 4, (20_000, 6)).astype("int32")
    distinct = np.unique(many, axis=0)
    mask = np.ones_like(distinct)
    found = row_keys({"token_ids": distinct, "segment_ids": 0 * distinct, "padding_mask": mask}).numpy()
    assert len(np.unique(found)) == len(distinct)


def test_outputs_of_tokens_come_back_as_wide_as_the_batch(tmp_path):
    calls = []

    def teacher(batch: dict[str, tf.Tensor]) -> np.ndarray:
        calls.append(batch)
        return batch["token_ids"].numpy()[..., None] * np.array([1.0, 10.0])

    batches = tf.data.Dataset.from_tensors((inputs([5, 6, 7], [8, 9]),))
    for _ in range(2):
        cache = TeacherCache.opened(tmp_path / "cache", FACTS, batches, teacher, 1)
    assert (len(calls), cache.rows) == (1, 2)
    kept = cache.of(inputs([8, 9], [5, 6, 7], width=4)).numpy()
    np.testing.assert_array_equal(kept[..., 0], [[8, 9, 0, 0], [5, 6, 7, 0]])
    np.testing.assert_array_equal(kept[..., 1], 10 * kept[..., 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="a row whose teacher's outputs are not kept"):
        cache.of(inputs([9, 9]))
    (tmp_path / "cache" / "values.npy").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"values.npy: cannot be read .*; delete the folder"):
        TeacherCache.opened(tmp_path / "cache", FACTS, batches, teacher, 1)


def test_a_teacher_that_fails_leaves_nothing(tmp_path):
    def teacher(batch: dict[str, tf.Tensor]) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TeacherCache.opened(tmp_path / "cache", FACTS, tf.data.Dataset.from_tensors((inputs([5]),)), teacher, None)
    assert not list(tmp_path.iterdir())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(InputError, match=r"already holds notes.txt"):
        TeacherCache.opened(
            tmp_path / "full", FACTS, tf.data.Dataset.from_tensors((inputs([5]),)), lambda _: np.zeros((1, 1)), None
        )
