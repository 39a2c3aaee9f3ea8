"""The learning curves are a picture, whatever the run measured."""

import matplotlib.image
import numpy as np
import pytest

from keras_bert.evaluation import plot_curves


@pytest.mark.parametrize(
    "history",
    [
        {
            "loss": [0.7, 0.4, 0.3],
            "val_loss": [0.6, 0.5, 0.55],
            "accuracy": [0.5, 0.8, 0.9],
            "val_accuracy": [0.6, 0.7, 0.7],
        },
        {"loss": [0.7]},
        {"loss": [1.0, 0.5], "val_f1": [0.1, 0.2], "val_matthews": [0.0, 0.1], "mae": [1, 2]},
    ],
)
def test_picture(tmp_path, history):
    plot_curves(history, tmp_path / "curves.png")
    picture = matplotlib.image.imread(tmp_path / "curves.png")
    assert picture.shape[1] >= 500
    assert np.ptp(picture[..., :3]) > 0.5, "not blank"
