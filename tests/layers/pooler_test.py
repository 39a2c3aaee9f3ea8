"""The truth: numpy's `tanh(first token @ kernel + bias)`."""

import numpy as np

from keras_bert.layers.pooler import Pooler
from tests.layer_test_case import randomize, run_layer_test, to_numpy
from tests.layers import numpy_bert

HIDDEN = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


def test_the_layer(tmp_path):
    run_layer_test(Pooler, {"initializer_range": 0.5}, [HIDDEN], (2, 4), tmp_path, expected_trainable_weights=2)


def test_the_first_token_through_tanh():
    layer = Pooler()
    layer.build(HIDDEN.shape)
    randomize(layer)
    expected = np.tanh(numpy_bert.dense(HIDDEN[:, 0], numpy_bert.read_dense(layer.dense)))
    np.testing.assert_allclose(to_numpy(layer(HIDDEN)), expected, atol=1e-6)


def test_other_tokens_do_not_matter():
    layer = Pooler()
    changed = HIDDEN.copy()
    changed[:, 1:] += 1
    np.testing.assert_array_equal(to_numpy(layer(HIDDEN)), to_numpy(layer(changed)))


def test_the_initializer_range_reaches_the_kernel():
    layer = Pooler(initializer_range=3.0)
    layer.build((None, None, 50))
    assert abs(to_numpy(layer.dense.kernel).std() / 3.0 - 0.88) < 0.05
