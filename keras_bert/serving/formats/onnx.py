"""A model as ONNX."""

from pathlib import Path

from keras_bert.errors import InputError
from keras_bert.serving.formats.network import Network


def write_onnx(network: Network, folder: str | Path, dtype: str = "float32", overwrite: bool = False) -> None:
    """Writes a folder that transformers.js, Optimum and `keras_bert.runtime` open.

    Args:
        network: What is written.
        folder: Gets `onnx/model.onnx` or `onnx/model_quantized.onnx`, and what `write_beside` writes.
        dtype: `"float32"`, or `"int8"`.
        overwrite: Replace a folder that is there already.

    Raises:
        InputError: It cannot be written.
    """
    del network, folder, dtype, overwrite
    raise InputError("this version writes no ONNX yet")
