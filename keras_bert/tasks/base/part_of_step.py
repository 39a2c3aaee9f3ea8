"""What a training step computes of a part of its batch: loss, outputs, gradients, in one pass or in several."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers.dropout import dropout_by_example
from keras_bert.layers.word_shift import shifted_words
from keras_bert.tasks.base.partial_loss import part_of_mean
from keras_bert.tasks.base.replicas import first_row
from keras_bert.training.adversary.adversary import Adversary, Trained
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.divergence import divergence_values, output_kind

_MOST_ROWS = 2**20
"""Of a batch: numbers of rows of one step are below those of the next."""


def one_pass(model: Any, data: Sequence[Any]) -> Trained:
    """Goes forward and backward once.

    Args:
        model: A compiled `GlobalBatchModel`.
        data: Inputs, targets, weights, each of them tensors (rows, ...) or None.
    """
    x, y, sample_weight = data
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        scaled = model.optimizer.scale_loss(loss)
    return Trained(loss, y_pred, tape.gradient(scaled, model.trainable_variables))


def with_adversary(model: Any, adversary: Adversary, data: Sequence[Any]) -> Trained:
    """Goes forward and backward as an adversary does.

    Args:
        model: A compiled `GlobalBatchModel` with an `encoder`.
        adversary: The adversary.
        data: Inputs, targets, weights, and `row_numbers`.
    """
    x, y, sample_weight, numbers = data

    def forward(inputs: Any, shift: Any, numbers: Any) -> Any:
        with shifted_words(shift), dropout_by_example(numbers):
            return model(inputs, training=True)

    def divergence(first: Any, second: Any) -> Any:
        values = divergence_values(output_kind(model.loss), first, second)
        rows = ops.shape(numbers)[0]
        if len(values.shape) == 1:  # a row may have several texts
            values = ops.mean(ops.reshape(values, (rows, values_of_a_row(values, rows))), axis=-1)
        return part_of_mean(model.loss, values, sample_weight, model.totals)

    return adversary.step(
        BatchPart(
            inputs=x,
            hidden_size=model.encoder.config.hidden_size,
            numbers=numbers,
            variables=model.trainable_variables,
            forward=forward,
            loss=lambda outputs: model.compute_loss(x, y, outputs, sample_weight, training=True),
            divergence=divergence,
            scaled=model.optimizer.scale_loss,
        )
    )


def check_adversary(model: Any, adversary: Adversary) -> None:
    """Refuses an adversary that a compiled model cannot have.

    Raises:
        InputError: The model has no encoder of its own, packs several examples into a row, or computes too coarsely; or
            its loss is not known well enough to compare outputs.
    """
    what = f"adversary={adversary.name!r}"
    encoder = getattr(model, "encoder", None)
    if encoder is None:
        raise InputError(f"{what} shifts word vectors, and {type(model).__name__} has no encoder; train a task with it")
    if encoder.packing:
        raise InputError(f"{what} shifts each example by itself, and packing puts several into a row; leave it out")
    if adversary.compares_outputs and not isinstance(model.loss, keras.losses.Loss):
        raise InputError(
            f"{what} compares outputs as the loss reads them: {type(model).__name__} needs its loss as one object, "
            "such as keras.losses.MeanSquaredError()"
        )
    if adversary.needs_float32 and encoder.dtype_policy.compute_dtype in ("bfloat16", "float16"):
        raise InputError(
            f"{what} moves words by less than {encoder.dtype_policy.compute_dtype} can tell apart; train in float32"
        )


def values_of_a_row(values: Any, rows: Any) -> Any:
    """Returns how many of all values are of one row; 1 where there is no row."""
    return ops.where(rows > 0, ops.shape(values)[0] // ops.maximum(rows, 1), 1)


def row_numbers(model: Any, x: Any) -> Any:
    """Numbers this replica's rows by the step and their places in the whole batch.

    Returns:
        int64 (rows,), of which none comes twice in a run.
    """
    rows = tf.shape(tf.nest.flatten(x)[0])[0]
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    step = tf.cast(tf.convert_to_tensor(optimizer.iterations), tf.int64)
    return step * _MOST_ROWS + tf.cast(first_row(rows) + tf.range(rows), tf.int64)
