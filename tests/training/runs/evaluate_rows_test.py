"""Scores of `EvaluateRows` are in the logs that later callbacks, and the history, see."""

import keras
import numpy as np

from keras_bert.training import EvaluateRows, SaveBest


def test_later_callbacks_and_the_history_see_the_scores():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    scores = iter([0.2, 0.9, 0.5])
    saved = []
    callbacks = [EvaluateRows(lambda: {"f1": next(scores)}), SaveBest(lambda: saved.append(1), "val_f1")]
    x = np.ones((4, 1), "float32")
    history = model.fit(x, x, epochs=3, callbacks=callbacks, verbose=0)
    assert history.history["val_f1"] == [0.2, 0.9, 0.5]
    assert (callbacks[1].best, callbacks[1].best_epoch, len(saved)) == (0.9, 2, 2)


def test_the_prefix_is_the_callers():
    logs = {"loss": 1.0}
    EvaluateRows(lambda: {"f1": 0.5, "accuracy": 0.25}, prefix="test_").on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "test_f1": 0.5, "test_accuracy": 0.25}
