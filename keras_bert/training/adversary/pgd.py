"""Several steps up the loss, and training on where they end, half and half with the clean words."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.gradients import weighted_sum
from keras_bert.training.adversary.shift import direction, within


@dataclasses.dataclass(frozen=True)
class Pgd(Adversary):
    """Projected gradient descent: the mean of the loss at the words and at a shift that was sought in several steps.

    The shift begins at 0. A step adds `step_size · g / ‖g‖`, where g is the gradient of the loss by the word vectors
    of one example, padding left out, and goes back to ‖shift‖ <= epsilon. A step of training takes `steps` + 1 passes,
    of which the weights' gradient is taken in two.

    Args:
        epsilon: Longest shift of an example, a Euclidean norm over its tokens and their numbers.
        step_size: Length of a step.
        steps: How many.

    Example:
        >>> Pgd(epsilon=0.2).steps
        3

    References:
        Madry et al. 2017, arXiv:1706.06083, section 2.1; on word vectors as in Miyato et al. 2016, arXiv:1605.07725.
    """

    name: ClassVar[str] = "pgd"

    epsilon: float = 0.1
    step_size: float = 0.05
    steps: int = 3

    def step(self, part: BatchPart) -> Trained:
        """See `Adversary`; the outputs are those of the clean words."""
        shift = tf.zeros(part.shape())
        loss, outputs, gradients, slope = part.passed(shift)
        for number in range(self.steps):
            slope = part.slope(shift) if number else slope
            shift = within(shift + self.step_size * direction(slope), self.epsilon)
        shifted_loss, _, more, _ = part.passed(tf.stop_gradient(shift))
        return Trained((loss + shifted_loss) / 2, outputs, weighted_sum(gradients, more, 0.5, 0.5))
