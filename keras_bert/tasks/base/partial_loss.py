"""Parts of a loss that add up to the loss of the whole batch, whatever way the rows are dealt out."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert.errors import InputError
from keras_bert.layers.wide import wide
from keras_bert.tasks.base.replicas import over_replicas

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def global_mean(values: Any, weights: Any, counts: Any = None, total: Any = None) -> Any:
    """Gives this replica's part of a weighted mean over the global batch.

    The parts of all replicas add up to Σ weights · values / Σ counts, and so do their gradients, which the optimizer
    adds up. A mean on each replica, averaged, would let a row count more where there are fewer.

    Args:
        values: float32 (...).
        weights: float32, the same shape.
        counts: What the sum is divided by, float32 (...); None for the weights.
        total: The sum of the counts over the whole batch, where that is known; float32 scalar.

    Returns:
        float32 scalar; 0 where all counts are.

    Example:
        >>> float(global_mean(ops.array([1.0, 3.0, 8.0]), ops.array([1.0, 1.0, 0.0])))
        2.0
    """
    if total is None:
        total = over_replicas(ops.sum(weights if counts is None else counts))
    return ops.sum(values * weights) / ops.where(total > 0, total, 1.0)


def partial_loss(
    loss: keras.losses.Loss, y: Any, y_pred: Any, sample_weight: Any = None, totals: Mapping[str, Any] | None = None
) -> Any:
    """Gives what some rows of a batch add to its loss: what Keras' `loss(y, y_pred, sample_weight)` is, in parts.

    Args:
        loss: A Keras loss; its `reduction` says what the sum over values is divided by.
        y: Targets of the rows.
        y_pred: The model's outputs.
        sample_weight: Weights of the rows, or of their values; None for 1.
        totals: Of the whole batch, where the rows are a part of this replica's: `rows`, and with weights `weights`.

    Returns:
        Scalar, float32, or float64 for a loss of that dtype.

    Raises:
        InputError: The loss is not reduced to a number, or has no value for each row; the weights do not fit its
            values; or the outputs have Keras' mask, of which one part does not know how much is in the others.

    Example:
        >>> loss, y, y_pred = keras.losses.MeanSquaredError(), ops.zeros((4, 1)), ops.ones((4, 1))
        >>> float(partial_loss(loss, y[:1], y_pred[:1], totals={"rows": 4.0}))
        0.25
    """
    if getattr(y_pred, "_keras_mask", None) is not None:
        raise InputError(
            f"{loss.name}: the outputs have a mask of Keras, which several replicas and accumulate cannot share; "
            "give sample_weight in its place"
        )
    y, y_pred = (ops.convert_to_tensor(each, dtype=loss.dtype) for each in (y, y_pred))
    return part_of_mean(loss, wide(loss.call(y, y_pred)), sample_weight, totals)


def part_of_mean(
    loss: keras.losses.Loss, values: Any, sample_weight: Any = None, totals: Mapping[str, Any] | None = None
) -> Any:
    """Gives what values of some rows of a batch add to what a loss makes of them, such as their mean.

    Args:
        loss: Its `reduction` says what the sum over values is divided by.
        values: float32 or float64 (rows, ...).
        sample_weight: As in `partial_loss`.
        totals: As in `partial_loss`.

    Returns:
        Scalar of that dtype.

    Raises:
        InputError: As `partial_loss`.
    """
    totals = totals or {}
    if loss.reduction not in (*MEANS, "sum"):
        raise InputError(f"{loss.name}: reduction={loss.reduction!r} gives no number; take one of {', '.join(MEANS)}")
    if not len(values.shape):
        raise InputError(f"{loss.name} gives one number for a batch, not one a row, so that it cannot be had in parts")
    weights = ops.ones_like(values)
    if sample_weight is not None:
        weights = _of_rank(values, ops.cast(sample_weight, values.dtype), loss.name)
    if loss.reduction == "sum":
        return ops.sum(values * weights)
    if loss.reduction == "mean_with_sample_weight" and sample_weight is not None:
        return global_mean(values, weights, total=totals.get("weights"))
    total = totals.get("rows")
    if total is not None:  # a row may have several values
        size, rows = (ops.cast(each, values.dtype) for each in (ops.size(values), ops.shape(values)[0]))
        total = ops.cast(total, values.dtype) * size / ops.maximum(rows, 1)
    return global_mean(values, weights, ops.ones_like(values), total)


def example_losses(loss: keras.losses.Loss, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
    """Gives each row a loss of its own, which no other row of the batch has a part in.

    Args:
        loss: A Keras loss, whatever its reduction.
        y: Targets of the rows.
        y_pred: The model's outputs.
        sample_weight: Of the rows, or of their values; None for 1.

    Returns:
        float (rows,): a row's value times its weight; of several values, as a row of tags has them, the mean, weighted
        by the values' own weights.

    Example:
        >>> loss = keras.losses.MeanSquaredError()
        >>> example_losses(loss, ops.zeros((2, 1)), ops.array([[1.0], [3.0]])).numpy().tolist()
        [1.0, 9.0]
    """
    y, y_pred = (ops.convert_to_tensor(each, dtype=loss.dtype) for each in (y, y_pred))
    values = wide(loss.call(y, y_pred))
    if sample_weight is None:
        return ops.mean(values, axis=list(range(1, len(values.shape)))) if len(values.shape) > 1 else values
    weights = ops.cast(sample_weight, values.dtype)
    if len(values.shape) == 1:
        return values * _of_rank(values, weights, loss.name)
    axes = list(range(1, len(values.shape)))
    if len(weights.shape) == 1:
        return ops.mean(values, axis=axes) * weights
    totals = ops.sum(_of_rank(values, weights, loss.name), axis=axes)
    return ops.sum(values * weights, axis=axes) / ops.where(totals > 0, totals, 1.0)


def regularization(model: keras.Model, rows: Any, total: Any = None) -> Any:
    """Gives some rows' share of what the regularizers of a model's weights add to its loss; None without any.

    Args:
        model: After its forward pass.
        rows: How many there are, float scalar.
        total: How many there are in the whole batch; None for the sum over the replicas.

    Raises:
        InputError: Something else was added to the loss, by `add_loss` or a regularizer of outputs: whether that is a
            sum or a mean over rows, nobody knows but who added it.
    """
    weights = [weight for weight in model.trainable_weights if weight.regularizer is not None]
    if len(model.losses) > len(weights):
        raise InputError(
            f"{model.name} adds to its loss by add_loss or activity_regularizer, of which several replicas and "
            "accumulate cannot tell whether it is a sum or a mean over rows; put it into the loss that is compiled"
        )
    if not weights:
        return None
    total = over_replicas(rows) if total is None else total
    added = [ops.sum(wide(weight.regularizer(weight))) for weight in weights]
    return sum(added[1:], start=added[0]) * ops.cast(rows / ops.where(total > 0, total, 1.0), added[0].dtype)


def _of_rank(values: Any, weights: Any, name: str) -> Any:
    """Adds or takes off a last axis of 1 of the weights, as Keras does."""
    difference = len(values.shape) - len(weights.shape)
    if difference == 1 and values.shape[-1] == 1:
        return ops.expand_dims(weights, -1)
    if difference == -1 and weights.shape[-1] == 1:
        return ops.squeeze(weights, -1)
    if difference:
        raise InputError(
            f"{name}: sample_weight of shape {tuple(weights.shape)} does not fit values of shape {tuple(values.shape)}"
        )
    return weights
