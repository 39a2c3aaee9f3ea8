"""Importing the libraries that only scoring and drawing need."""

import importlib
import types

from keras_bert.errors import InputError


def import_extra(name: str, extra: str = "train") -> types.ModuleType:
    """Imports a module of an extra.

    Args:
        name: The module, such as `"sklearn.metrics"`.
        extra: The extra of pyproject.toml that it belongs to.

    Raises:
        InputError: It is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.split(".", 1)[0]
        raise InputError(f"{package} is not installed; pip install 'bert-for-keras[{extra}]'") from error
