"""keras_bert: the model as the library makes it, or its SavedModel.

Further entries of the job: `frozen`, the weights as constants, for `inference`. For `strings` and `latency` the model
is an exported folder, and nothing of keras_bert is imported.
"""

from typing import Any

import numpy as np
import tensorflow as tf
from contest import serve

from contestants import jobs


def prepare(job: dict[str, Any]) -> tuple[Any, Any]:
    """Makes the job ready."""
    kinds = {"inference": inference, "training": training, "strings": strings, "latency": strings, "epoch": epoch}
    kinds["generation"] = generation
    return kinds[job["kind"]](job)


def inference(job: dict[str, Any]) -> tuple[Any, Any]:
    """Ids to logits."""
    from keras_bert.serving import Signature, frozen
    from keras_bert.tasks import BertClassifier

    model = BertClassifier.from_preset(job["model"], dtype=job["dtype"])
    names = ("token_ids", "segment_ids", "padding_mask")
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in names}
    signature = Signature(lambda **inputs: {"logits": model(inputs, training=False)}, inputs)
    if job["frozen"]:
        signature = frozen(model, {"logits": signature})["logits"]
    function = tf.function(signature.function).get_concrete_function(**inputs)
    tensors = features(job)
    run = lambda: function(**tensors)["logits"].numpy()  # noqa: E731
    return jobs.repeated(job, run), run()


def training(job: dict[str, Any]) -> tuple[Any, Any]:
    """Steps of `fit`."""
    from keras_bert.tasks import BertClassifier
    from keras_bert.training import adamw

    model = BertClassifier.from_preset(job["model"], dtype=job["dtype"])
    first = model(features(job), training=False).numpy()
    model.compile(adamw(1e-5, steps=10_000, clip_norm=1.0))
    data = tf.data.Dataset.from_tensors((features(job), tf.constant(jobs.labels(job)))).repeat(job["steps"]).prefetch(2)
    run = lambda: model.fit(data, verbose=0)  # noqa: E731
    run()
    return run, first


def epoch(job: dict[str, Any]) -> tuple[Any, Any]:
    """Rows to updated weights, by `batches` and `fit`."""
    from keras_bert.tasks import BertClassifier
    from keras_bert.training import adamw

    model = BertClassifier.from_preset(job["model"], dtype=job["dtype"])
    texts, labels = jobs.labelled(job)
    first = model(model.preprocessor(tf.constant(texts[: jobs.COMPARED])), training=False).numpy()
    rows = tf.data.Dataset.from_tensor_slices({"text": texts, "label": list(map(str, labels))})
    model.compile(adamw(1e-5, steps=10_000, clip_norm=1.0))
    data = model.batches(rows, job["batch"], shuffle=True)
    model.fit(data.take(2), verbose=0)
    return (lambda: model.fit(data, verbose=0)), first


def generation(job: dict[str, Any]) -> tuple[Any, Any]:
    """Ids to the ids of the best text, or `served`: the same as strings, by the SavedModel."""
    import tempfile

    from keras_bert.serving import Signature, frozen
    from keras_bert.tasks import BertSeq2Seq

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    # The end may come as the last token, as in the peer.
    longest, shortest = job["new_tokens"], job["new_tokens"] - 1
    search = {"num_beams": job["beams"], "max_new_tokens": longest, "min_new_tokens": shortest}
    model = BertSeq2Seq.from_preset(job["model"], generation=search, dtype=job["dtype"])
    rows, words = jobs.sources(job)
    ids = tf.constant(rows)
    inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}
    specs = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in inputs}
    signature = frozen(model, {"ids": Signature(lambda **inputs: model.search(inputs), specs)})["ids"]
    function = tf.function(signature.function).get_concrete_function(**specs)
    found = function(**inputs)
    if not job["served"]:
        return (lambda: function(**inputs)["ids"].numpy()), found["ids"][:, 0].numpy()
    with tempfile.TemporaryDirectory() as folder:
        model.export(f"{folder}/1", freeze=True)
        served = tf.saved_model.load(f"{folder}/1").signatures["serving_default"]
    texts = tf.constant(words)
    assert served(text=texts)["text"].numpy().tolist() == model.answers(found)["text"].numpy().tolist()
    return (lambda: served(text=texts)["text"].numpy()), found["ids"][:, 0].numpy()


def features(job: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Returns the encoder's inputs."""
    ids = tf.constant(jobs.ids(job))
    return {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}


def strings(job: dict[str, Any]) -> tuple[Any, Any]:
    """Strings to labels, by the SavedModel alone."""
    import tensorflow_text  # noqa: F401  (registers the operations)

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])

    function = tf.saved_model.load(job["model"]).signatures["serving_default"]
    return jobs.answer_all(job, lambda batch: np.argmax(function(text=tf.constant(batch))["scores"].numpy(), 1))


if __name__ == "__main__":
    serve(prepare)
