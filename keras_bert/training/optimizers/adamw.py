"""Adam with decoupled weight decay, in one pass over memory."""

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
class AdamW(AdamBase):
    """Adam with decoupled weight decay that spares biases and norms, and a rate for each part of a model.

    `m = m + (1 - b1)(g - m)`, `v = v + (1 - b2)(g² - v)`,
    `w = w - lr (sqrt(1 - b2^t) / (1 - b1^t) · m / (sqrt(v) + epsilon) + weight_decay · w)`.

    On TensorFlow a step with clipping and decay is one pass over each large variable and its moments;
    `keras.optimizers.AdamW` makes some ten, which for a small BERT at real text lengths is most of the training step.

    Its arguments, attributes and errors are those of `AdamBase`: `learning_rate` (1e-4), `decay` (0.01, decoupled),
    `no_decay`, `multipliers`, `beta_1`, `beta_2`, `epsilon`, `skip_nonfinite`, and Keras' own.

    Example:
        >>> optimizer = AdamW(1e-4, decay=0.01, multipliers={"embeddings": 0.1}, global_clipnorm=1.0)

    References:
        Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2; which variables decay:
        google-research/bert, optimization.py, `create_optimizer`.
    """

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        super().build(variables)
        if keras.config.backend() == "tensorflow":
            # Its own, since a compiled function works as long as the variables that it was made with.
            self._compiled = types.SimpleNamespace(adam=in_one_pass(_adam))

    def update(self, variable: Any, gradient: Any, learning_rate: Any, numbers: Numbers, clipping: Any = None) -> None:
        """Applies one gradient, times the factor that clips it, to one variable and its moments."""
        index = self._get_variable_index(variable)
        first, second = self.first_moments[index], self.second_moments[index]
        beta_1, beta_2, epsilon, beta_1_power, beta_2_power = numbers
        rate = ops.cast(learning_rate * self._of_variables.factors[index], variable.dtype)
        decay = self._decay_of(index)
        keep = 1 - rate * decay
        clipping = None if clipping is None else ops.cast(clipping, variable.dtype)
        if keras.config.backend() == "tensorflow" and not pays(variable):
            if decay:
                self.assign(variable, variable * keep)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.value.handle,
                v=second.value.handle,
                beta1_power=beta_1_power,
                beta2_power=beta_2_power,
                lr=rate,
                beta1=beta_1,
                beta2=beta_2,
                epsilon=epsilon,
                grad=gradient if clipping is None else gradient * clipping,
            )
            return
        rate = rate * ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        values = (1.0 if clipping is None else clipping, keep, rate, beta_1, beta_2, epsilon)
        tensors = tuple(ops.convert_to_tensor(value, variable.dtype) for value in values)
        if keras.config.backend() == "tensorflow":
            self._compiled.adam([variable, first.value, second.value], gradient, *tensors)
            return
        value, first_value, second_value = _adam(variable, first, second, gradient, *tensors)
        self.assign(first, first_value)
        self.assign(second, second_value)
        self.assign(variable, value)


def _adam(
    value: Any,
    first: Any,
    second: Any,
    gradient: Any,
    clipping: Any,
    keep: Any,
    rate: Any,
    beta_1: Any,
    beta_2: Any,
    epsilon: Any,
) -> tuple[Any, Any, Any]:
    """Returns a variable and its moments after a step."""
    first, second = moments(first, second, gradient * clipping, beta_1, beta_2)
    return value * keep - rate * first / (ops.sqrt(second) + epsilon), first, second
