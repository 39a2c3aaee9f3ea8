"""What the layers of the package have in common: they name an argument that nothing reads, and the near one."""

from typing import Any

import keras

from keras_bert.arguments import LAYER_ARGUMENTS, arguments_of, refuse_unknown

_OF_KERAS = (*LAYER_ARGUMENTS, "input_dim", "input_shape")


class CheckedLayer(keras.layers.Layer):
    """Base of layers: `keras.layers.Layer`, with a clear word for a misspelt argument.

    Args:
        **kwargs: Those of `keras.layers.Layer`, and nothing else.

    Raises:
        InputError: One is none of these; names the near one.

    Example:
        >>> from keras_bert.layers import Linear
        >>> Linear(3, initializer_rnge=0.1)
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: Linear takes no argument 'initializer_rnge'; did you mean 'initializer_range'?
    """

    def __init__(self, **kwargs: Any) -> None:
        check_layer_arguments(type(self), kwargs)
        super().__init__(**kwargs)


def check_layer_arguments(cls: type, given: dict[str, Any]) -> None:
    """Refuses what a layer's `**kwargs` hold beside the arguments of every layer; an `InputError`.

    Args:
        cls: The layer's class.
        given: Its `kwargs`.
    """
    if not set(given) <= set(_OF_KERAS):
        own = [vars(base)["__init__"] for base in cls.__mro__ if "__init__" in vars(base) and base not in _BASES]
        refuse_unknown(cls.__name__, given, (*arguments_of(*own), *LAYER_ARGUMENTS))


_BASES = (CheckedLayer, *keras.layers.Dropout.__mro__)
