"""`explain` of every task: a hook to the room above the tasks, which explains them.

A task does not know of that room; it is found by its name, at the first call.
"""

import importlib
from collections.abc import Sequence
from typing import Any

_HOME = "keras_bert.trust.explain.explain"


def explain(model: Any, texts: Sequence[Any], **options: Any) -> list[dict[str, Any]]:
    """Explains a task's answers to texts.

    Args:
        model: The task.
        texts: As for `keras_bert.trust.explain`.
        **options: Those of `keras_bert.trust.explain`.

    Returns:
        What that function gives.

    Raises:
        InputError: As there.
    """
    return importlib.import_module(_HOME).explain(model, texts, **options)
