"""Two dropout masks for each row, whose outputs are to agree."""

import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart


@dataclasses.dataclass(frozen=True)
class RDrop(Adversary):
    """R-Drop: ½ (loss₁ + loss₂) + weight · ½ (KL₁₂ + KL₂₁) of two forward passes with other dropout masks.

    Both are one pass over doubled rows. All are means over the rows of the whole batch: the paper's code for BERT sums
    the divergence and averages the rest, so that its weight grows with the batch, and its formula adds the two losses,
    so that its α is twice this weight.

    Args:
        weight: Of the divergence.

    Example:
        >>> RDrop(weight=0.5).weight
        0.5

    References:
        Wu et al. 2021, arXiv:2106.14448, section 2, formulas 2 to 4.
    """

    name: ClassVar[str] = "rdrop"
    compares_outputs: ClassVar[bool] = True

    weight: float = 1.0

    def step(self, part: BatchPart) -> Trained:
        """See `Adversary`; the outputs are those of the first masks."""

        def half(outputs: Any, number: int) -> Any:
            return tf.nest.map_structure(lambda tensor: tf.split(tensor, 2)[number], outputs)

        doubled = tf.nest.map_structure(lambda tensor: tf.concat([tensor, tensor], 0), part.inputs)
        numbers = tf.concat([2 * part.numbers, 2 * part.numbers + 1], 0)
        with tf.GradientTape() as tape:
            outputs = part.forward(doubled, None, numbers)
            first, second = half(outputs, 0), half(outputs, 1)
            loss = (part.loss(first) + part.loss(second)) / 2
            loss = loss + self.weight / 2 * tf.cast(part.divergence(first, second), loss.dtype)
            scaled = part.scaled(loss)
        return Trained(loss, first, tape.gradient(scaled, part.variables))
