"""`from_preset` of the classes below the room that opens checkpoints: a hook that this room fills.

`BertEncoder` and `BertTokenizer` know nothing of files. Their `from_preset` asks here; `keras_bert.checkpoints` puts
its functions here when it is loaded, which is at the first call at the latest.
"""

import importlib
from collections.abc import Callable
from typing import Any

_OPENERS: dict[str, Callable[..., Any]] = {}
_HOME = "keras_bert.checkpoints"


def register_opener(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function the opener of a kind of part: `"encoder"`, `"tokenizer"`, `"preprocessor"`.

    Args:
        kind: What it opens.

    Returns:
        A decorator, which gives back the function.
    """

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        _OPENERS[kind] = function
        return function

    return keep


def open_part(kind: str, handle: Any, **options: Any) -> Any:
    """Opens a part of a checkpoint with the function that is registered for it.

    Args:
        kind: What to open.
        handle: A folder or a handle; see `keras_bert.checkpoints.resolve`.
        **options: Those of the function.

    Returns:
        What the function gives.

    Raises:
        InputError: The handle does not open.
    """
    if kind not in _OPENERS:
        importlib.import_module(_HOME)  # a room above: by its name, and only when it is called for
    return _OPENERS[kind](handle, **options)
