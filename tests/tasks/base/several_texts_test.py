"""Rows of several texts: each text goes through as it would alone."""

import numpy as np
import tensorflow as tf

from keras_bert.data.batching.batches import batches
from keras_bert.tasks.base.several_texts import flat_rows, group_rows, pad_groups
from tests.tasks import tiny

PREPROCESSOR = tiny.preprocessor()


def unpadded(inputs: dict) -> list[list[int]]:
    ids, mask = (np.asarray(inputs[name]) for name in ("token_ids", "padding_mask"))
    return [row[: count.sum()].tolist() for row, count in zip(ids, mask, strict=True)]


def test_texts_of_a_row_come_out_one_after_the_other():
    packed = PREPROCESSOR.pack(tiny.TEXTS)
    grouped = group_rows(packed, 4)
    assert grouped["token_ids"].row_lengths().numpy().tolist() == [
        sum(len(text) for text in packed["token_ids"].to_list()[:4]),
        sum(len(text) for text in packed["token_ids"].to_list()[4:]),
    ]
    padded = pad_groups(PREPROCESSOR, grouped)
    assert padded["token_ids"].shape[:2] == (2, 4)
    assert unpadded(flat_rows(padded)) == packed["token_ids"].to_list()


def test_single_texts_stay_as_they_are():
    packed = PREPROCESSOR.pack(tiny.TEXTS)
    padded = pad_groups(PREPROCESSOR, packed)
    assert padded["token_ids"].shape.rank == 2
    assert unpadded(flat_rows(padded)) == packed["token_ids"].to_list()


def test_rows_stay_whole_through_the_batcher():
    """Sorted by the length of the whole row; the width of a batch is that of its longest text."""

    def features(rows: dict) -> dict:
        texts = tf.stack([rows["text"], rows["text_pair"]], axis=1)
        return group_rows(PREPROCESSOR.pack(tf.reshape(texts, [-1])), 2)

    rows = tiny.dataset(None, tiny.PAIRS)
    found = []
    for batch in batches(rows, features, lambda grouped: pad_groups(PREPROCESSOR, grouped), 3, shuffle=True):
        texts = unpadded(flat_rows(batch))
        assert max(map(len, texts)) > batch["token_ids"].shape[2] - PREPROCESSOR.pad_to_multiple_of
        found += [tuple(map(tuple, texts[index : index + 2])) for index in range(0, len(texts), 2)]
    firsts, seconds = (PREPROCESSOR.pack(texts)["token_ids"].to_list() for texts in (tiny.TEXTS, tiny.PAIRS))
    assert sorted(found) == sorted((tuple(a), tuple(b)) for a, b in zip(firsts, seconds, strict=True))


def test_the_count_may_be_known_in_the_graph_only():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string)])
    def widths(texts: tf.Tensor) -> tf.Tensor:
        grouped = group_rows(PREPROCESSOR.pack(tf.reshape(texts, [-1])), tf.shape(texts)[1])
        return tf.shape(pad_groups(PREPROCESSOR, grouped)["token_ids"])

    assert widths(tf.constant([["good", "bad", "film"], ["a", "book", "is"]]))[:2].numpy().tolist() == [2, 3]
