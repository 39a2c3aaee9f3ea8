"""The truth: the formulas of arXiv:1606.08415, section 2, by `math.erf` and `math.tanh`."""

import numpy as np
import pytest
from keras import ops

from keras_bert.config import ACTIVATIONS
from keras_bert.layers.activations import activation
from tests.layer_test_case import to_numpy
from tests.layers import numpy_bert

GRID = np.linspace(-8, 8, 401, dtype="float32")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_formula(name):
    expected = numpy_bert.ACTIVATIONS[name](GRID.astype("float64"))
    np.testing.assert_allclose(to_numpy(activation(name)(ops.array(GRID))), expected, atol=2e-6)


def test_the_two_gelus_are_told_apart():
    exact, approximate = (to_numpy(activation(name)(ops.array(GRID))) for name in ("gelu", "gelu_new"))
    assert 1e-4 < np.abs(exact - approximate).max() < 1e-3


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="one of gelu, gelu_new, relu, silu, tanh, received: 'gelu_10'"):
        activation("gelu_10")
