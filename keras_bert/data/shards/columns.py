"""Examples as flat columns of numbers, and back: what a shard holds of what a task makes of rows."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.shards.gather import ranges

_UNSIGNED = (np.uint8, np.uint16, np.uint32)


@dataclasses.dataclass(frozen=True)
class Column:
    """One tensor of all examples.

    Attributes:
        values: All values, (values, ...); for a dense tensor a row of them is an example's.
        lengths: Of a ragged tensor how many parts each part has, from the outermost level to the innermost, whole
            numbers (examples,), (parts,), ...; none for a dense one.
    """

    values: np.ndarray
    lengths: tuple[np.ndarray, ...] = ()

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.lengths[0] if self.lengths else self.values)

    def take(self, rows: np.ndarray) -> "Column":
        """Returns some examples, in the order asked for.

        Args:
            rows: Their numbers, int64 (chosen,).

        Example:
            >>> ragged = Column(np.array([1, 2, 3]), (np.array([2, 0, 1]),))
            >>> taken = ragged.take(np.array([2, 0]))
            >>> taken.values.tolist(), taken.lengths[0].tolist()
            ([3, 1, 2], [1, 2])
        """
        chosen, lengths = rows, []
        for level in self.lengths:
            lengths.append(level[chosen])
            ends = np.cumsum(level, dtype=np.int64)
            chosen = ranges((ends - level)[chosen], lengths[-1])
        return Column(self.values[chosen], tuple(lengths))


def columns_of(examples: Any) -> dict[str, Column]:
    """Takes examples apart.

    Args:
        examples: Tensors and ragged tensors (rows, ...) in dicts and tuples, such as what a task's `examples` gives.

    Returns:
        Path → column, such as `0/token_ids` for `token_ids` of the first part.

    Example:
        >>> found = columns_of(({"token_ids": tf.ragged.constant([[5, 6], [7]])}, tf.constant([0, 1])))
        >>> found["0/token_ids"].lengths[0].tolist(), found["1"].values.tolist()
        ([2, 1], [0, 1])
    """
    return {path: _column(value) for path, value in _leaves(examples)}


def joined(parts: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    """Puts the columns of several groups of examples one after the other."""
    first = parts[0]
    return {
        path: Column(
            np.concatenate([part[path].values for part in parts]),
            tuple(
                np.concatenate([part[path].lengths[level] for part in parts])
                for level in range(len(first[path].lengths))
            ),
        )
        for path in first
    }


def arrays_of(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Names the arrays of columns for a file; whole numbers take as few bytes as the largest needs."""
    arrays = {}
    for path, column in columns.items():
        arrays[path] = _narrow(column.values)
        arrays |= {f"{path}#{level}": _narrow(lengths) for level, lengths in enumerate(column.lengths)}
    return arrays


def columns_from(arrays: Mapping[str, np.ndarray]) -> dict[str, Column]:
    """Makes columns of what `arrays_of` gave."""
    found = {}
    for path in (name for name in arrays if "#" not in name):
        levels: list[np.ndarray] = []
        while f"{path}#{len(levels)}" in arrays:
            levels.append(arrays[f"{path}#{len(levels)}"])
        found[path] = Column(arrays[path], tuple(levels))
    return found


def spec_of(examples: Any) -> dict[str, dict[str, Any]]:
    """Describes examples in JSON: path → `dtype`, `shape` behind the rows, and `ragged`, the levels of a ragged one."""
    return {
        path: {
            "dtype": value.dtype.name,
            "shape": value.flat_values.shape[1:].as_list() if _is_ragged(value) else value.shape[1:].as_list(),
            "ragged": value.ragged_rank if _is_ragged(value) else 0,
        }
        for path, value in _leaves(examples)
    }


def examples_from(tensors: Mapping[str, Any]) -> Any:
    """Puts tensors by path together again as they were: dicts by names, tuples by numbers.

    Example:
        >>> examples_from({"0/token_ids": "ids", "1": "targets"})
        ({'token_ids': 'ids'}, 'targets')
    """
    parts: dict[str, Any] = {}
    for path, value in tensors.items():
        head, _, rest = path.partition("/")
        if rest:
            parts.setdefault(head, {})[rest] = value
        else:
            parts[head] = value
    built = {head: examples_from(value) if isinstance(value, dict) else value for head, value in parts.items()}
    return tuple(built[str(index)] for index in range(len(built))) if built.keys() <= _NUMBERS else built


_NUMBERS = set(map(str, range(10)))


def _leaves(examples: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(examples, Mapping):
        parts = [(str(name), examples[name]) for name in sorted(examples)]
    elif isinstance(examples, tuple | list):
        parts = [(str(index), value) for index, value in enumerate(examples)]
    else:
        yield path, examples
        return
    for name, value in parts:
        yield from _leaves(value, f"{path}/{name}" if path else name)


def _is_ragged(value: Any) -> bool:
    return isinstance(value, tf.RaggedTensor)


def _column(value: Any) -> Column:
    if not _is_ragged(value):
        return Column(value.numpy())
    return Column(value.flat_values.numpy(), tuple(lengths.numpy() for lengths in value.nested_row_lengths()))


def _narrow(values: np.ndarray) -> np.ndarray:
    """Returns whole numbers from 0 on in the smallest type that holds them; others as they are."""
    if values.dtype.kind not in "iu" or (values.size and values.min() < 0):
        return np.ascontiguousarray(values)
    largest = int(values.max()) if values.size else 0
    fitting = [dtype for dtype in _UNSIGNED if largest <= np.iinfo(dtype).max]
    return np.ascontiguousarray(values.astype(fitting[0])) if fitting else np.ascontiguousarray(values)
