"""Positions in rows that hold several examples: they begin at 0 in each."""

from typing import Any

from keras import ops


def packed_positions(padding_mask: Any) -> Any:
    """Counts each token's position in its own example.

    Args:
        padding_mask: int32 (batch, tokens), 0 = padding, 1, 2, 3 ... = the number of the token's example in its row;
            the tokens of an example stand side by side.

    Returns:
        int32 (batch, tokens), 0 for padding.

    Example:
        >>> packed_positions(ops.array([[1, 1, 2, 2, 2, 0]])).numpy().tolist()
        [[0, 1, 0, 1, 2, 0]]
    """
    tokens = ops.shape(padding_mask)[1]
    places = ops.arange(tokens, dtype="int32")
    same = ops.expand_dims(padding_mask, 2) == ops.expand_dims(padding_mask, 1)
    first = ops.min(ops.where(same, places, tokens), axis=-1)  # where the token's example begins
    return ops.where(padding_mask > 0, places - first, 0)  # behind a short row padding may go on beyond any table
