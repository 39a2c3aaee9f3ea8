"""The learning rate that BERT is trained with: up in a line, then down in a line."""

import math
from typing import Any

import keras
from keras import ops

from keras_bert.errors import InputError


@keras.saving.register_keras_serializable(package="keras_bert")
class LinearWarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from zero to a peak, then linear decay to zero.

    Args:
        peak_learning_rate: The highest rate, reached after `warmup_steps` steps.
        steps: All steps of the run; the rate is zero from there on.
        warmup_steps: Steps of the warm-up.

    Raises:
        InputError: The rate is negative or no number, `steps` is not positive, or the warm-up is longer than the run.

    Example:
        >>> schedule = LinearWarmupDecay(1e-4, steps=100, warmup_steps=10)
        >>> [round(float(schedule(step)), 7) for step in (0, 5, 10, 55, 100)]
        [0.0, 5e-05, 0.0001, 5e-05, 0.0]

    References:
        transformers, optimization.py, `get_linear_schedule_with_warmup`. In google-research/bert, optimization.py,
        `create_optimizer`, the decay counts from step 0, so that after a warm-up over a tenth of the steps the rate is
        0.9 of the peak.
    """

    def __init__(self, peak_learning_rate: float, steps: int, warmup_steps: int = 0) -> None:
        super().__init__()
        if not 0 <= peak_learning_rate < math.inf:
            raise InputError(f"the learning rate is {peak_learning_rate}; expected 0 or more")
        if steps < 1:
            raise InputError(f"a schedule needs at least one step, received: steps={steps}")
        if not 0 <= warmup_steps <= steps:
            raise InputError(f"warmup_steps={warmup_steps} must lie between 0 and steps={steps}")
        self.peak_learning_rate = peak_learning_rate
        self.steps = steps
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate at a step, a float32 scalar."""
        step = ops.cast(step, "float32")
        rising = step / max(self.warmup_steps, 1)
        falling = (self.steps - step) / max(self.steps - self.warmup_steps, 1)
        share = ops.where(step < self.warmup_steps, rising, falling)
        return self.peak_learning_rate * ops.clip(share, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "peak_learning_rate": self.peak_learning_rate,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
        }
