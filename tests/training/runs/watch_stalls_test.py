"""A stalled pipeline is reported, once, with the step; a run that goes on is not."""

import gc
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_bert.training import RunState, WatchStalls


def fit(folder: Path, seconds: float, stall: Callable[[WatchStalls], None]) -> WatchStalls:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def rows() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for index in range(6):
            if index == 4:
                stall(watch)
            yield np.ones((2, 4)), np.ones((2, 1))

    specs = (tf.TensorSpec([2, 4], tf.float64), tf.TensorSpec([2, 1], tf.float64))
    state = RunState(folder, every_steps=0)
    watch = WatchStalls(state, seconds)
    batches = tf.data.Dataset.from_generator(rows, output_signature=specs)
    model.fit(batches, verbose=0, shuffle=False, callbacks=[state, watch])
    assert watch._thread is None
    return watch


def test_a_stalled_pipeline_is_reported(tmp_path: Path, caplog):
    """The data stalls until it is: however busy the machine is, that is once."""

    def stall(watch: WatchStalls) -> None:
        end = time.monotonic() + 60
        while not watch.warned and time.monotonic() < end:
            time.sleep(0.05)

    with caplog.at_level(logging.WARNING, logger="absl"):
        assert fit(tmp_path, 2.0, stall).warned == [4]
    assert "step 5 has taken more than 2 s: no batch comes from the data" in caplog.text


def test_a_run_that_goes_on_is_not(tmp_path: Path):
    assert fit(tmp_path, 60.0, lambda watch: None).warned == []


def test_it_ends_with_a_fit_that_failed(tmp_path: Path):
    """Nobody tells it then; as soon as nothing else knows of it, it is gone."""
    watch = WatchStalls(RunState(tmp_path), 0.2)
    watch.on_train_begin()
    thread = watch._thread
    assert thread.is_alive()
    del watch
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
