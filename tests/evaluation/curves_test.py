"""The curves drawn are the values measured, whatever the run measured."""

import math

import keras
import matplotlib.figure
import matplotlib.image
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation import plot_curves, read_csv_log

HISTORY = {
    "loss": [0.7, 0.4, 0.3],
    "val_loss": [0.6, 0.5, 0.55],
    "accuracy": [0.5, 0.8, 0.9],
    "val_accuracy": [0.6, 0.7, 0.7],
    "val_f1": [0.1, 0.2, 0.3],
    "learning_rate": [1e-5, 5e-5, 1e-5],
}


@pytest.mark.parametrize("epochs", [1, 2, 7])
def test_epochs_are_whole_numbers(epochs: int, tmp_path, monkeypatch):
    """Also of one epoch, where a range of a tenth is shown."""
    saved = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: saved.append(figure))
    plot_curves({"loss": [0.5] * epochs}, tmp_path / "curves.png")
    (axes,) = saved[0].axes
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert shown
    assert all(tick == int(tick) for tick in shown)


def test_what_is_drawn(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: saved.append(figure))
    plot_curves(HISTORY, tmp_path / "curves.png")
    drawn = {}
    for axes in saved[0].axes:
        for line in axes.lines:
            assert line.get_xdata().tolist() == [1, 2, 3]
            drawn[axes.get_title(), line.get_label()] = line.get_ydata().tolist()
    assert drawn == {
        ("loss", "training"): HISTORY["loss"],
        ("loss", "held out"): HISTORY["val_loss"],
        ("accuracy", "training"): HISTORY["accuracy"],
        ("accuracy", "held out"): HISTORY["val_accuracy"],
        ("f1", "held out"): HISTORY["val_f1"],
        ("learning rate", "training"): HISTORY["learning_rate"],
    }
    assert {axes.get_xlabel() for axes in saved[0].axes if axes.lines} == {"epoch"}
    assert [axes.get_ylabel() for axes in saved[0].axes if axes.lines] == ["loss", "accuracy", "f1", "learning rate"]


@pytest.mark.parametrize("history", [HISTORY, {"loss": [0.7]}, {"loss": [math.nan, 0.5], "mae": [1, 2]}])
def test_picture(tmp_path, history):
    plot_curves(history, tmp_path / "curves.png")
    picture = matplotlib.image.imread(tmp_path / "curves.png")
    assert picture.shape[1] >= 500
    assert np.ptp(picture[..., :3]) > 0.5, "not blank"


def test_values_of_steps_stand_at_their_steps_and_gaps_are_bridged(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: saved.append(figure))
    history = {"loss": [math.nan, 3.0, 2.0], "val_loss": [4.0, math.nan, 2.5]}
    plot_curves(history, tmp_path / "curves.png", steps=[0, 50, 100])
    (axes,) = (axes for axes in saved[0].axes if axes.lines)
    drawn = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines}
    assert drawn == {"training": ([50, 100], [3.0, 2.0]), "held out": ([0, 100], [4.0, 2.5])}
    assert axes.get_xlabel() == "step"


def test_nothing_to_draw(tmp_path):
    with pytest.raises(InputError, match="empty"):
        plot_curves({}, tmp_path / "curves.png")


def test_the_log_that_keras_writes(tmp_path):
    """Keras' own CSVLogger writes what its own history says."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    inputs = np.random.default_rng(0).normal(size=(8, 2))
    history = model.fit(
        inputs, inputs[:, :1], validation_data=(inputs, inputs[:, 1:]), epochs=3, verbose=0, callbacks=[logger]
    )
    log = read_csv_log(tmp_path / "log.csv")
    assert log.keys() == history.history.keys() == {"loss", "val_loss"}
    for name, values in log.items():
        assert values == pytest.approx(history.history[name])


def test_logs_that_lack_values_or_are_none(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,val_loss\n0,0.5,NA\n1,0.25,0.5\n")
    log = read_csv_log(tmp_path / "log.csv")
    assert log["loss"] == [0.5, 0.25]
    assert math.isnan(log["val_loss"][0])
    (tmp_path / "other.csv").write_text("text,label\na,b\n")
    with pytest.raises(InputError, match=r"other.csv: not a log"):
        read_csv_log(tmp_path / "other.csv")
    (tmp_path / "short.csv").write_text("epoch,loss,val_loss\n0,0.5\n")
    with pytest.raises(InputError, match=r"short.csv: not a log"):
        read_csv_log(tmp_path / "short.csv")
    with pytest.raises(InputError, match=r"none.csv: cannot be read"):
        read_csv_log(tmp_path / "none.csv")


def test_names_of_classes_are_no_formulas(tmp_path):
    """A metric of a class has its name; half a formula stopped a finished run."""
    plot_curves({r"f1_$\frac{$": [0.1, 0.2], "f1_a$b$\x1b[31m\u202e": [0.1, 0.2]}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
