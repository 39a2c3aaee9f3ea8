"""A private training step: each example's gradient clipped by its norm, which no gradient of an example is made for."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.layers.example_norms import ExampleNorms, watched_by
from keras_bert.tasks.base.long_texts import refuse_long_texts
from keras_bert.tasks.base.partial_loss import example_losses
from keras_bert.tasks.base.replicas import over_replicas, replicas
from keras_bert.text.long_texts import WINDOWS
from keras_bert.training.adversary.adversary import Trained
from keras_bert.training.privacy.clipping import clip_factors, noised_mean
from keras_bert.training.privacy.privacy import Privacy
from keras_bert.training.privacy.secret import Secret


def clipped(model: Any, privacy: Privacy, data: Sequence[Any]) -> Trained:
    """Goes forward once and backward twice: for the norms, and for the sum of the clipped gradients.

    Args:
        model: A compiled `GlobalBatchModel` that `check_privacy` lets pass.
        privacy: Says where to clip.
        data: Inputs, targets, weights; perhaps of no rows.

    Returns:
        The loss, a mean over the rows of the whole batch; the outputs; for each variable the sum of the examples'
        gradients, each of a norm of at most the clip.
    """
    x, y, sample_weight = data
    variables = model.trainable_variables
    rows = tf.shape(tf.nest.flatten(x)[0])[0]
    probe = tf.zeros([rows])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(probe)
        with watched_by(ExampleNorms(probe, variables)):
            y_pred = model(x, training=True)
        losses = example_losses(model.loss, y, y_pred, sample_weight)
    factors = clip_factors(tape.gradient(losses, probe), privacy.clip)
    gradients = tape.gradient(losses, variables, output_gradients=tf.cast(factors, losses.dtype))
    total = model.total_of("rows")
    total = over_replicas(tf.cast(rows, tf.float32)) if total is None else tf.cast(total, tf.float32)
    return Trained(tf.math.divide_no_nan(tf.reduce_sum(tf.cast(losses, tf.float32)), total), y_pred, gradients)


def with_noise(model: Any, privacy: Privacy, secret: Secret, sums: Sequence[Any]) -> list[Any]:
    """Makes the gradient of a step of the sums of all parts of a replica's batch: noise once, then the mean."""
    step = tf.cast(tf.convert_to_tensor(model.optimizer.iterations), tf.int64)
    seed = tf.random.experimental.stateless_fold_in(tf.convert_to_tensor(secret.noise_seed), step)
    return noised_mean(sums, model.trainable_variables, privacy.noise, privacy.batch_size, seed, replicas())


def check_privacy(model: Any, adversary: Any) -> None:
    """Refuses a compiled model that cannot be trained privately.

    Raises:
        InputError: Its loss has no value for each row by itself; its examples' gradients are not known, since a layer
            with weights is another than `Linear`, `LayerNorm` and `BertEmbeddings`, or is used twice; it computes in
            float16; or it has what does not go together with it.
    """
    name, encoder = type(model).__name__, getattr(model, "encoder", None)
    if adversary is not None:
        raise InputError(f"privacy and adversary={adversary.name!r} exclude each other: clipped is one gradient a row")
    if isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise InputError("privacy is for one process: its replicas share a secret, which workers do not")
    if encoder is None:
        raise InputError(f"privacy is for tasks; {name} has no encoder")
    if getattr(model.loss, "compares_rows", False):
        raise InputError(
            f"privacy: {type(model.loss).__name__} compares the rows of a batch with each other, so that none has a "
            "loss of its own; train with objective='cosine'"
        )
    if not isinstance(model.loss, keras.losses.Loss):
        raise InputError(f"privacy: the loss of a {name} has no value for each row; give one object, of keras.losses")
    refuse_long_texts(model, "privacy", WINDOWS)
    if encoder.packing:
        raise InputError("privacy clips each row by itself, and packing puts several examples into one; leave it out")
    if encoder.gradient_checkpointing:
        raise InputError("privacy and gradient_checkpointing exclude each other; compute in parts (accumulate)")
    if encoder.dtype_policy.compute_dtype == "float16":
        raise InputError("privacy: norms are lost in float16; train in mixed_bfloat16 or float32")
    if any(weight.regularizer is not None for weight in model.trainable_weights):
        raise InputError("privacy: a regularizer of weights has no gradient of a row; leave it out")
    check_taps(model)


def check_taps(model: Any) -> None:
    """Goes over two tokens, and looks at whose norms were told."""
    variables = model.trainable_variables
    if not variables:
        raise InputError("privacy: nothing is trained")
    inputs = {name: tf.ones((1, 2), tf.int32) for name in model.input}
    probe = tf.zeros([1])
    watch = ExampleNorms(probe, variables)
    with tf.GradientTape() as tape:
        tape.watch(probe)
        with watched_by(watch):
            outputs = model({**inputs, "segment_ids": tf.zeros((1, 2), tf.int32)}, training=False)
        total = tf.add_n([tf.reduce_sum(tf.cast(output, tf.float32)) for output in tf.nest.flatten(outputs)])
    tape.gradient(total, probe)
    told = [id(weight) for weight in watch.passed]
    for variable in variables:
        if told.count(id(variable)) == 1:
            continue
        why = "is used twice" if told.count(id(variable)) else "is of a layer whose gradients are not known row by row"
        raise InputError(f"privacy: {type(model).__name__} cannot be trained so: its weight {variable.path} {why}")
