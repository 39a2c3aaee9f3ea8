"""What a search keeps of its rows: picking some of them, and following the beams that live on."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
"""`step(ids, time, source, state) -> (logits, state)`.

`ids` int32 (rows, beams), the last token of each sequence; `time` int32 scalar, how many tokens stand before it in the
sequence, 0 for the first call; `source` tensors (rows, ...), the same in every call; `state` tensors
(rows, beams, ...), what the step left for itself. `logits` float (rows, beams, entries) for the next token.
"""


def gathered(tensors: Any, places: Any, batch_dims: int = 0) -> Any:
    """Picks the same places of every tensor of a structure; axes before are batches."""
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places, batch_dims=batch_dims), tensors)


def shapes_of(state: Any, beams: int) -> Any:
    """Returns what of the shapes of a state stays in a loop: any number of rows, `beams` beams, axes of known length.

    Args:
        state: Tensors (rows, beams, ...); an axis that grows must have no static length.
        beams: Sequences a row.
    """
    return tf.nest.map_structure(lambda tensor: tf.TensorShape([None, beams, *tensor.shape[2:]]), state)
