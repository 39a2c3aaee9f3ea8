"""How the examples of a window become batches: those of like length together, as `keras_bert.data.batches` has it."""

import numpy as np


def plan_window(
    lengths: np.ndarray, batch_size: int, seed: tuple[int, ...] | None, *, sort: bool, drop_remainder: bool
) -> list[np.ndarray]:
    """Divides a window into batches.

    Args:
        lengths: Tokens of each example, whole numbers (examples,).
        batch_size: Examples a batch; the last one may have fewer.
        seed: What the order of examples of one length, and of batches, follows from; None: the order given.
        sort: Examples of like length together; otherwise they stay in their order.
        drop_remainder: Leave out the examples that do not fill a batch.

    Returns:
        The numbers of each batch's examples, int64 (rows,).

    Example:
        >>> [batch.tolist() for batch in plan_window(np.array([9, 2, 8, 3]), 2, None, sort=True, drop_remainder=False)]
        [[1, 3], [2, 0]]
    """
    if drop_remainder:
        lengths = lengths[: len(lengths) // batch_size * batch_size]
    generator = None if seed is None else np.random.default_rng(seed)
    order = np.arange(len(lengths))
    if sort:
        if generator is not None:
            order = generator.permutation(order)
        order = order[np.argsort(lengths[order], kind="stable")]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if generator is None or not sort:
        return batches
    return [batches[number] for number in generator.permutation(len(batches))]


def share_of(rows: np.ndarray, part: int, parts: int) -> np.ndarray:
    """Returns the part of a batch that one of several workers computes; the last ones may have fewer rows, or none.

    Example:
        >>> [share_of(np.arange(5), part, 3).tolist() for part in range(3)]
        [[0, 1], [2, 3], [4]]
    """
    size = -(-len(rows) // parts)
    return rows[part * size : (part + 1) * size]
