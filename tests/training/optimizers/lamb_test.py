"""LAMB against algorithm 2 of arXiv:1904.00962 written out in numpy (float64)."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import Lamb
from tests.training.optimizers.adamw_test import SHAPES, assert_equal, make_gradients, make_variables, train


def numpy_lamb(
    values: Sequence[np.ndarray],
    gradients: Sequence[Sequence[np.ndarray]],
    rate: float,
    decay: float,
    multipliers: dict[str, float],
    betas: tuple[float, float],
    epsilon: float,
    constraints: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None = None,
) -> list[np.ndarray]:
    results = []
    for index, path in enumerate(SHAPES):
        parts = path.split("/")
        w = values[index].astype("float64")
        m, v = np.zeros_like(w), np.zeros_like(w)
        adapts = parts[-1] not in ("bias", "gamma", "beta")
        for t, step in enumerate(gradients, start=1):
            g = step[index].astype("float64")
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            r = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + epsilon) + (decay * w if adapts else 0)
            ratio = np.linalg.norm(w) / np.linalg.norm(r) if adapts else 1.0
            w = w - rate * np.prod([multipliers.get(part, 1.0) for part in parts]) * ratio * r
            w = (constraints or {}).get(path, lambda value: value)(w)
        results.append(w)
    return results


def test_steps_are_those_of_the_paper():
    variables, gradients = make_variables(), make_gradients(5)
    start = [variable.numpy() for variable in variables]
    multipliers = {"embeddings": 0.1, "block_0": 0.5}
    train(Lamb(0.01, 0.3, multipliers=multipliers, beta_1=0.8, beta_2=0.95, epsilon=1e-4), variables, gradients)
    assert_equal(variables, numpy_lamb(start, gradients, 0.01, 0.3, multipliers, (0.8, 0.95), 1e-4))


def test_a_variable_of_zeros_moves_all_the_same():
    """Its norm is 0, and 0 times the step would keep it there for ever; a factor of 1 stands in."""
    variable = keras.Variable(np.zeros((2, 2), "float32"), name="kernel")
    Lamb(0.5, decay=0.0).apply([tf.ones((2, 2))], [variable])
    np.testing.assert_allclose(variable.numpy(), -0.5, rtol=1e-5)


def test_no_gradient_and_no_decay_is_no_step_and_not_nan():
    variable = keras.Variable(np.ones((2, 2), "float32"), name="kernel")
    Lamb(0.5, decay=0.0).apply([tf.zeros((2, 2))], [variable])
    np.testing.assert_array_equal(variable.numpy(), 1.0)


def test_sparse_gradients_count_as_the_dense_ones_they_stand_for():
    dense, sparse = (keras.Variable(np.ones((4, 2), "float32"), name="table") for _ in range(2))
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([2, 2]), tf.constant([4, 2]))
    Lamb(0.1).apply([tf.convert_to_tensor(rows)], [dense])
    Lamb(0.1).apply([rows], [sparse])
    np.testing.assert_allclose(sparse.numpy(), dense.numpy(), rtol=1e-6)


def test_the_config_is_complete():
    optimizer = Lamb(1e-3, 0.2, ["bias"], {"block_1": 0.5}, 0.8, 0.9, 1e-3, True, "mine", global_clipnorm=2.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(again, Lamb)
    assert again.get_config() == optimizer.get_config()


def test_half_precision_is_refused():
    with pytest.raises(InputError, match="mixed_bfloat16"):
        Lamb().build([keras.Variable(np.ones(2, "float32"), dtype="bfloat16", name="kernel")])
