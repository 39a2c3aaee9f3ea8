"""The truth: the divergences written out in numpy."""

import keras
import numpy as np
import pytest

from keras_bert.tasks.embedding.cosine_loss import CosineLoss
from keras_bert.tasks.generation.loss import SmoothedCrossEntropy
from keras_bert.tasks.pooled.loss import ClassificationLoss
from keras_bert.training.adversary.divergence import CLASSES, MARKS, VALUES, divergence_values, output_kind


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (ClassificationLoss(), CLASSES),
        (SmoothedCrossEntropy(), CLASSES),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES),
        (keras.losses.SparseCategoricalCrossentropy(), VALUES),  # of probabilities
        (keras.losses.BinaryCrossentropy(from_logits=True), MARKS),
        (keras.losses.MeanSquaredError(), VALUES),
        (CosineLoss(), VALUES),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_loss_says_what_outputs_are(loss: keras.losses.Loss, kind: str):
    assert output_kind(loss) == kind


def test_the_values():
    first, second = np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype("float32")

    def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return (p * np.log(p / q)).sum(axis=-1)

    p, q = (np.exp(each) / np.exp(each).sum(axis=-1, keepdims=True) for each in (first, second))
    found = divergence_values(CLASSES, first, second)
    np.testing.assert_allclose(found, kl(p, q) + kl(q, p), rtol=1e-5)
    p, q = (1 / (1 + np.exp(-each)) for each in (first, second))
    p, q = (np.stack([each, 1 - each], axis=-1) for each in (p, q))
    found = divergence_values(MARKS, first, second)
    np.testing.assert_allclose(found, (kl(p, q) + kl(q, p)).mean(axis=-1), rtol=1e-4)
    np.testing.assert_allclose(divergence_values(VALUES, first, second), ((first - second) ** 2).sum(-1), rtol=1e-6)


def test_impossible_places_are_no_divergence():
    first = np.array([[1.0, -1e9, 2.0]], "float32")
    assert float(divergence_values(CLASSES, first, first + np.array([0.0, 64.0, 0.0], "float32"))[0]) == 0.0
