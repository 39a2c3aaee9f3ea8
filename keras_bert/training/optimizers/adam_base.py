"""What AdamW and LAMB share: their numbers, and the way from gradients to updated variables."""

import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert.arguments import OPTIMIZER_ARGUMENTS, check_arguments
from keras_bert.errors import InputError
from keras_bert.training.optimizers.clipping import clipping_factor, global_norm
from keras_bert.training.optimizers.rates import rate_factors

if keras.config.backend() == "tensorflow":
    import tensorflow as tf

Numbers = tuple[Any, ...]
"""beta_1, beta_2, epsilon, beta_1^t and beta_2^t: scalars, the same for all variables of a dtype in a step."""


class AdamBase(keras.optimizers.Optimizer):
    """An optimizer with Adam's two moments, weight decay that spares biases and norms, and a rate for each part.

    On TensorFlow all gradients go one way, whatever the options: they are summed over the replicas of a distribution
    strategy, scaled back where the loss was scaled, clipped, looked at (`skip_nonfinite`), and applied to every
    replica's copy of each variable; constraints and moving averages come last. Clipping after the sum is what makes N
    replicas step as one: Keras clips each replica's own gradient first (3.15, optimizers/base_optimizer.py,
    `_backend_apply_gradients`), which is another step whenever clipping bites. Elsewhere the way is Keras'.

    Subclasses define `update`.

    Args:
        learning_rate: A float or a `LearningRateSchedule`.
        decay: Weight decay rate; None for 0.01.
        no_decay: Last parts of the paths of variables that do not decay. Those of `exclude_from_weight_decay`, which
            is called before training, do not either.
        multipliers: Part of a variable's path → factor on its learning rate; variables not named have 1.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        skip_nonfinite: Leave out a step whose gradient holds a nan or an infinity, on all replicas alike: weights,
            moments and `iterations` stay as they are. TensorFlow only.
        name: None for the class', in small letters.
        weight_decay: Keras' name for `decay`.
        num_hidden_layers: Blocks of the encoder, where `multipliers` name each of them: a model with more or fewer is
            refused, and the names of frozen ones are not.
        **kwargs: Those of `keras.optimizers.Optimizer`, such as `global_clipnorm`.

    Attributes:
        skipped: With `skip_nonfinite`: steps left out, an int64 variable.
        skipped_in_a_row: Steps left out since the last one that was applied.

    Raises:
        InputError: Two different decay rates; `gradient_accumulation_steps`; `skip_nonfinite` on another backend. When
            built: for variables in half precision, and for names in `multipliers` that are part of no path.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-4,
        decay: float | None = None,
        no_decay: Sequence[str] = ("bias", "gamma", "beta"),
        multipliers: Mapping[str, float] | None = None,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        skip_nonfinite: bool = False,
        name: str | None = None,
        *,
        weight_decay: float | None = None,
        num_hidden_layers: int | None = None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        check_arguments(AdamBase, kwargs, OPTIMIZER_ARGUMENTS, place=kind)
        if decay is not None and weight_decay is not None and decay != weight_decay:
            raise InputError(f"{kind}: decay={decay} and weight_decay={weight_decay} name one number; leave one out")
        if kwargs.get("gradient_accumulation_steps"):
            raise InputError(
                f"{kind} has no gradient_accumulation_steps, which counts each part of a batch as a step; "
                "compile(..., accumulate=N) computes a batch in N parts"
            )
        if skip_nonfinite and keras.config.backend() != "tensorflow":
            raise InputError(f"{kind}: skip_nonfinite needs the backend TensorFlow, not {keras.config.backend()}")
        rate = next((given for given in (decay, weight_decay) if given is not None), 0.01)
        for what, number in (("the weight decay", rate), ("the learning rate", learning_rate)):
            if isinstance(number, int | float) and not 0 <= number < math.inf:
                raise InputError(f"{kind}: {what} is {number}; expected 0 or more")
        name = name or kind.lower()
        super().__init__(learning_rate=learning_rate, weight_decay=rate, name=name, **kwargs)
        self.no_decay = tuple(no_decay)
        self.multipliers = dict(multipliers or {})
        self.num_hidden_layers = num_hidden_layers
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.skip_nonfinite = skip_nonfinite
        # In namespaces, where neither Keras nor a checkpoint looks for something to save.
        self._excluded = types.SimpleNamespace(paths=(), names=())
        self._of_variables = types.SimpleNamespace()

    @property
    def decay(self) -> float:
        """The weight decay rate."""
        return self.weight_decay

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Excludes variables from weight decay, beside those of `no_decay`; called before training.

        Args:
            var_list: Variables of the model.
            var_names: Regular expressions; a variable is excluded where one is found in its path.

        Raises:
            InputError: Training has begun.
        """
        if self.built:
            raise InputError(f"{type(self).__name__}: exclude_from_weight_decay comes before training, which has begun")
        super().exclude_from_weight_decay(var_list, var_names)
        self._excluded = types.SimpleNamespace(
            paths=tuple(variable.path for variable in var_list or ()), names=tuple(var_names or ())
        )

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the two moments of every variable."""
        if self.built:
            return
        for variable in variables:
            # In bfloat16 0.999 is 1, so the bias correction and with it every step would be 0.
            if variable.dtype not in ("float32", "float64"):
                raise InputError(
                    f"{type(self).__name__}: {variable.path} is {variable.dtype}, which has too few digits to train "
                    "in; choose the dtype policy mixed_bfloat16 (or mixed_float16), which keeps weights in float32"
                )
        paths = [variable.path for variable in variables]
        factors = rate_factors(paths, self.multipliers, self.num_hidden_layers)
        super().build(variables)
        self.first_moments, self.second_moments = self.add_optimizer_variables(
            variables, ["first_moment", "second_moment"]
        )
        if self.skip_nonfinite:
            counter = {"shape": (), "dtype": "int64", "initializer": "zeros", "aggregation": "only_first_replica"}
            self.skipped = self.add_variable(**counter, name="skipped")
            self.skipped_in_a_row = self.add_variable(**counter, name="skipped_in_a_row")
        # By index: `update_step` is handed backend variables, which do not know their path.
        self._of_variables = types.SimpleNamespace(
            factors=factors,
            is_spared=[path.split("/")[-1] in self.no_decay for path in paths],
            is_excluded=[not self._use_weight_decay(variable) for variable in variables],
            constraints=[variable.constraint for variable in variables],
        )

    def update(self, variable: Any, gradient: Any, learning_rate: Any, numbers: Numbers, clipping: Any = None) -> None:
        """Applies one gradient, times the factor that clips it, to one variable and its moments.

        Args:
            variable: A variable of the backend, on one replica.
            gradient: Of its shape and dtype.
            learning_rate: Scalar, without the variable's own factor.
            numbers: What `Numbers` says, in the variable's dtype.
            clipping: Scalar, or None for 1.
        """
        raise NotImplementedError

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Applies one gradient to each variable; sparse ones count as the dense ones they stand for."""
        if keras.config.backend() != "tensorflow" or not len(grads):
            super().apply(grads, trainable_variables)
            return
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"{self.name}: {len(grads)} gradients for {len(variables)} variables")
        self._check_variables_are_known(variables)
        with keras.name_scope(self.name):
            self._step(*self._filter_empty_gradients(grads, variables))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one gradient to one variable."""
        self.update(variable, ops.cast(gradient, variable.dtype), learning_rate, self._numbers(variable.dtype))

    def _step(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        """Takes the gradients of this replica the whole way."""
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        # The norm of sums is the same number on all replicas, and so is what follows from it.
        norm = global_norm(gradients, dense) if self.global_clipnorm or self.skip_nonfinite else None
        back = None if self.loss_scale_factor is None else 1 / self.loss_scale_factor
        if self.clipnorm or self.clipvalue:
            dense = super()._clip_gradients([gradient if back is None else gradient * back for gradient in dense])
            factor = None
        elif self.global_clipnorm:
            factor = clipping_factor(norm if back is None else norm * back, self.global_clipnorm)
            factor = factor if back is None else factor * back
        else:
            factor = back
        # A list: what is None cannot go to the other replicas.
        factors = [] if factor is None else [tf.convert_to_tensor(factor)]
        if not self.skip_nonfinite:
            _on_all_replicas(self._update_all, variables, dense, factors)
            self.iterations.assign_add(1)
            return
        is_finite = tf.math.is_finite(norm)
        _on_all_replicas(self._update_all_if, variables, is_finite, dense, factors)
        applied = tf.cast(is_finite, "int64")
        self.iterations.assign_add(tf.cast(is_finite, self.iterations.dtype))
        self.skipped.assign_add(1 - applied)
        self.skipped_in_a_row.assign((self.skipped_in_a_row + 1) * (1 - applied))

    def _update_all_if(
        self, strategy: Any, variables: Sequence[Any], is_finite: Any, gradients: Sequence[Any], factors: Sequence[Any]
    ) -> None:
        # Across the replicas, since inside of one a condition must not hold an update.
        is_finite = strategy.experimental_local_results(is_finite)[0]
        tf.cond(is_finite, lambda: self._update_all(strategy, variables, gradients, factors), lambda: None)

    def _update_all(
        self, strategy: Any, variables: Sequence[Any], gradients: Sequence[Any], factors: Sequence[Any]
    ) -> None:
        """Updates every replica's copy of each variable alike.

        What is the same for all variables is computed once: if each had its own, the first step of 8 layers would take
        a seventh longer, to trace and to optimize.
        """
        rate, numbers = self.learning_rate, {}
        for variable, gradient in zip(variables, gradients, strict=True):
            value = variable.value if isinstance(variable, keras.Variable) else variable
            if value.dtype not in numbers:
                numbers[value.dtype] = self._numbers(value.dtype)
            shared = numbers[value.dtype]

            def update(value: Any, gradient: Any, *factors: Any, shared: Numbers = shared) -> None:
                self.update(value, tf.cast(gradient, value.dtype), rate, shared, *factors)
                self._finish(value)

            strategy.extended.update(value, update, args=(gradient, *factors), group=False)

    def _finish(self, variable: Any) -> None:
        """Keeps the moving average of a variable that was updated, and its constraint, as Keras does."""
        index = self._get_variable_index(variable)
        if self.use_ema:
            average = self._model_variables_moving_average[index].value
            momentum = tf.where(self.iterations == 0, 0.0, self.ema_momentum)
            momentum = tf.cast(momentum, variable.dtype)
            average.assign(momentum * average + (1 - momentum) * variable)
            if self.ema_overwrite_frequency:
                is_due = (self.iterations + 1) % self.ema_overwrite_frequency == 0
                variable.assign(tf.where(is_due, average, variable))
        constraint = self._of_variables.constraints[index]
        if constraint is not None:
            variable.assign(constraint(tf.convert_to_tensor(variable)))

    def _numbers(self, dtype: Any) -> Numbers:
        name = keras.backend.standardize_dtype(dtype)
        beta_1, beta_2, epsilon = (ops.cast(number, name) for number in (self.beta_1, self.beta_2, self.epsilon))
        step = ops.cast(self.iterations + 1, name)
        return beta_1, beta_2, epsilon, ops.power(beta_1, step), ops.power(beta_2, step)

    def _decay_of(self, index: int) -> float:
        """Returns the decay rate of a variable."""
        of = self._of_variables
        return 0.0 if of.is_spared[index] or of.is_excluded[index] else self.decay

    def _use_weight_decay(self, variable: Any) -> bool:
        """Keras' answer to `exclude_from_weight_decay`, by whole paths; in Keras 3.15 the backends differ in that."""
        is_named = any(re.search(name, variable.path) for name in self._excluded.names)
        return not is_named and variable.path not in self._excluded.paths

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        """Keras' own decay, before the update; here it is part of the update."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, and what `exclude_from_weight_decay` was told."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "no_decay": list(self.no_decay),
            "multipliers": self.multipliers,
            "num_hidden_layers": self.num_hidden_layers,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "skip_nonfinite": self.skip_nonfinite,
            "excluded": [list(self._excluded.paths), list(self._excluded.names)],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "AdamBase":
        """Makes the optimizer that `get_config` described."""
        config = dict(config)
        paths, names = config.pop("excluded", ((), ()))
        optimizer = super().from_config(config, custom_objects)
        optimizer._excluded = types.SimpleNamespace(paths=tuple(paths), names=tuple(names))
        return optimizer


def moments(first: Any, second: Any, gradient: Any, beta_1: Any, beta_2: Any) -> tuple[Any, Any]:
    """Returns Adam's moments of a variable after a step, of its shape and dtype.

    Example:
        >>> moments(0.0, 0.0, keras.ops.array(2.0), 0.5, 0.5)[0].numpy()
        np.float32(1.0)

    References:
        Kingma and Ba 2014, arXiv:1412.6980, algorithm 1.
    """
    return first + (gradient - first) * (1 - beta_1), second + (ops.square(gradient) - second) * (1 - beta_2)


def _on_all_replicas(function: Callable[..., None], variables: Sequence[Any], *arguments: Any) -> None:
    """Calls a function of a strategy, variables and tensors across the replicas, from inside of one or from outside."""
    context = tf.distribute.get_replica_context()
    if context is None:
        function(tf.distribute.get_strategy(), variables, *arguments)
        return
    context.merge_call(lambda strategy, *arguments: function(strategy, variables, *arguments), args=arguments)
