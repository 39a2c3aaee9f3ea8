"""LAMB: Adam whose step is scaled, variable by variable, to the size of the weights, for very large batches."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.training.adamw import AdamW

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_bert")
class Lamb(AdamW):
    """LAMB, for pre-training with batches of thousands of rows.

    `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²`,
    `r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + decay · w`,
    `w = w - lr · ‖w‖ / ‖r‖ · r`.

    Biases and the scales of norms neither decay nor have their step scaled; where `‖w‖` or `‖r‖` is 0 the factor is 1.

    Args:
        learning_rate: A float or a `LearningRateSchedule`.
        decay: Weight decay rate, inside the step whose norm is taken.
        no_decay: Last parts of the paths of variables that neither decay nor have their step scaled.
        multipliers: Part of a variable's path → factor on its learning rate; variables not named have 1.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        skip_nonfinite: Leave out a step whose gradient holds a nan or an infinity, as `AdamW` does.
        **kwargs: Those of `keras.optimizers.Optimizer`, such as `global_clipnorm`.

    Raises:
        InputError: When built for variables in half precision.

    Example:
        >>> optimizer = Lamb(2e-3, decay=0.01, global_clipnorm=1.0)

    References:
        You et al. 2019, arXiv:1904.00962, algorithm 2 with φ the identity; what is excluded: their BERT code,
        tensorflow/addons, optimizers/lamb.py, and google-research/albert, lamb_optimizer.py.
    """

    def __init__(
        self,
        learning_rate: Any = 2e-3,
        decay: float = 0.01,
        no_decay: Sequence[str] = ("bias", "gamma", "beta"),
        multipliers: Mapping[str, float] | None = None,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        skip_nonfinite: bool = False,
        name: str = "lamb",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate, decay, no_decay, multipliers, beta_1, beta_2, epsilon, skip_nonfinite, name, **kwargs
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one gradient to one variable."""
        index = self._get_variable_index(variable)
        first, second = self.first_moments[index], self.second_moments[index]
        if keras.config.backend() == "tensorflow":
            gradient = tf.convert_to_tensor(gradient)  # sparse rows as a dense gradient
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        new_first = first + (gradient - first) * (1 - self.beta_1)
        new_second = second + (ops.square(gradient) - second) * (1 - self.beta_2)
        self.assign(first, new_first)
        self.assign(second, new_second)
        first_mean = new_first / (1 - ops.power(ops.cast(self.beta_1, variable.dtype), step))
        second_mean = new_second / (1 - ops.power(ops.cast(self.beta_2, variable.dtype), step))
        update = first_mean / (ops.sqrt(second_mean) + self.epsilon)
        rate = ops.cast(learning_rate * self._factors[index], variable.dtype)
        if self._adapts[index]:
            update = update + self._decays[index] * variable
            weight_norm, update_norm = ops.norm(ops.reshape(variable, (-1,))), ops.norm(ops.reshape(update, (-1,)))
            known = ops.logical_and(weight_norm > 0, update_norm > 0)
            rate = rate * ops.where(known, weight_norm / ops.where(known, update_norm, 1.0), 1.0)
        self.assign_sub(variable, rate * update)

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        self._adapts = [variable.path.split("/")[-1] not in self.no_decay for variable in variables]
