"""The check of a number that every caller gives."""

from typing import Any

from keras_bert.errors import InputError


def check_batch_size(batch_size: Any, name: str = "batch_size") -> int:
    """Returns a batch size as an int.

    Raises:
        InputError: It is no whole number of 1 or more.

    Example:
        >>> check_batch_size(32)
        32
    """
    is_whole = hasattr(batch_size, "__index__") and not isinstance(batch_size, bool)
    if not is_whole or batch_size < 1:
        raise InputError(f"{name} {batch_size!r}: expected a whole number of 1 or more")
    return int(batch_size)
