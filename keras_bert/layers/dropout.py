"""Dropout whose random numbers cost little on a CPU."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras

from keras_bert.errors import InputError
from keras_bert.layers.checked_layer import check_layer_arguments

if keras.config.backend() == "tensorflow":
    import tensorflow as tf

_LEVELS = 2**16

_NUMBERS: contextvars.ContextVar[Any] = contextvars.ContextVar("numbers of the examples", default=None)


@contextlib.contextmanager
def dropout_by_example(numbers: Any) -> Iterator[None]:
    """Lets layers that are called inside draw the masks of each example by themselves, for per-example gradients.

    An example's mask in a layer then depends on the layer's seed and the example's number alone: not on its place, on
    who else is in the batch, on the part of the batch or the replica that it is in, nor on how often it was drawn. So
    several passes have one mask, and new masks need new numbers, such as step · batch size + place in the whole batch.
    Inputs must be padded, and to the same width, as parts of one batch are. No seed is moved on.

    Args:
        numbers: int32 or int64 (batch,), one an example. None: masks as ever.

    Raises:
        InputError: Keras runs on another backend than TensorFlow.

    Example:
        >>> layer, ones = Dropout(0.5, seed=0), keras.ops.ones((3, 100))
        >>> with dropout_by_example(keras.ops.convert_to_tensor([7, 8, 7])):
        ...     values = keras.ops.convert_to_numpy(layer(ones, training=True))
        >>> bool((values[0] == values[2]).all()), bool((values[0] == values[1]).all())
        (True, False)
    """
    if keras.config.backend() != "tensorflow":
        raise InputError("dropout by example is for Keras on TensorFlow")
    token = _NUMBERS.set(None if numbers is None else tf.convert_to_tensor(numbers))
    try:
        yield
    finally:
        _NUMBERS.reset(token)


def numbers_of_examples() -> Any:
    """Returns the numbers that `dropout_by_example` was given around this call, None outside of it."""
    return _NUMBERS.get()


@keras.saving.register_keras_serializable(package="keras_bert")
class Dropout(keras.layers.Dropout):
    """Keras' dropout, in half its time on TensorFlow.

    Each value takes 16 random bits and one comparison of integers, where Keras makes a float of 32 bits (two values,
    in bfloat16) and compares that. The rate is met to 1/131072, and what is kept is divided by the share that is
    really kept, so that the expectation stays. Of the forward pass one byte a value is kept for the backward pass.
    Replicas of a distribution strategy draw masks of their own, where Keras' draw the same. See `dropout_by_example`,
    too.

    Elsewhere it is Keras' own.

    Args:
        rate: Share of the values to drop, between 0 and 1.
        noise_shape: As in Keras.
        seed: As in Keras: where the layer's `SeedGenerator` starts, whose state is saved with the model.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        inputs: float (...).
        training: Whether to drop anything.

    Returns:
        float, the shape and dtype of `inputs`.

    Example:
        >>> values = Dropout(0.5, seed=0)(keras.ops.ones((4, 1000)), training=True)
        >>> sorted(set(keras.ops.convert_to_numpy(values).ravel().tolist()))
        [0.0, 2.0]

    References:
        Srivastava et al. 2014, Journal of Machine Learning Research 15.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        check_layer_arguments(type(self), kwargs)
        super().__init__(rate, noise_shape, seed, **kwargs)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        threshold = round(self.rate * _LEVELS)
        if keras.config.backend() != "tensorflow" or not 0 < threshold < _LEVELS:
            return super().call(inputs, training=training)
        shape = tf.shape(inputs)
        if self.noise_shape is not None:
            shape = tf.stack([own or shape[axis] for axis, own in enumerate(self.noise_shape)])
        numbers = numbers_of_examples()
        if numbers is not None:
            bits = bits_by_example(self.seed_generator.state.value[0], numbers, shape)
            return _keep(inputs, bits >= tf.constant(threshold, tf.uint16), _LEVELS / (_LEVELS - threshold))
        # Within int32, as XLA needs it; the same numbers as in Keras (3.15, backend/tensorflow/random.py).
        seed = tf.cast(tf.math.floormod(self.seed_generator.next(), tf.int32.max - 1), "int32")
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            # All replicas have the same state. With the same masks a batch would have as many as a part of it has.
            seed = tf.random.experimental.stateless_fold_in(seed, context.replica_id_in_sync_group)
        size = tf.reduce_prod(shape)
        words = tf.random.stateless_uniform(((size + 1) // 2,), seed, minval=None, maxval=None, dtype=tf.int32)
        bits = tf.reshape(tf.bitcast(words, tf.uint16), (-1,))[:size]
        is_kept = tf.reshape(bits >= tf.constant(threshold, tf.uint16), shape)
        return _keep(inputs, is_kept, _LEVELS / (_LEVELS - threshold))


def bits_by_example(seed: Any, numbers: Any, shape: Any) -> Any:
    """Draws 16 bits for each value, of each example from a seed of its own.

    Args:
        seed: Of the layer, an integer scalar.
        numbers: As `dropout_by_example` was given them.
        shape: Of what is drawn, int32; its first axis is of examples, or of as many rows for each.

    Returns:
        uint16 in that shape.
    """
    # Inside of a block the rows of a tensor are tokens, as many for each example.
    count, size = tf.size(numbers), tf.reduce_prod(shape) // tf.maximum(tf.size(numbers), 1)
    told = ["dropout by example: rows, which these numbers of examples cannot share:", shape[0], count]
    with tf.control_dependencies([tf.debugging.Assert(tf.math.floormod(shape[0], tf.maximum(count, 1)) == 0, told)]):
        base = tf.stack([tf.cast(tf.math.floormod(seed, tf.int32.max - 1), tf.int32), 0])

    def draw(number: Any) -> Any:
        own = tf.random.experimental.stateless_fold_in(base, number)
        return tf.random.stateless_uniform(((size + 1) // 2,), own, minval=None, maxval=None, dtype=tf.int32)

    # One more than there are: what is drawn for no example at all has no shape.
    drawn = tf.concat([numbers, tf.zeros([1], numbers.dtype)], 0)
    words = tf.map_fn(draw, drawn, fn_output_signature=tf.TensorSpec([None], tf.int32))[:-1]
    bits = tf.reshape(tf.bitcast(words, tf.uint16), [count, (size + 1) // 2 * 2])[:, :size]
    return tf.reshape(bits, shape)


def _keep(inputs: Any, is_kept: Any, scale: float) -> Any:
    """Multiplies what is kept with `scale` and the rest with 0."""

    @tf.custom_gradient
    def keep(inputs: Any) -> Any:
        factor = tf.cast(scale, inputs.dtype)

        def gradient(upstream: Any) -> Any:
            # Written in another way than below: TensorFlow would keep what both passes compute, in place of one byte.
            return upstream * tf.where(is_kept, factor, tf.zeros_like(factor))

        return inputs * tf.cast(is_kept, inputs.dtype) * factor, gradient

    return keep(inputs)
