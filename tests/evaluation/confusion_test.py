"""The confusion matrix is a picture of the right size, with few classes and with many."""

import matplotlib.image
import numpy as np
import pytest

from keras_bert.evaluation import plot_confusion


@pytest.mark.parametrize("classes", [2, 7, 40])
def test_picture(tmp_path, classes):
    generator = np.random.default_rng(0)
    targets = generator.integers(0, classes, 300)
    predictions = np.where(generator.random(300) < 0.8, targets, generator.integers(0, classes, 300))
    plot_confusion(targets, predictions, [f"class {index}" for index in range(classes)], tmp_path / "confusion.png")
    picture = matplotlib.image.imread(tmp_path / "confusion.png")
    assert min(picture.shape[:2]) >= 400
    assert np.ptp(picture[..., :3]) > 0.5, "not blank"


def test_a_class_without_rows(tmp_path):
    plot_confusion(np.array([0, 0]), np.array([0, 1]), ["a", "b", "never"], tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 1000
