"""KerasHub's BertTextClassifier with the same weights; of ids the same padding, of rows its preprocessor's own."""

from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from contest import serve
from safetensors.numpy import load_file

from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    backbone = keras_hub.models.BertBackbone.from_preset(job["model"], dtype=job["dtype"])
    preprocessor = None
    if job["kind"] == "epoch":
        preprocessor = keras_hub.models.BertTextClassifierPreprocessor.from_preset(job["model"])
    model = keras_hub.models.BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor, dropout=0.1)
    tensors = load_file(Path(job["model"]) / "model.safetensors")
    head = model.get_layer("logits")
    head.set_weights([tensors["classifier.weight"].T, tensors["classifier.bias"]])
    if job["kind"] == "epoch":
        texts, labels = jobs.labelled(job)
        first = model.predict(texts[: jobs.COMPARED], verbose=0)
        compile_model(model)
        model.fit(texts[: job["batch"]], np.array(labels[: job["batch"]]), batch_size=job["batch"], verbose=0)
        return (lambda: model.fit(texts, np.array(labels), batch_size=job["batch"], verbose=0)), first
    ids = tf.constant(jobs.ids(job))
    inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}
    predict = tf.function(lambda: model(inputs, training=False))
    first = predict().numpy()
    if job["kind"] == "inference":
        return jobs.repeated(job, lambda: predict().numpy()), first
    compile_model(model)
    data = tf.data.Dataset.from_tensors((inputs, tf.constant(jobs.labels(job)))).repeat(job["steps"]).prefetch(2)
    run = lambda: model.fit(data, verbose=0)  # noqa: E731
    run()
    return run, first


def compile_model(model: keras.Model) -> None:
    """Compiles for the recipe that all sides train with."""
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-5, weight_decay=0.01, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # slower on a CPU with it
    )


if __name__ == "__main__":
    serve(prepare)
