"""A model whose passes can be computed by hand: the sum over the tokens of w · (x + shift), against squared errors."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.training.adversary.batch_part import BatchPart

W = np.array([1.0, -2.0, 2.0], "float32")  # of norm 3
X = np.array([[[1.0, 0, 0], [0, 1, 0]], [[0.5, 0, 0], [9, 9, 9]], [[0, 0, 0.1], [0, 0, 0.1]]], "float32")
MASK = np.array([[1, 1], [1, 0], [1, 1]], "int32")
Y = np.array([0.0, 1.0, 0.0], "float32")
LENGTHS = MASK.sum(axis=1)
CLEAN = (X * MASK[..., None]).sum(axis=1) @ W
SIGN = np.sign(CLEAN - Y)


def loss_of(outputs: np.ndarray) -> float:
    return float(np.mean(np.square(outputs - Y)))


def at_distance(distance: float) -> np.ndarray:
    """The outputs where each example went so far up its loss: each of n tokens has a share 1/√n of the way."""
    return CLEAN + SIGN * distance * 3.0 * np.sqrt(LENGTHS)


class Recorder:
    """Makes the part, and keeps the shifts and the numbers of its passes."""

    def __init__(self, of_numbers: Any = None) -> None:
        self.weight = tf.Variable(W)
        self.unused = tf.Variable(1.0)
        self.shifts: list[np.ndarray] = []
        self.numbers: list[Any] = []
        self.of_numbers = of_numbers
        self.part = BatchPart(
            inputs={"x": tf.constant(X), "padding_mask": tf.constant(MASK)},
            hidden_size=3,
            numbers=tf.constant([4, 5, 6], tf.int64),
            variables=[self.weight, self.unused],
            forward=self.forward,
            loss=lambda outputs: tf.reduce_mean(tf.square(outputs - Y)),
            divergence=lambda first, second: tf.reduce_mean(tf.square(first - second)),
            scaled=lambda loss: 8.0 * loss,
        )

    def forward(self, inputs: Any, shift: Any, numbers: Any) -> Any:
        words = inputs["x"] if shift is None else inputs["x"] + shift
        self.shifts.append(None if shift is None else shift.numpy())
        self.numbers.append(numbers.numpy().tolist())
        words = words * tf.cast(inputs["padding_mask"], tf.float32)[..., None]
        outputs = tf.linalg.matvec(tf.reduce_sum(words, 1), self.weight)
        return outputs if self.of_numbers is None else outputs + self.of_numbers(numbers)

    def gradient(self, shift: np.ndarray) -> np.ndarray:
        """The gradient of the weight at a shift, scaled."""
        words = ((X + shift) * MASK[..., None]).sum(axis=1)
        return 8.0 * 2.0 * (words @ W - Y) @ words / 3
