"""Computing a layer again in the backward pass instead of keeping what it computed."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_bert.layers.dropout import dropout_by_example, numbers_of_examples

if keras.config.backend() == "tensorflow":
    import tensorflow as tf


def recompute(layer: keras.layers.Layer, function: Callable[..., Any], *inputs: Any) -> Any:
    """Calls `function(*inputs)`; of all it computes only inputs and outputs are kept, and the rest is computed again.

    `keras.remat` alone would draw other dropout masks the second time, since each draw moves a seed on. Here both
    times begin from the seeds as they were before the call, so that outputs and gradients are those of a plain call, as
    are gradients of gradients.

    Args:
        layer: All weights and seeds that `function` uses are its own, and from each seed it draws once.
        function: From float tensors to a float tensor or several.
        *inputs: Float tensors.

    Returns:
        What `function` returns.

    Example:
        >>> dense = keras.layers.Dense(3)
        >>> dense.build((None, 4))
        >>> tuple(recompute(dense, dense.call, ops.ones((2, 4))).shape)
        (2, 3)

    References:
        Chen et al. 2016, arXiv:1604.06174, section 4.
    """
    weights = layer.weights
    known = {id(weight) for weight in weights}
    seeds = [variable for variable in layer.variables if id(variable) not in known]
    drawn = [seed.value * 1 for seed in seeds]
    # The second time comes when the caller's `with` is long left.
    numbers = numbers_of_examples()

    def call(*arguments: Any) -> Any:
        # Weights are arguments, too: a gradient would not find those of a scope that Keras has opened around this one.
        values, inputs = arguments[: len(weights)], arguments[len(weights) :]
        # False, and known only when the inputs are: masks of the seeds alone would be drawn once, for both times, and
        # kept in between (TensorFlow merges equal nodes of a graph).
        is_lost = ops.any(ops.isnan(inputs[0][:1]))
        tied = [value + ops.cast(is_lost, seed.dtype) for seed, value in zip(seeds, drawn, strict=True)]
        by_example = contextlib.nullcontext() if numbers is None else dropout_by_example(numbers)
        with keras.StatelessScope([*zip(weights, values, strict=True), *zip(seeds, tied, strict=True)]), by_example:
            return function(*inputs)

    outputs = _recomputed(call)(*(ops.copy(weight) for weight in weights), *inputs)
    for seed, value in zip(seeds, drawn, strict=True):
        # What one draw adds (Keras 3.15, random/seed_generator.py, `next`); in the scope it is forgotten.
        seed.assign(value + ops.convert_to_tensor([0, 1], dtype=seed.dtype))
    return outputs


def _recomputed(call: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function of tensors whose gradient computes it once more, by operations that have gradients themselves.

    `tf.recompute_grad`, which is `keras.remat` on TensorFlow, keeps nothing of the forward pass; its gradient has none.
    """
    if keras.config.backend() != "tensorflow":
        return keras.remat(call)

    @tf.custom_gradient
    def compute(*arguments: Any) -> Any:
        def gradient(*upstream: Any, variables: Any = ()) -> Any:
            # Known only when the upstream gradient is: equal nodes of a graph would be merged, and kept from the
            # forward pass. It is 0 unless the gradient is lost anyway.
            first = tf.reduce_max(tf.reshape(upstream[0], (-1,))[:1])
            nothing = tf.where(tf.math.is_nan(first), first, tf.zeros_like(first))
            again = [argument + tf.cast(nothing, argument.dtype) for argument in arguments]
            with tf.GradientTape() as tape:
                tape.watch(again)
                outputs = call(*again)
            sources = [*again, *variables]
            zero = tf.UnconnectedGradients.ZERO
            gradients = tape.gradient(outputs, sources, list(upstream), unconnected_gradients=zero)
            if not variables:
                return gradients
            return gradients[: len(again)], gradients[len(again) :]

        return keras.remat(call)(*arguments), gradient

    return compute
