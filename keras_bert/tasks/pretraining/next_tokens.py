"""Every token's next one as what is to be predicted."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


def next_tokens(inputs: Mapping[str, Any], seed: Any = None) -> dict[str, tf.Tensor]:
    """Makes each token of a row but its first a prediction, from the place before it; nothing is hidden.

    A function like `TokenMasker`, for a model that reads from left to right.

    Args:
        inputs: `token_ids`, `segment_ids`, `padding_mask`, int32 (batch, tokens), one example a row.
        seed: Of no use: nothing is random.

    Returns:
        The inputs, and (batch, tokens - 1): `mask_positions` int32, the places from which is predicted; `mask_labels`
        int32, the ids that come next; `mask_weights` float32, 1, or 0 where no token follows, where position and label
        are 0.

    Example:
        >>> ids = tf.constant([[2, 7, 3, 0]])
        >>> made = next_tokens({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": tf.sign(ids)})
        >>> made["mask_labels"].numpy().tolist()
        [[7, 3, 0]]
    """
    follows = tf.convert_to_tensor(inputs["padding_mask"])[:, 1:]
    places = tf.range(tf.shape(follows)[1], dtype=tf.int32)
    return {
        **inputs,
        "mask_positions": places * follows,
        "mask_labels": tf.convert_to_tensor(inputs["token_ids"])[:, 1:] * follows,
        "mask_weights": tf.cast(follows, tf.float32),
    }
