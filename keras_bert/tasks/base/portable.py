"""What a task says of itself to formats other than SavedModel."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from keras_bert.serving.formats.network import Head


@dataclasses.dataclass(frozen=True)
class Portable:
    """The part of a `Network` that only the task knows.

    Attributes:
        outputs: From what the model gives to float32 tensors by name, see `Network.signature`.
        head: How these are made of hidden states.
        answering: What its answers need, as JSON can hold it; `kind` names the task as `--task` does.
        inputs: Inputs beside those of the encoder, by our names.
    """

    outputs: Callable[[Any], dict[str, Any]]
    head: Head
    answering: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
