"""A callback that scores held-out rows after every epoch."""

from collections.abc import Callable, Mapping
from typing import Any

import keras


class EvaluateRows(keras.callbacks.Callback):
    """Puts the scores of a function into the logs of each epoch, so that later callbacks see them.

    Keras' own validation reports means over batches; F1, Matthews' and the correlations are not means, they
    need all rows at once.

    Args:
        evaluate: Called after each epoch; returns name → value.
        prefix: Put before each name.

    Example:
        >>> callback = EvaluateRows(lambda: {"f1": 0.9})
        >>> logs = {}
        >>> callback.on_epoch_end(0, logs)
        >>> logs
        {'val_f1': 0.9}
    """

    def __init__(self, evaluate: Callable[[], Mapping[str, float]], prefix: str = "val_") -> None:
        super().__init__()
        self.evaluate = evaluate
        self.prefix = prefix

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Evaluates and adds the scores to `logs`."""
        if logs is not None:
            logs.update({self.prefix + name: value for name, value in self.evaluate().items()})
