"""A model as LiteRT (TensorFlow Lite), which `ai_edge_litert` runs without TensorFlow."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.files import atomic_folder, check_target
from keras_bert.graph import graph_function
from keras_bert.serving.formats.network import Network, write_beside
from keras_bert.serving.frozen import frozen

MODEL_FILE = "model.tflite"
# A flatbuffer ends at 2 GiB.
_MOST_BYTES = 2**31 - 2**26


def write_litert(network: Network, folder: str | Path, dtype: str = "float32", overwrite: bool = False) -> None:
    """Writes a folder that `keras_bert.runtime` opens.

    Batch and tokens may be any number; who runs the file resizes its inputs. Only LiteRT's builtin operations are in
    it, so that every build of the runtime has them.

    Args:
        network: What is written.
        folder: Gets `model.tflite` and what `write_beside` writes.
        dtype: `"float32"`; or `"int8"`: weights in 8 bits, what they are multiplied with brought to 8 bits, text by
            text, when it runs (dynamic range).
        overwrite: Replace a folder that is there already.

    Raises:
        InputError: The folder holds something and `overwrite` is False, or the weights are too many.

    References:
        https://ai.google.dev/edge/litert/models/post_training_quantization, "Dynamic range quantization"
    """
    check_target(folder, overwrite)
    content = litert_model(network, dtype)
    with atomic_folder(folder, overwrite) as temporary:
        (temporary / MODEL_FILE).write_bytes(content)
        write_beside(network, temporary, "litert", MODEL_FILE, dtype)


def litert_model(network: Network, dtype: str) -> bytes:
    """Converts the graph; see `write_litert`."""
    size = sum(weight.nbytes for weight in network.weights.values())
    if size > _MOST_BYTES:
        raise InputError(f"the weights, {size / 2**30:.1f} GiB, do not fit into a LiteRT file, which ends at 2 GiB")
    signature = frozen(network.model, {"serving_default": network.signature})["serving_default"]
    traced = graph_function(signature.function).get_concrete_function(**signature.inputs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], tf.Module())
    if dtype == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with _without_notes():
        return converter.convert()


@contextlib.contextmanager
def _without_notes() -> Iterator[None]:
    """Keeps what the converter's C++ code writes to standard error, pages of it, aside; not what is raised."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
