"""What a search keeps of its rows: picking some of them, and following the beams that live on."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
"""`step(ids, time, source, state) -> (logits, state)`.

`ids` int32 (rows, beams), the last token of each sequence; `time` int32 scalar, how many tokens of the sequence stand
before it, 0 for the first call; `source` tensors (rows, ...), the same in every call; `state` tensors
(rows, beams, ...), what the step left for itself. `logits` float (rows, beams, entries) for the next token.
"""


class Start(NamedTuple):
    """What a search begins with.

    Attributes:
        logits: Float (rows, entries), for the first token.
        source: Tensors (rows, ...) that the step reads, never copied for beams; may be an empty structure.
        state: Tensors (rows, 1, ...) that the first call of the step gets, for each sequence.
        growing: For each tensor of the state the axis that gets longer with each step, or -1.
    """

    logits: Any
    source: Any
    state: Any
    growing: Any


def gathered(tensors: Any, places: Any, batch_dims: int = 0) -> Any:
    """Picks the same places of every tensor of a structure; axes before are batches."""
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places, batch_dims=batch_dims), tensors)


def shapes_of(state: Any, growing: Any, beams: int) -> Any:
    """Returns what of the shapes of a state stays in a loop: any number of rows, `beams` beams, axes that do not grow.

    Args:
        state: Tensors (rows, beams, ...).
        growing: For each of them the axis that gets longer with each step, or -1.
        beams: Sequences a row.
    """

    def kept(tensor: Any, axis: int) -> tf.TensorShape:
        sizes = [None if at == axis else size for at, size in enumerate(tensor.shape)]
        return tf.TensorShape([None, beams, *sizes[2:]])

    return tf.nest.map_structure(kept, state, growing)
