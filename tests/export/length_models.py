"""Small SavedModels with the signatures of an export: they know short texts from long ones.

A test can therefore say what the answer is.
"""

from pathlib import Path

import tensorflow as tf

LABELS = ["short", "long"]


def scores_of(texts):
    """float32 (batch, 2): how short and how long each text is; 20 bytes are neither."""
    length = tf.cast(tf.strings.length(texts), tf.float32)
    long = tf.sigmoid((length - 20.0) / 10.0)
    return tf.stack([1.0 - long, long], axis=1)


def classify(text):
    scores = scores_of(text)
    return {
        "label": tf.gather(tf.constant(LABELS), tf.argmax(scores, axis=1)),
        "score": tf.reduce_max(scores, axis=1),
        "scores": scores,
    }


def save_model(folder: Path, function, inputs=("text",), **signatures) -> Path:
    """Writes a SavedModel with `serving_default` on strings, and further signatures on `text`."""
    specs = {name: tf.TensorSpec([None], tf.string, name=name) for name in inputs}
    functions = {"serving_default": tf.function(function).get_concrete_function(**specs)}
    for name, further in signatures.items():
        functions[name] = tf.function(further).get_concrete_function(text=specs["text"])
    tf.saved_model.save(tf.Module(), str(folder), signatures=functions)
    return folder


def name_labels(labels):
    """Makes the signature `labels`: the names of the classes, once for each row."""
    return lambda text: {"labels": tf.tile([labels], [tf.size(text), 1])}
