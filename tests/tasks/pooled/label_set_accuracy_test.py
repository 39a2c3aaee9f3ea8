"""Accuracy of several labels: that of scikit-learn, and of `scores`."""

import keras
import numpy as np
import pytest

from keras_bert.evaluation import scores
from keras_bert.tasks.pooled.label_set_accuracy import LabelSetAccuracy


@pytest.mark.parametrize("threshold", [0.0, -0.4])
def test_it_means_in_training_what_it_means_in_evaluation(threshold: float):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(64, 3)), rng.integers(0, 2, (64, 3)).astype("float32")
    metric = LabelSetAccuracy(threshold)
    for part in np.split(np.arange(64), [10, 40]):
        metric.update_state(targets[part], logits[part])
    expected = scores("multi_label_classification", targets, (logits >= threshold).astype("int32"))["accuracy"]
    assert 0 < expected < 0.5
    assert float(metric.result()) == pytest.approx(expected)


def test_rows_may_weigh_and_it_is_restored_from_its_config():
    metric = LabelSetAccuracy(0.5, name="all_right")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert (again.threshold, again.name) == (0.5, "all_right")
    again.update_state([[1.0], [1.0]], [[1.0], [0.0]], sample_weight=[3.0, 1.0])
    assert float(again.result()) == 0.75
