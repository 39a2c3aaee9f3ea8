"""Which texts belong together, as far as the rows say it: one idea for the loss and for the scores.

A text belongs to itself, and to each text that it stands in a row with, whichever of the two comes first. Of such a
candidate nobody can say that it is wrong: the loss does not take it for a negative, and the scores do not take it for
a document that stands in the way.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import tensorflow as tf
from keras import ops


def may_be_right(anchors: Any, partners: Any, candidates: Any) -> Any:
    """Tells which candidates belong to which anchors.

    Args:
        anchors: (rows,), fingerprints of the first texts: numbers, the same for the same text.
        partners: (rows,), those of the texts that belong to them.
        candidates: (candidates,), those of the texts that are compared with the anchors.

    Returns:
        bool (rows, candidates).

    Example:
        >>> prints = [keras.ops.array(row) for row in ([1, 2, 3], [2, 1, 4], [2, 1, 4])]
        >>> may_be_right(*prints).numpy().astype(int).tolist()
        [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    forward = ops.matmul(_same(anchors, anchors), _same(partners, candidates))
    backward = ops.matmul(_same(anchors, partners), _same(anchors, candidates))
    return forward + backward + _same(anchors, candidates) > 0


def _same(first: Any, second: Any) -> Any:
    return ops.cast(first[:, None] == second[None, :], "float32")


def keys_of(tokenizer: Any, texts: Any) -> tf.Tensor:
    """Gives texts that are the same to a model the same key, however they are spelled: `Good  film`, `good film`.

    That is so where they have the same tokens; but unknown words, which are all one token, are not the same.

    Args:
        tokenizer: The model's.
        texts: string (...).

    Returns:
        string (...).
    """
    flat = tf.reshape(texts, [-1])
    ids = tokenizer(flat)
    tokens = tf.strings.reduce_join(tf.strings.as_string(ids), axis=-1, separator=" ")
    is_unknown = tf.reduce_any(ids == tokenizer.unk_token_id, axis=-1)
    return tf.reshape(tf.where(is_unknown, flat, tokens), tf.shape(texts))


def partners_of(firsts: Sequence[Hashable], seconds: Iterable[Hashable]) -> dict[Any, set[Any]]:
    """Gives for each first text the texts that it stands in a row with, on either side; itself only if a row says so.

    Example:
        >>> partners_of([1, 2], [2, 3])
        {1: {2}, 2: {1, 3}}
    """
    found: dict[Any, set[Any]] = {first: set() for first in firsts}
    for first, second in zip(firsts, seconds, strict=True):
        found[first].add(second)
        if second in found:
            found[second].add(first)
    return found
