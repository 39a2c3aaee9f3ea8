"""A callback that says so when a run hangs."""

import threading
import time
import weakref

import keras
from absl import logging

from keras_bert.training.runs.run_state import RunState


class WatchStalls(keras.callbacks.Callback):
    """Warns when no step has ended for a while: an input pipeline that gives no batch, or a worker that waits.

    The first step of a `fit`, which may have to be compiled, may take ten times as long. One warning for each stall.

    Args:
        state: Where the run is, for the message.
        seconds: How long a step may take, waiting for its batch included.

    Attributes:
        warned: Steps after which it warned.

    Example:
        >>> model.fit(batches, callbacks=[state, WatchStalls(state, 300)])  # doctest: +SKIP
    """

    def __init__(self, state: RunState, seconds: float = 300.0) -> None:
        super().__init__()
        self.state = state
        self.seconds = seconds
        self.warned: list[int] = []
        self._deadline = float("inf")
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Starts to watch."""
        self._deadline = time.monotonic() + 10 * self.seconds
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=_watch, args=(weakref.ref(self), self._over), name="watch-stalls", daemon=True
        )
        self._thread.start()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A step begins; before it, callbacks may have taken their time."""
        if batch:
            self._deadline = time.monotonic() + self.seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A step has ended; what other callbacks do now is not watched."""
        self._deadline = float("inf")

    def on_train_end(self, logs: dict | None = None) -> None:
        """Watches no longer."""
        self.stop()

    def stop(self) -> None:
        """Watches no longer; after an exception in `fit`."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Warns if the step has taken too long."""
        if time.monotonic() <= self._deadline:
            return
        self._deadline = float("inf")
        done = self.state.place["steps"]
        self.warned.append(done)
        logging.warning(
            "step %d has taken more than %g s: no batch comes from the data, or the devices wait for each other; the "
            "run goes on as soon as they do",
            done + 1,
            self.seconds,
        )


def _watch(watch: "weakref.ref[WatchStalls]", over: threading.Event) -> None:
    """Looks every now and then, as long as there is something to look for: a `fit` that failed does not say so."""
    while (stalls := watch()) is not None:
        wait = min(1.0, stalls.seconds / 4)
        stalls.look()
        del stalls
        if over.wait(wait):
            return
