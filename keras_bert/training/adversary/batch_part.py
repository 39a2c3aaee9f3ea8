"""A part of a batch, and what an adversary may do with it: all that it knows of a model."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.training.adversary.gradients import Gradients


@dataclasses.dataclass(frozen=True)
class BatchPart:
    """What a model gives to an adversary: rows, and functions of them.

    Attributes:
        inputs: The model's, of N rows; among them `token_ids` and `padding_mask`, int32 (N, ..., tokens).
        hidden_size: Numbers of a word vector.
        numbers: int64 (N,), a number for each row that no other row of this step has, nor any of another step.
        variables: What is trained.
        forward: From inputs, a shift of the word vectors, float (N, ..., tokens, hidden size), or None, and numbers of
            the rows, which the dropout masks then follow from, or None, to the model's outputs in training.
        loss: From outputs to this part of the loss, a float scalar.
        divergence: From two outputs to this part of the mean of `divergence_values`, a float scalar.
        scaled: Multiplies a loss as the optimizer wants it, for gradients in half precision.
    """

    inputs: Mapping[str, Any]
    hidden_size: int
    numbers: Any
    variables: Sequence[Any]
    forward: Callable[[Any, Any, Any], Any]
    loss: Callable[[Any], Any]
    divergence: Callable[[Any, Any], Any]
    scaled: Callable[[Any], Any]

    def mask(self) -> Any:
        """Returns 1 for tokens and 0 for padding: float32 (N, ..., tokens, 1)."""
        return tf.cast(self.inputs["padding_mask"] > 0, tf.float32)[..., None]

    def shape(self) -> Any:
        """Returns the shape of a shift, int32: N, ..., tokens, hidden size."""
        return tf.concat([tf.shape(self.inputs["padding_mask"]), [self.hidden_size]], 0)

    def passed(self, shift: Any) -> tuple[Any, Any, Gradients, Any]:
        """Goes forward and backward with a shift.

        The dropout masks are those of the rows' numbers, so that they are the same in each pass of a step.

        Returns:
            The loss; the outputs; the gradients of the variables, scaled; the gradient of the shift, scaled, 0 at
            padding.
        """
        with tf.GradientTape() as tape:
            tape.watch(shift)
            outputs = self.forward(self.inputs, shift, self.numbers)
            loss = self.loss(outputs)
            scaled = self.scaled(loss)
        *gradients, slope = tape.gradient(scaled, [*self.variables, shift])
        return loss, outputs, gradients, slope * self.mask()

    def slope(self, shift: Any) -> Any:
        """Gives the gradient of the loss by the shift alone, scaled, 0 at padding."""
        with tf.GradientTape() as tape:
            tape.watch(shift)
            scaled = self.scaled(self.loss(self.forward(self.inputs, shift, self.numbers)))
        return tape.gradient(scaled, shift) * self.mask()
