"""A function of a SavedModel and what it takes."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf


class Signature(NamedTuple):
    """One function of a SavedModel.

    Attributes:
        function: Called with keyword arguments, tensors named as in `inputs`; returns a dict of tensors.
        inputs: Name → spec of each argument; the spec bears the same name.
        frozen: An export with frozen weights, which has a copy of them for each function, has this one too.

    Example:
        >>> import tensorflow as tf
        >>> specs = {"text": tf.TensorSpec([None], tf.string, "text")}
        >>> signature = Signature(lambda text: {"bytes": tf.strings.length(text)}, specs)
        >>> signature.function(tf.constant(["film"]))["bytes"].numpy().tolist()
        [4]
    """

    function: Callable[..., dict[str, Any]]
    inputs: Mapping[str, tf.TensorSpec]
    frozen: bool = True
