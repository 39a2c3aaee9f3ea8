"""More positions for a checkpoint than its table has rows: each is a mixture of two of the rows that there are."""

import dataclasses

import numpy as np

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.names import POSITION_EMBEDDINGS
from keras_bert.errors import InputError

ALPHA = 0.4
"""Share of the place of a stretch; the place within it has the rest. That of bert4keras."""

TRAINED, HIERARCHICAL = POSITIONS = ("trained", "hierarchical")


def longer_positions(checkpoint: Checkpoint, length: int, alpha: float = ALPHA) -> Checkpoint:
    """Gives a checkpoint a longer position table, so that it reads longer texts at once.

    With the n rows p of its table, and e = (p - alpha · p_0) / (1 - alpha), the place i · n + j gets
    alpha · e_i + (1 - alpha) · e_j: up to n² places of which the first n are as they were. The new rows are trained as
    the others are, and saved with them, in a folder that is as any other with so many positions.

    Args:
        checkpoint: An opened checkpoint; it stays as it is.
        length: Places in tokens; where the table has as many, it stays.
        alpha: Between 0 and 1, both excluded.

    Returns:
        The checkpoint with `length` positions; all other tensors are shared.

    Raises:
        InputError: It has no table of positions, or `length` is more than the square of its rows.

    Example:
        >>> checkpoint = longer_positions(keras_bert.checkpoints.open_checkpoint("minilm"), 2048)
        >>> checkpoint.tensors["bert.embeddings.position_embeddings.weight"].shape
        (2048, 384)
        >>> keras_bert.BertClassifier.from_preset(checkpoint, labels=["no", "yes"], max_length=2048)  # doctest: +SKIP

    References:
        Su 2020, "Hierarchical decomposition of position encoding", kexue.fm/archives/7947; bert4keras, layers.py,
        `PositionEmbedding` with `hierarchical`.
    """
    rows = checkpoint.config.max_position_embeddings
    if length <= rows:
        return checkpoint
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; it must be between 0 and 1")
    if checkpoint.config.position_embedding_type != "absolute":
        raise InputError(
            f"{checkpoint.source}: its positions are {checkpoint.config.position_embedding_type}, without a table; "
            "positions='hierarchical' makes more of the rows of one"
        )
    if length > rows**2:
        raise InputError(
            f"{checkpoint.source}: {length:,} positions are more than the square of the {rows} rows of its table, "
            f"{rows**2:,}; lower max_length"
        )
    tensors = dict(checkpoint.tensors)
    if POSITION_EMBEDDINGS in tensors:  # a bare config has no weights, and starts with a table of that size
        table = tensors[POSITION_EMBEDDINGS]
        parts = (table - alpha * table[:1]) / (1 - alpha)
        places = np.arange(length)
        longer = alpha * parts[places // rows] + (1 - alpha) * parts[places % rows]
        longer[:rows] = table  # to the last bit
        tensors[POSITION_EMBEDDINGS] = longer.astype(table.dtype)
    config = dataclasses.replace(checkpoint.config, max_position_embeddings=length)
    notes = [*checkpoint.notes, f"the {rows} positions became {length}, by hierarchical decomposition: as asked"]
    return dataclasses.replace(checkpoint, config=config, tensors=tensors, notes=notes)


def with_positions(checkpoint: Checkpoint, positions: str | None, length: int | None) -> Checkpoint:
    """Makes what `from_preset` is asked for by `positions`.

    Args:
        checkpoint: An opened checkpoint.
        positions: `"hierarchical"`, see `longer_positions`; `"trained"` or None for the table as it is.
        length: The longest input in tokens that is asked for.

    Raises:
        InputError: There is no such value, or no length is given with it; or as `longer_positions`.
    """
    if positions not in (None, *POSITIONS):
        raise InputError(f"positions must be one of {', '.join(POSITIONS)}, received: {positions!r}")
    if positions != HIERARCHICAL:
        return checkpoint
    if length is None:
        raise InputError("positions='hierarchical' makes room for max_length tokens; say how many")
    return longer_positions(checkpoint, length)
