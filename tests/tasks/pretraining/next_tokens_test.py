"""Which tokens are predicted from where: worked out by hand, and packed as any predictions are."""

import numpy as np
import tensorflow as tf

from keras_bert.tasks.pretraining.next_tokens import next_tokens


def test_each_token_but_the_first_is_predicted_from_the_one_before_it():
    ids = tf.constant([[2, 7, 8, 3], [2, 9, 3, 0], [2, 0, 0, 0]])
    made = next_tokens({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": tf.sign(ids)}, seed=(0, 1))
    assert made["token_ids"] is ids
    np.testing.assert_array_equal(made["mask_positions"], [[0, 1, 2], [0, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(made["mask_labels"], [[7, 8, 3], [9, 3, 0], [0, 0, 0]])
    np.testing.assert_array_equal(made["mask_weights"], [[1, 1, 1], [1, 1, 0], [0, 0, 0]])
