"""Numbers with digits enough to sum, to normalize and to take logarithms of."""

from typing import Any

import keras
from keras import ops


def wide_dtype(dtype: Any) -> str:
    """Returns float32, or float64 for what is wider than that.

    Example:
        >>> wide_dtype("bfloat16"), wide_dtype("float64")
        ('float32', 'float64')
    """
    return keras.backend.result_type(dtype, "float32")


def wide(inputs: Any) -> Any:
    """Casts to float32, unless the inputs have as many digits or more.

    Args:
        inputs: float (...).

    Returns:
        float32 (...), or float64 (...) for float64.

    Example:
        >>> keras.backend.standardize_dtype(wide(ops.ones(2, "float16")).dtype)
        'float32'
    """
    return ops.cast(inputs, wide_dtype(inputs.dtype))
