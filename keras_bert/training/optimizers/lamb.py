"""LAMB: Adam whose step is scaled, variable by variable, to the size of the weights, for very large batches."""

import types
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.training.optimizers.adamw import AdamW, moments
from keras_bert.training.optimizers.one_pass import in_one_pass, pays

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

    def _update(self, variable: Any, gradient: Any, learning_rate: Any, clipping: Any = None) -> None:
        """Applies one gradient, times the factor that clips it, to one variable."""
        index = self._get_variable_index(variable)
        first, second = self.first_moments[index], self.second_moments[index]
        beta_1, beta_2, epsilon, beta_1_power, beta_2_power = self._numbers(variable.dtype)
        decay = self._decays[index] if self._adapts[index] else 0.0
        corrections = 1 - beta_1_power, 1 - beta_2_power
        numbers = (1.0 if clipping is None else clipping, decay, beta_1, beta_2, *corrections, epsilon)
        numbers = tuple(ops.cast(number, variable.dtype) for number in numbers)
        gradient = ops.cast(gradient, variable.dtype)
        compiles = pays(variable)
        if compiles:
            (update,) = self._compiled.direction([first.value, second.value], variable, gradient, *numbers)
        else:
            first_value, second_value, update = _direction(first, second, variable, gradient, *numbers)
            self.assign(first, first_value)
            self.assign(second, second_value)
        rate = ops.cast(learning_rate * self._factors[index], variable.dtype)
        if self._adapts[index]:
            weight_norm, update_norm = _norm(variable), _norm(update)
            known = ops.logical_and(weight_norm > 0, update_norm > 0)
            rate = rate * ops.where(known, weight_norm / ops.where(known, update_norm, 1.0), 1.0)
        if compiles:
            self._compiled.go([variable], update, rate)
        else:
            self.assign_sub(variable, rate * update)

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        if keras.config.backend() == "tensorflow":
            go = in_one_pass(lambda value, update, rate: (value - rate * update,))
            self._compiled = types.SimpleNamespace(direction=in_one_pass(_direction), go=go)
        self._adapts = [variable.path.split("/")[-1] not in self.no_decay for variable in variables]


def _direction(
    first: Any,
    second: Any,
    value: Any,
    gradient: Any,
    clipping: Any,
    decay: Any,
    beta_1: Any,
    beta_2: Any,
    first_correction: Any,
    second_correction: Any,
    epsilon: Any,
) -> tuple[Any, Any, Any]:
    """Returns the moments after a step, and the step before it is scaled."""
    first, second = moments(first, second, gradient * clipping, beta_1, beta_2)
    update = first / first_correction / (ops.sqrt(second / second_correction) + epsilon) + decay * value
    return first, second, update


def _norm(values: Any) -> Any:
    if keras.config.backend() == "tensorflow":
        return tf.sqrt(2 * tf.nn.l2_loss(values))  # without a copy of the squares
    return ops.norm(ops.reshape(values, (-1,)))
