"""The signature for callers that tokenize for themselves: it looks at what it was given before it computes."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_bert.serving.signature import Signature

NAMES = ("token_ids", "segment_ids", "padding_mask")
"""The encoder's inputs, in the order in which errors speak of them."""


def token_signature(
    function: Callable[..., dict[str, Any]],
    vocabulary_size: int,
    num_segments: int,
    max_tokens: int,
    max_examples: int = 1,
    rank: int = 2,
) -> Signature:
    """Makes a signature of the encoder's inputs, which refuses numbers that mean nothing to the model.

    Without these checks a segment or a position beyond its table is another one on some devices, a mask that holds a 2
    or is one row short changes answers, and a request of ten million tokens takes all memory. They are a handful of
    operations on the numbers themselves, and everything else waits for them.

    Args:
        function: Called with `token_ids`, `segment_ids` and `padding_mask`, int32; returns a dict of tensors.
        vocabulary_size: Rows of the word table.
        num_segments: Rows of the segment table.
        max_tokens: Rows of the position table, the widest that an input may be.
        max_examples: The highest number in a mask; more than 1 for an encoder with `packing`.
        rank: 2 for inputs (batch, tokens), 3 for (batch, choices, tokens).

    Returns:
        The signature. It fails with `tf.errors.InvalidArgumentError` when the three shapes differ or have another
        rank, when there are no tokens or more than `max_tokens`, when a number is out of range, and when the first
        place of a row is not a token. Zero rows are fine.

    Example:
        >>> signature = token_signature(lambda **ids: {"sum": ids["token_ids"]}, 30522, 2, 512)
        >>> signature.inputs["token_ids"].shape.as_list()
        [None, None]
    """

    def checked(**inputs: Any) -> dict[str, Any]:
        # A server checks neither rank nor shapes of what it is sent: stack and ensure_shape do, where it runs.
        stacked = tf.ensure_shape(tf.stack([inputs[name] for name in NAMES]), [len(NAMES)] + [None] * rank)
        axes = list(range(1, rank + 1))
        lowest, highest = tf.reduce_min(stacked, axes), tf.reduce_max(stacked, axes)
        tokens, limits = tf.shape(stacked)[-1], [vocabulary_size - 1, num_segments - 1, max_examples]
        begins = tf.reduce_min(stacked[-1, ..., :1])
        is_right = tf.stack(
            [
                tf.reduce_all((lowest >= 0) & (highest <= limits)),
                (tokens >= 1) & (tokens <= max_tokens),
                begins >= 1,
            ]
        )
        message = (
            f"token_ids must be from 0 to {limits[0]}, segment_ids from 0 to {limits[1]}, padding_mask from 0 to "
            f"{limits[2]} and not 0 for the first token of a row, each of 1 to {max_tokens} tokens. Lowest, highest, "
            "tokens, lowest first mask:"
        )
        complaint = tf.debugging.Assert(tf.reduce_all(is_right), [message, lowest, highest, tokens, begins])
        with tf.control_dependencies([complaint]):
            stacked = tf.identity(stacked)
        return function(**dict(zip(NAMES, tf.unstack(stacked), strict=True)))

    inputs = {name: tf.TensorSpec([None] * rank, tf.int32, name=name) for name in NAMES}
    return Signature(checked, inputs, frozen=False)
