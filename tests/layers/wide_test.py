"""Casts that never take digits away."""

import keras
import pytest

from keras_bert.layers.wide import wide, wide_dtype


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float16", "float32"), ("bfloat16", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_at_least_float32(dtype: str, expected: str):
    assert wide_dtype(dtype) == expected
    assert keras.backend.standardize_dtype(wide(keras.ops.ones(3, dtype)).dtype) == expected
