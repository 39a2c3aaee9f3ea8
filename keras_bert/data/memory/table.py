"""What a caller's table is: columns by name, whichever library made it; none of them is imported."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_bert.errors import InputError


@dataclass(frozen=True)
class Table:
    """Named columns.

    Attributes:
        names: Of the columns, in their order.
        values: From a name to the column as a list.
    """

    names: list[str]
    values: Callable[[str], list[Any]]

    def column(self, name: str, argument: str) -> list[Any]:
        """Returns a column as a list.

        Args:
            name: Of the column.
            argument: What names it, for the message: `text` of `text="sentence"`.

        Raises:
            InputError: There is no such column, or more than one.
        """
        name = str(name)  # pandas numbers columns that have no names
        count = self.names.count(name)
        if count != 1:
            found = f"{count} columns are named" if count else "no column"
            columns = ", ".join(map(repr, self.names))
            raise InputError(f"{found} {name!r}; the columns are: {columns}; name the right one, {argument}=COLUMN")
        return self.values(name)


def table_of(given: Any) -> Table | None:
    """Takes something as a table; None where it is none.

    Args:
        given: A dict of columns, a list of dicts or of named tuples, a DataFrame of pandas or polars, a table of
            pyarrow, a `Dataset` of Hugging Face's, or a structured array of NumPy.

    Raises:
        InputError: Columns of unlike length, rows that lack a column of the first, or a lazy table.

    Example:
        >>> table_of([{"text": "good", "label": 1}, {"text": "bad", "label": 0}]).column("label", "label")
        [1, 0]
    """
    if isinstance(given, Mapping):
        columns = {str(name): values_of(values, f"column {name!r}") for name, values in given.items()}
        sizes = {name: len(values) for name, values in columns.items()}
        if len(set(sizes.values())) > 1:
            lengths = ", ".join(f"{name!r} {size}" for name, size in sizes.items())
            raise InputError(f"the columns have unlike numbers of rows: {lengths}")
        return Table(list(columns), columns.__getitem__)
    if hasattr(type(given), "columns") and hasattr(given, "collect"):  # of polars and Spark
        raise InputError(f"a {type(given).__name__} holds no rows yet: collect it first, table.collect()")
    names = getattr(given, "column_names", None)
    names = getattr(given, "columns", None) if names is None else names
    if names is None:
        names = getattr(getattr(given, "dtype", None), "names", None)
    if names is not None and hasattr(given, "__getitem__"):
        # pandas has names that are no strings, too.
        own = {str(name): name for name in names}
        return Table([str(name) for name in names], lambda name: values_of(given[own[name]], f"column {name!r}"))
    if isinstance(given, list | tuple) and given and all(hasattr(row, "_asdict") for row in given):
        given = [row._asdict() for row in given]  # named tuples, such as those of df.itertuples()
    if isinstance(given, list | tuple) and given and all(isinstance(row, Mapping) for row in given):
        # Also what the first row lacks: a label that some rows have is missing in the others.
        names = list(dict.fromkeys(str(name) for row in given for name in row))
        return Table(names, lambda name: [_field(index, row, name) for index, row in enumerate(given)])
    return None


def values_of(given: Any, what: str) -> list[Any]:
    """Takes something as a list.

    Args:
        given: A list, a tuple, an array, a tensor, a column of a table, or another iterable that has an order.
        what: What it is, for the message.

    Raises:
        InputError: A string, a set, a dict, or nothing that could be gone through.
    """
    kind = type(given).__name__
    if isinstance(given, str | bytes):
        raise InputError(f"{what}: expected a list, received the string {given!r:.60}; write [{given!r:.60}]")
    if isinstance(given, set | frozenset | Mapping):
        raise InputError(f"{what}: expected a list, received a {kind}, which has no order to go by")
    if hasattr(given, "columns") and hasattr(given, "to_numpy"):
        given = given.to_numpy()  # a DataFrame, whose elements would be the names of its columns
    if hasattr(given, "numpy") and hasattr(given, "dtype"):
        given = np.asarray(given.numpy())  # a tensor
    if isinstance(given, np.ndarray) and given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]  # df[["label"]].to_numpy(): a column as a matrix
    if getattr(given, "shape", None) == ():
        raise InputError(f"{what}: expected a list, received a single value, {given!r:.60}")
    for method in ("to_pylist", "to_list", "tolist"):  # of pyarrow, pandas and polars, NumPy
        if hasattr(given, method):
            return list(getattr(given, method)())
    if not isinstance(given, Iterable):
        raise InputError(f"{what}: expected a list, received {kind} {given!r:.60}")
    return list(given)


def plain_value(value: Any) -> Any:
    """Makes lists, dicts and Python's own numbers of what a cell of a table has in their place, such as arrays.

    Example:
        >>> plain_value({"start": np.array([1, 2])})
        {'start': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {name: plain_value(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    elif hasattr(value, "to_list"):  # a column in a cell, as polars has it
        value = value.to_list()
    return [plain_value(item) for item in value] if isinstance(value, list | tuple) else value


def is_missing(value: Any) -> bool:
    """Says whether a value is one of the ways of writing that there is none: None, nan, pandas' NA and NaT."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _field(index: int, row: Mapping[Any, Any], name: str) -> Any:
    if name not in row:
        raise InputError(f"row {index}: no {name!r}, which other rows have; it has: {', '.join(map(repr, row))}")
    return row[name]
