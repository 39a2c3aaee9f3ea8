"""Word vectors a little aside from where they are: what adversarial training adds to them."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from keras import ops

_SHIFT: contextvars.ContextVar[Any] = contextvars.ContextVar("what is added to word vectors", default=None)


@contextlib.contextmanager
def shifted_words(shift: Any) -> Iterator[None]:
    """Lets `BertEmbeddings` that are called inside add a tensor to the word vectors, before their normalization.

    Args:
        shift: float (batch, tokens, size), or as many numbers with more axes before the tokens. None: nothing.

    Example:
        >>> from keras_bert.layers import BertEmbeddings
        >>> embeddings, ids = BertEmbeddings(30, 4, use_layer_norm=False), ops.ones((1, 2), "int32")
        >>> before = embeddings(ids, 0 * ids)
        >>> with shifted_words(ops.ones((1, 2, 4))):
        ...     after = embeddings(ids, 0 * ids)
        >>> bool(ops.all(ops.abs(after - before - 1.0) < 1e-6))
        True
    """
    token = _SHIFT.set(shift)
    try:
        yield
    finally:
        _SHIFT.reset(token)


def shifted(embeddings: Any) -> Any:
    """Adds what `shifted_words` was given around this call: float (batch, tokens, size)."""
    shift = _SHIFT.get()
    if shift is None:
        return embeddings
    return embeddings + ops.reshape(ops.cast(shift, embeddings.dtype), ops.shape(embeddings))
