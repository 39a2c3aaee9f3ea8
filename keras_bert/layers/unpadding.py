"""Leaving the padding of a batch out of its hidden states, and putting it in again."""

from typing import Any

from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers.dropout import numbers_of_examples
from keras_bert.layers.gather_rows import gather_rows


def remove_padding(hidden: Any, padding_mask: Any) -> Any:
    """Takes the hidden states of tokens out of those of all places.

    The first place of a row counts as a token even where it is padding, so that no row is without one.

    Args:
        hidden: float (batch · tokens, size).
        padding_mask: int32 (batch, tokens), 0 = padding.

    Returns:
        float (kept, size).

    Raises:
        InputError: Inside of `dropout_by_example`, which has to know whose each row is.

    Example:
        >>> hidden = ops.array([[1.0], [2.0], [3.0], [4.0]])
        >>> ops.convert_to_numpy(remove_padding(hidden, ops.array([[1, 1], [1, 0]])))[:, 0].tolist()
        [1.0, 2.0, 3.0]
    """
    if numbers_of_examples() is not None:
        raise InputError("dropout by example needs the padding of a batch; leave it there, unpad=False")
    is_kept, kept, rows = _places(padding_mask)

    # A gather's own gradient adds up row by row; here each row has one place at most.
    @ops.custom_gradient
    def remove(hidden: Any) -> Any:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            (upstream,) = arguments if upstream is None else (upstream,)
            return ops.where(is_kept[:, None], gather_rows(upstream, rows), ops.cast(0, upstream.dtype))

        return gather_rows(hidden, kept), gradient

    return remove(hidden)


def restore_padding(hidden: Any, padding_mask: Any) -> Any:
    """Puts the hidden states of tokens at their places in the batch; the inverse of `remove_padding`.

    What stands in the padding is that of some token. It must not matter: no gradient comes from there.

    Args:
        hidden: float (kept, size).
        padding_mask: int32 (batch, tokens), 0 = padding.

    Returns:
        float (batch · tokens, size).

    Example:
        >>> hidden = ops.array([[1.0], [2.0], [3.0]])
        >>> ops.convert_to_numpy(restore_padding(hidden, ops.array([[1, 1], [1, 0]])))[:3, 0].tolist()
        [1.0, 2.0, 3.0]
    """
    _, kept, rows = _places(padding_mask)

    @ops.custom_gradient
    def restore(hidden: Any) -> Any:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            (upstream,) = arguments if upstream is None else (upstream,)
            return gather_rows(upstream, kept)

        return gather_rows(hidden, rows), gradient

    return restore(hidden)


def first_tokens(hidden: Any, batch: Any, padding_mask: Any = None) -> Any:
    """Takes the hidden state of the first token of each row of a batch.

    Args:
        hidden: float (batch · tokens, size), or (kept, size) as `remove_padding` leaves it.
        batch: Number of rows.
        padding_mask: int32 (batch, tokens), 0 = padding, where `hidden` is without padding; else None.

    Returns:
        float (batch, size).

    Example:
        >>> hidden = ops.array([[1.0], [2.0], [3.0]])
        >>> ops.convert_to_numpy(first_tokens(hidden, 2, ops.array([[1, 1], [1, 0]])))[:, 0].tolist()
        [1.0, 3.0]
    """
    if padding_mask is None:
        return ops.reshape(hidden, (batch, -1, hidden.shape[-1]))[:, 0]
    _, _, rows = _places(padding_mask)
    return gather_rows(hidden, ops.reshape(rows, (batch, -1))[:, 0])


def _places(padding_mask: Any) -> tuple[Any, Any, Any]:
    """Returns which places of a batch are kept, bool (batch · tokens,), and where tokens stand before and after.

    The latter two are the places of the tokens, int32 (kept,), and for each place the number of the token that stands
    there, for padding of that before it, int32 (batch · tokens,).
    """
    # Each block asks anew: TensorFlow merges equal nodes, so that a graph computes them once.
    is_first = ops.arange(ops.shape(padding_mask)[1]) == 0
    is_kept = ops.reshape(ops.logical_or(padding_mask > 0, is_first), (-1,))
    kept = ops.cast(ops.nonzero(is_kept)[0], "int32")
    return is_kept, kept, ops.cumsum(ops.cast(is_kept, "int32")) - 1
