"""Smoothness: outputs that change little where words are moved to change them most."""

import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.shift import largest, normal


@dataclasses.dataclass(frozen=True)
class Smart(Adversary):
    """SMART's regularizer: the loss, and `weight` times the divergence of the outputs from those at a shift.

    The divergence is symmetric: KL both ways of classes, the squared distance of numbers. The shift begins at normal
    noise; each step adds `step_size · g / max |g|`, where g is the divergence's gradient by the word vectors of one
    example, padding left out. No label is needed for it. The dropout masks are those of the clean pass, so that the
    shift alone makes the difference. A step of training takes `steps` + 2 passes. The other half of the paper, a
    proximal point by a moving average of the weights, is not in it.

    Args:
        weight: λ of the paper, which tries 1, 3, 5 and 10.
        step_size: Length of a step, in the maximum norm.
        steps: How many.
        noise: Standard deviation of the shift at the beginning.
        seed: Of the noise.

    Example:
        >>> Smart(weight=3.0).weight
        3.0

    References:
        Jiang et al. 2020, arXiv:1911.03437, section 3.1, algorithm 1, settings of section 4.
    """

    name: ClassVar[str] = "smart"
    compares_outputs: ClassVar[bool] = True
    needs_float32: ClassVar[bool] = True

    weight: float = 1.0
    step_size: float = 1e-3
    steps: int = 1
    noise: float = 1e-5
    seed: int = 0

    def step(self, part: BatchPart) -> Trained:
        """See `Adversary`; the outputs are those of the clean words."""
        with tf.GradientTape() as tape:
            outputs = part.forward(part.inputs, None, part.numbers)
            with tape.stop_recording():
                shift = self._away_from(outputs, part)
            shifted = part.forward(part.inputs, shift, part.numbers)
            loss = part.loss(outputs)
            loss = loss + self.weight * tf.cast(part.divergence(outputs, shifted), loss.dtype)
            scaled = part.scaled(loss)
        return Trained(loss, outputs, tape.gradient(scaled, part.variables))

    def _away_from(self, outputs: Any, part: BatchPart) -> tf.Tensor:
        """Seeks a shift that moves the outputs away from those of the clean words."""
        mask = part.mask()
        shift = self.noise * normal(part.numbers, part.shape(), self.seed) * mask
        for _ in range(self.steps):
            with tf.GradientTape() as tape:
                tape.watch(shift)
                distance = part.divergence(outputs, part.forward(part.inputs, shift, part.numbers))
            slope = tape.gradient(distance, shift) * mask
            shift = tf.stop_gradient(shift + self.step_size * tf.math.divide_no_nan(slope, largest(slope)))
        return shift
