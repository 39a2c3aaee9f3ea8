"""Parts of a loss add up to what Keras computes of the whole batch."""

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.base.partial_loss import partial_loss, regularization

RANDOM = np.random.default_rng(0)
Y, PREDICTED = RANDOM.normal(size=(7, 5, 3)).astype("float32"), RANDOM.normal(size=(7, 5, 3)).astype("float32")
OF_ROWS, OF_VALUES = RANDOM.random((7, 1)).astype("float32"), RANDOM.random((7, 5)).astype("float32")
PARTS = [slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 7)]


@pytest.mark.parametrize("weights", [None, OF_ROWS, OF_VALUES, OF_VALUES[..., None]], ids=lambda w: str(np.shape(w)))
@pytest.mark.parametrize("reduction", ["sum", "mean", "sum_over_batch_size", "mean_with_sample_weight"])
def test_parts_add_up(reduction: str, weights: np.ndarray | None):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    totals = {"rows": np.float32(7)} | ({} if weights is None else {"weights": weights.sum()})
    found = 0.0
    for part in PARTS:
        own = None if weights is None else weights[part]
        found += float(partial_loss(loss, Y[part], PREDICTED[part], own, totals))
    assert found == pytest.approx(float(loss(Y, PREDICTED, weights)), rel=1e-5)


def test_float64_stays_float64():
    loss = keras.losses.MeanSquaredError(dtype="float64")
    assert partial_loss(loss, Y.astype("float64"), PREDICTED.astype("float64")).dtype == "float64"


class OneNumber(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(y_pred)


@pytest.mark.parametrize(
    ("loss", "weights", "message"),
    [
        (keras.losses.MeanSquaredError(reduction=None), None, "reduction=None gives no number"),
        (keras.losses.MeanSquaredError(), np.ones(7), r"sample_weight of shape \(7,\) does not fit .* \(7, 5\)"),
        (OneNumber(), None, "one number for a batch"),
    ],
)
def test_what_has_no_parts_is_refused(loss, weights, message):
    with pytest.raises(InputError, match=message):
        partial_loss(loss, Y, PREDICTED, weights)


def test_a_mask_of_keras_is_refused():
    ids = keras.Input((5,), dtype="int32")
    model = keras.Model(ids, keras.layers.Dense(3)(keras.layers.Embedding(9, 4, mask_zero=True)(ids)))
    with pytest.raises(InputError, match="give sample_weight"):
        partial_loss(keras.losses.MeanSquaredError(), Y, model(np.ones((7, 5), "int32")))


def test_regularizers_count_by_rows():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(5, kernel_regularizer="l2")(inputs))
    model(Y[:, 0])
    expected = float(sum(model.losses))
    assert float(regularization(model, np.float32(2), np.float32(8))) == pytest.approx(expected / 4)
    assert float(regularization(model, np.float32(2))) == pytest.approx(expected)
    assert regularization(keras.Model(inputs, keras.layers.Dense(5)(inputs)), np.float32(2)) is None


@pytest.mark.parametrize("option", [{"activity_regularizer": "l2"}, {"add_loss": True}], ids=str)
def test_what_else_is_added_is_refused(option: dict):
    class Adding(keras.layers.Dense):
        def call(self, inputs):
            outputs = super().call(inputs)
            self.add_loss(keras.ops.sum(outputs))
            return outputs

    inputs = keras.Input((3,))
    layer = Adding(5) if option.pop("add_loss", False) else keras.layers.Dense(5, **option)
    model = keras.Model(inputs, layer(inputs))
    model(Y[:, 0])
    with pytest.raises(InputError, match="by add_loss or activity_regularizer"):
        regularization(model, np.float32(2))
