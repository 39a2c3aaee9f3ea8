"""Where the time of a training step goes: waiting for input, forward pass, backward pass, update."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import graph_function


@dataclasses.dataclass(frozen=True)
class StepProfile:
    """The parts of a step, in milliseconds; as text, a table of them.

    Attributes:
        waiting: Until the next batch is there, while the input pipeline works beside the steps.
        forward: The model and its loss, as in training.
        backward: The gradients; with gradient checkpointing, the blocks' second forward pass as well, with an adversary
            its other passes, too.
        update: The rest: clipping, the optimizer, the metrics.
        steps: Batches that these are the medians of.

    Example:
        >>> print(StepProfile(waiting=0.5, forward=30.0, backward=60.0, update=9.5, steps=20))
        waiting for input      0.5 ms    0.5 %
        forward               30.0 ms   30.0 %
        backward              60.0 ms   60.0 %
        update                 9.5 ms    9.5 %
        a step               100.0 ms, medians of 20 steps
    """

    waiting: float
    forward: float
    backward: float
    update: float
    steps: int

    def __str__(self) -> str:
        parts = {
            "waiting for input": self.waiting,
            "forward": self.forward,
            "backward": self.backward,
            "update": self.update,
        }
        total = sum(parts.values())
        lines = [f"{name:18}{part:8.1f} ms  {100 * part / total:5.1f} %" for name, part in parts.items()]
        return "\n".join([*lines, f"{'a step':18}{total:8.1f} ms, medians of {self.steps} steps"])


def profile_step(model: keras.Model, batches: tf.data.Dataset, steps: int = 20, warm_up: int = 3) -> StepProfile:
    """Trains some steps, and measures them and their parts.

    First whole steps, one after the other as in `fit`, with the time that each waits for its batch. Then on the same
    batches, in turn, the forward pass alone, both passes, and the whole step again; the backward pass and the update
    are what one takes longer than the one before, batch by batch.

    Args:
        model: Compiled. Its weights and its optimizer are those of so many steps more afterwards.
        batches: What it would be fitted to; begun again where it ends.
        steps: Steps to measure.
        warm_up: Steps before them, for what is only done once, such as filling a shuffle buffer.

    Raises:
        InputError: The model trains on several replicas, or there is no batch.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> batches = tf.data.Dataset.from_tensors((tf.ones((8, 4)), tf.ones((8, 1))))
        >>> profile_step(model, batches, steps=2).steps
        2
    """
    if model.distribute_strategy.num_replicas_in_sync > 1:
        raise InputError("the profile of a step is that of one device; leave the distribution strategy out")
    if not int(batches.cardinality()):
        raise InputError("there is no batch to profile a step with")
    forward, both, whole = _functions(model, batches.element_spec)
    kept, waiting = [], []
    iterator = iter(batches.repeat())
    for index in range(warm_up + steps):
        seconds, batch = _timed(lambda: next(iterator))
        if not index:
            model.train_on_batch(*batch)  # builds the metrics and the optimizer
        whole(batch)
        kept.append(batch)
        waiting.append(seconds)
    times = [[_timed(function, batch)[0] for function in (forward, both, whole)] for batch in kept]
    parts = [
        (wait, first, max(second - first, 0.0), max(third - second, 0.0))
        for wait, (first, second, third) in zip(waiting, times, strict=True)
    ]
    waited, first, second, third = (1e3 * statistics.median(part) for part in zip(*parts[warm_up:], strict=True))
    return StepProfile(waited, forward=first, backward=second, update=third, steps=steps)


def _functions(model: keras.Model, spec: Any) -> list[Callable[[Any], Any]]:
    """Makes the forward pass, both passes and the whole step, compiled as `fit` compiles the step."""

    def forward(batch: Any) -> Any:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        return model.compute_loss(x, y, model(x, training=True), sample_weight, training=True)

    def both(batch: Any) -> Any:
        # All of it an output, so that none of it is left out.
        if hasattr(model, "loss_and_gradients"):
            return model.loss_and_gradients(batch)
        with tf.GradientTape() as tape:
            loss = model.optimizer.scale_loss(forward(batch))
        return loss, tape.gradient(loss, model.trainable_variables)

    # With the shapes of the specification, not those of each batch, which would be compiled anew.
    options = {"input_signature": (spec,), "jit_compile": bool(model.jit_compile)}
    return [graph_function(function, **options) for function in (forward, both, model.train_step)]


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Returns the seconds that a call takes until all devices are done, and what it gives."""
    began = time.perf_counter()
    result = function(*arguments)
    tf.test.experimental.sync_devices()
    return time.perf_counter() - began, result
