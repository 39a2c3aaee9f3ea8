"""A SavedModel with signatures, written whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_bert.files import atomic_folder


class Signature(NamedTuple):
    """One function of a SavedModel.

    Attributes:
        function: Called with keyword arguments, tensors named as in `inputs`; returns a dict of tensors.
        inputs: Name → spec of each argument; the spec bears the same name.
    """

    function: Callable[..., dict[str, Any]]
    inputs: Mapping[str, tf.TensorSpec]


def write_saved_model(
    folder: str | Path,
    model: keras.Model,
    signatures: Mapping[str, Signature],
    files: Mapping[str, str],
    overwrite: bool = False,
) -> None:
    """Writes a SavedModel that runs where only `tensorflow` and `tensorflow_text` are imported.

    Args:
        folder: The SavedModel's folder.
        model: Owner of all variables that the functions use.
        signatures: Name → function; TF Serving answers `serving_default` unless asked for another.
        files: Name → content of text files to put beside, such as the model card.
        overwrite: Replace a folder that is there already.

    Raises:
        InputError: The folder holds something and `overwrite` is False, or the disk is full; what was there
            before is unchanged.

    Example:
        >>> double = Signature(lambda x: {"y": 2 * x}, {"x": tf.TensorSpec([None], tf.float32, name="x")})
        >>> write_saved_model("export/models/double/1", model, {"serving_default": double}, {})  # doctest: +SKIP
    """
    module = tf.Module()
    module.model_variables = [variable.value for variable in model.variables]
    functions = {
        name: tf.function(signature.function).get_concrete_function(**signature.inputs)
        for name, signature in signatures.items()
    }
    with atomic_folder(folder, overwrite) as temporary:
        tf.saved_model.save(module, str(temporary), signatures=functions)
        for name, content in files.items():
            (temporary / name).write_text(content, encoding="utf-8")
