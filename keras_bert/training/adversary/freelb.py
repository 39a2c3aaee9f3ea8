"""Several steps up the loss, each of which trains the weights as well."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.gradients import weighted_sum
from keras_bert.training.adversary.shift import direction, uniform, within


@dataclasses.dataclass(frozen=True)
class FreeLb(Adversary):
    """FreeLB: the mean of the loss, and of its gradient, over the shifts on a way of K steps up the loss.

    The way begins at a random shift: uniform numbers from -1 to 1, times init / √(tokens · hidden size). Each step
    adds `step_size · g / ‖g‖`, where g is the gradient by the word vectors of one example, padding left out, and goes
    back to ‖shift‖ <= epsilon. The dropout masks stay the same on the whole way. A step of training takes K passes.

    The paper's settings (step size, K, init, epsilon): SST-2 0.1, 2, 1, 0.6; MRPC 0.04, 3, 0.64, 0.4; CoLA 0.05, 3,
    0.4, 0.3; MNLI 0.1, 2, 0.1, 0.3, in the code that came with it.

    Args:
        epsilon: Longest shift of an example, a Euclidean norm over its tokens and their numbers.
        step_size: Length of a step.
        steps: K.
        init: Size of the shift at the beginning; 0 begins at the words.
        seed: Of the beginnings.

    Example:
        >>> FreeLb(epsilon=0.4, init=0.64).steps  # of MRPC
        2

    References:
        Zhu et al. 2019, arXiv:1909.11764, algorithm 1; dropout: section 3.3.
    """

    name: ClassVar[str] = "freelb"

    epsilon: float = 0.6
    step_size: float = 0.1
    steps: int = 2
    init: float = 1.0
    seed: int = 0

    def step(self, part: BatchPart) -> Trained:
        """See `Adversary`; the outputs are those at the first shift."""
        shift = self._beginning(part)
        loss, outputs, gradients, slope = part.passed(shift)
        for _ in range(1, self.steps):
            shift = tf.stop_gradient(within(shift + self.step_size * direction(slope), self.epsilon))
            next_loss, _, more, slope = part.passed(shift)
            loss, gradients = loss + next_loss, weighted_sum(gradients, more, 1.0, 1.0)
        share = 1.0 / self.steps
        return Trained(loss * share, outputs, weighted_sum(gradients, [None] * len(gradients), share, 0.0))

    def _beginning(self, part: BatchPart) -> tf.Tensor:
        if not self.init:
            return tf.zeros(part.shape())
        mask = part.mask()
        count = tf.reduce_sum(mask, list(range(1, mask.shape.rank)), keepdims=True) * part.hidden_size
        return uniform(part.numbers, part.shape(), self.seed) * mask * self.init * tf.math.rsqrt(tf.maximum(count, 1.0))
