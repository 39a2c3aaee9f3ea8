"""The one spelling of a class, however it is written: in a file, in Python, or as a number in a table."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError

# Whole numbers as pandas writes them in a column with gaps; the three ways of writing a boolean.
_WHOLE = r"^([+-]?\d+)\.0+$"
_TRUE, _FALSE = "^(true|True|TRUE)$", "^(false|False|FALSE)$"


def class_name(value: Any) -> str:
    """Returns the name of a class.

    White space at both ends is dropped, whole numbers lose their decimals (`1.0` is class `1`), booleans are `true`
    and `false`.

    Args:
        value: A string, number or boolean, of Python or NumPy.

    Returns:
        The name; empty where there is no label: None, an empty text.

    Raises:
        InputError: A number that is no name of a class (nan, infinity), or a value of another type.

    Example:
        >>> [class_name(value) for value in (" neg ", 1, 1.0, "1.0", True, "TRUE", 0.5)]
        ['neg', '1', '1', '1', 'true', 'true', '0.5']
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas' own words for nothing
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"the label is {value}, which is no class: the row has no label")
        value = int(value) if value.is_integer() else value
    if not isinstance(value, str | int | float):
        raise InputError(f"expected one label, found {type(value).__name__} {value!r:.40}")
    try:
        name = str(value).strip()
    except ValueError:  # Python does not write out numbers of more than 4,300 digits
        raise InputError("the label is a number of thousands of digits, which is no class") from None
    name = re.sub(_WHOLE, r"\1", name, flags=re.ASCII)
    return "true" if re.match(_TRUE, name) else "false" if re.match(_FALSE, name) else name


def class_names(given: Any, what: str = "labels") -> list[str]:
    """Returns the names of classes given as one argument, in their order.

    Args:
        given: A sequence of names, numbers or booleans, of Python, NumPy or pandas.
        what: What the argument is called, for messages.

    Raises:
        InputError: A string, which is no list of its letters; a set, which has no order; a name that is empty.

    Example:
        >>> class_names([0, 1.0, "two"])
        ['0', '1', 'two']
    """
    names: list[str] = []
    for index, value in enumerate(in_order(given, what)):
        try:
            names.append(class_name(value))
        except InputError as error:
            raise InputError(f"{what}: name {index}: {error}") from None
        if not names[-1]:
            raise InputError(f"{what}: name {index} is empty")
    return names


def in_order(given: Any, what: str) -> list[Any]:
    """Returns what was given as a list of names, as a list.

    Args:
        given: A list, an array, or anything else that has an order.
        what: What the argument is called, for messages.

    Raises:
        InputError: One string, which is no list of its letters; a set, which has no order; a dict.
    """
    if hasattr(given, "numpy") and hasattr(given, "dtype"):
        given = given.numpy()  # a tensor
    if isinstance(given, str | bytes):
        raise InputError(f"{what} is one string, {given!r:.40}; pass a list, {what}=[{given!r:.40}, ...]")
    if isinstance(given, set | frozenset):
        raise InputError(
            f"{what} is a set, which has no order, so that the outputs would have other names each time; "
            f"pass a list, such as {what}=sorted({what})"
        )
    if isinstance(given, Mapping) or not isinstance(given, Iterable) or getattr(given, "shape", None) == ():
        raise InputError(f"{what} is {type(given).__name__}; pass a list of names in the order of the outputs")
    return list(given)


def named_weights(given: Any, what: str = "class_weights") -> dict[str, float]:
    """Returns the weights of classes by their names.

    Args:
        given: Class → weight, or None for none.
        what: What the argument is called, for messages.

    Raises:
        InputError: No mapping, a class twice, or a weight that is no number of 0 or more.

    Example:
        >>> named_weights({0: 1, 1.0: 2.5})
        {'0': 1.0, '1': 2.5}
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{what}: expected a dict of class and weight, received: {given!r:.60}")
    names = class_names(list(given), what)
    for name, weight in zip(names, given.values(), strict=True):
        if isinstance(weight, bool | str) or not hasattr(weight, "__float__") or not 0 <= float(weight) < math.inf:
            raise InputError(f"{what}: the weight of {name!r} is {weight!r:.40}; expected a number of 0 or more")
    if len(set(names)) < len(names):
        raise InputError(f"{what}: {next(name for name in names if names.count(name) > 1)!r} is there more than once")
    return {name: float(weight) for name, weight in zip(names, given.values(), strict=True)}


def names_in_graph(labels: Any) -> Any:
    """Spells labels in the graph as `class_name` does.

    Args:
        labels: Tensor or RaggedTensor of strings.

    Returns:
        The same with their names.
    """
    if isinstance(labels, tf.RaggedTensor):
        return labels.with_flat_values(names_in_graph(labels.flat_values))
    names = tf.strings.regex_replace(tf.strings.strip(labels), _WHOLE, r"\1")
    return tf.strings.regex_replace(tf.strings.regex_replace(names, _TRUE, "true"), _FALSE, "false")


def are_numbers(names: Sequence[str]) -> bool:
    """Says whether every one of some names is a number, so that numbers are names of these classes."""
    try:
        return all(math.isfinite(float(name)) for name in names)
    except ValueError:
        return False
