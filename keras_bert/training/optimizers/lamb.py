"""LAMB: Adam whose step is scaled, variable by variable, to the size of the weights, for very large batches."""

import types
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.training.optimizers.adam_base import AdamBase, Numbers, moments
from keras_bert.training.optimizers.one_pass import in_one_pass, pays

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_bert")
class Lamb(AdamBase):
    """LAMB, for pre-training with batches of thousands of rows.

    `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²`,
    `r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + decay · w`,
    `w = w - lr · ‖w‖ / ‖r‖ · r`.

    Biases and the scales of norms neither decay nor have their step scaled; where `‖w‖` or `‖r‖` is 0 the factor is 1.

    Its arguments, attributes and errors are those of `AdamBase`: `learning_rate` (2e-3), `decay` (0.01, inside the step
    whose norm is taken), `no_decay` (variables that neither decay nor have their step scaled), `multipliers`, `beta_1`,
    `beta_2`, `epsilon`, `skip_nonfinite`, and Keras' own. What `exclude_from_weight_decay` names does not decay either,
    but has its step scaled.

    Example:
        >>> optimizer = Lamb(2e-3, decay=0.01, global_clipnorm=1.0)

    References:
        You et al. 2019, arXiv:1904.00962, algorithm 2 with φ the identity; what is excluded: their BERT code,
        tensorflow/addons, optimizers/lamb.py, and google-research/albert, lamb_optimizer.py.
    """

    def __init__(self, learning_rate: Any = 2e-3, *arguments: Any, **options: Any) -> None:
        super().__init__(learning_rate, *arguments, **options)

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        if keras.config.backend() == "tensorflow":
            go = in_one_pass(lambda value, update, rate: (value - rate * update,))
            self._compiled = types.SimpleNamespace(direction=in_one_pass(_direction), go=go)

    def update(self, variable: Any, gradient: Any, learning_rate: Any, numbers: Numbers, clipping: Any = None) -> None:
        """Applies one gradient, times the factor that clips it, to one variable and its moments."""
        index = self._get_variable_index(variable)
        first, second = self.first_moments[index], self.second_moments[index]
        beta_1, beta_2, epsilon, beta_1_power, beta_2_power = numbers
        corrections = 1 - beta_1_power, 1 - beta_2_power
        values = (1.0 if clipping is None else clipping, self._decay_of(index), beta_1, beta_2, *corrections, epsilon)
        tensors = tuple(ops.cast(value, variable.dtype) for value in values)
        compiles = pays(variable)
        if compiles:
            (update,) = self._compiled.direction([first.value, second.value], variable, gradient, *tensors)
        else:
            first_value, second_value, update = _direction(first, second, variable, gradient, *tensors)
            self.assign(first, first_value)
            self.assign(second, second_value)
        rate = ops.cast(learning_rate * self._of_variables.factors[index], variable.dtype)
        if not self._of_variables.is_spared[index]:
            weight_norm, update_norm = _norm(variable), _norm(update)
            known = ops.logical_and(weight_norm > 0, update_norm > 0)
            rate = rate * ops.where(known, weight_norm / ops.where(known, update_norm, 1.0), 1.0)
        if compiles:
            self._compiled.go([variable], update, rate)
        else:
            self.assign_sub(variable, rate * update)


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
