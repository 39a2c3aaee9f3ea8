"""KerasHub's BertTextClassifier with the same weights and the same padding."""

from pathlib import Path
from typing import Any

import keras
import keras_hub
import tensorflow as tf
from contest import serve
from safetensors.numpy import load_file

from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    backbone = keras_hub.models.BertBackbone.from_preset(job["model"], dtype=job["dtype"])
    model = keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=None, dropout=0.1)
    tensors = load_file(Path(job["model"]) / "model.safetensors")
    head = model.get_layer("logits")
    head.set_weights([tensors["classifier.weight"].T, tensors["classifier.bias"]])
    ids = tf.constant(jobs.ids(job))
    inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}
    predict = tf.function(lambda: model(inputs, training=False))
    first = predict().numpy()
    if job["kind"] == "inference":
        return (lambda: predict().numpy()), first
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-5, weight_decay=0.01, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # slower on a CPU with it
    )
    data = tf.data.Dataset.from_tensors((inputs, tf.constant(jobs.labels(job)))).repeat(job["steps"]).prefetch(2)
    run = lambda: model.fit(data, verbose=0)  # noqa: E731
    run()
    return run, first


if __name__ == "__main__":
    serve(prepare)
