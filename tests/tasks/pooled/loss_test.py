"""The loss against the formulas of cross-entropy and label smoothing, written out in numpy (float64)."""

import keras
import numpy as np
import pytest

from keras_bert.tasks.pooled.loss import ClassificationLoss

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (6, 4)).astype("float32")
CLASSES = np.array([0, 3, 1, 1, 2, 0], "int32")


def cross_entropy(smoothing: float) -> np.ndarray:
    """Szegedy et al. 2015, section 7: the target is (1 - e) one-hot + e / K."""
    logits = LOGITS.astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    target = (1 - smoothing) * np.eye(4)[CLASSES] + smoothing / 4
    return -(target * log_p).sum(1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_it_is_the_mean_of_the_formula(smoothing: float):
    loss = ClassificationLoss(smoothing)(CLASSES, LOGITS)
    assert float(loss) == pytest.approx(cross_entropy(smoothing).mean(), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_keras_crossentropy_on_one_hot_targets(smoothing: float):
    reference = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = float(reference(np.eye(4)[CLASSES], LOGITS))
    assert float(ClassificationLoss(smoothing)(CLASSES, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_the_weighted_mean_divides_by_the_sum_of_the_weights():
    weights = np.array([1, 2, 0, 5, 0.5, 1], "float32")
    loss = ClassificationLoss()(CLASSES, LOGITS, sample_weight=weights)
    assert float(loss) == pytest.approx((weights * cross_entropy(0)).sum() / weights.sum(), rel=1e-6)


def test_a_batch_without_weight_gives_zero_not_nan():
    assert float(ClassificationLoss()(CLASSES, LOGITS, sample_weight=np.zeros(6, "float32"))) == 0.0


def test_class_numbers_may_stand_in_a_column():
    assert float(ClassificationLoss()(CLASSES[:, None], LOGITS)) == pytest.approx(cross_entropy(0).mean(), rel=1e-6)


def test_it_computes_in_float32_whatever_the_logits_are():
    logits = keras.ops.cast(LOGITS, "bfloat16")
    loss = ClassificationLoss()(CLASSES, logits)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    exact = ClassificationLoss()(CLASSES, keras.ops.cast(logits, "float32"))
    assert float(loss) == pytest.approx(float(exact), rel=1e-6)


def test_it_comes_back_from_its_config():
    loss = keras.losses.deserialize(keras.losses.serialize(ClassificationLoss(0.2, name="other")))
    assert isinstance(loss, ClassificationLoss)
    assert (loss.label_smoothing, loss.name) == (0.2, "other")
    assert loss.reduction == "mean_with_sample_weight"


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_impossible_smoothing_is_refused(smoothing: float):
    with pytest.raises(ValueError, match="label_smoothing"):
        ClassificationLoss(smoothing)
