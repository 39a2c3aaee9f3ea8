"""A SavedModel with signatures, written whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_bert.files import atomic_folder, check_target
from keras_bert.graph import graph_function
from keras_bert.serving.frozen import frozen
from keras_bert.serving.one_thread import in_one_thread
from keras_bert.serving.signature import Signature
from keras_bert.serving.warmup import write_warmup


def write_saved_model(
    folder: str | Path,
    model: keras.Model,
    signatures: Mapping[str, Signature],
    files: Mapping[str, str],
    overwrite: bool = False,
    freeze: bool = False,
    tables: Sequence[Any] = (),
    warmup: Sequence[bytes] = (),
) -> None:
    """Writes a SavedModel that runs where only `tensorflow` and `tensorflow_text` are imported.

    Args:
        folder: The SavedModel's folder.
        model: Owner of all variables that the functions use.
        signatures: Name → function; TF Serving answers `serving_default` unless asked for another.
        files: Name → content of text files to put beside, such as the model card.
        overwrite: Replace a folder that is there already.
        freeze: Write the weights into the graphs as constants, see `frozen`; a copy for each function.
        tables: Weights that stay variables all the same: those of which the functions only take rows.
        warmup: Requests for TensorFlow Serving to send when it loads the model, see `warmup_requests`.

    Raises:
        InputError: The folder holds something and `overwrite` is False, its path holds `*`, `?`, `[` or a backslash,
            the disk is full, or the weights are too large to be constants; what was there before is unchanged.

    Example:
        >>> double = Signature(lambda x: {"y": 2 * x}, {"x": tf.TensorSpec([None], tf.float32, name="x")})
        >>> write_saved_model("export/models/double/1", model, {"serving_default": double}, {})  # doctest: +SKIP
    """
    check_target(folder, overwrite, tensorflow=True)
    module = tf.Module()
    if freeze:
        module.tables = [tf.Variable(table.value, trainable=False, name=table.name) for table in tables]
        signatures = frozen(model, signatures, list(zip(tables, module.tables, strict=True)))
    else:
        module.model_variables = [variable.value for variable in model.variables]
    functions = {
        name: graph_function(in_one_thread(signature).function).get_concrete_function(**signature.inputs)
        for name, signature in signatures.items()
    }
    with atomic_folder(folder, overwrite, tensorflow=True) as temporary:
        tf.saved_model.save(module, str(temporary), signatures=functions)
        for name, content in files.items():
            (temporary / name).write_text(content, encoding="utf-8")
        write_warmup(temporary, warmup)
