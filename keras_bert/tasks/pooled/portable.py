"""What tasks with one vector a text say of themselves to formats other than SavedModel."""

from typing import Any

from keras_bert.serving.formats.network import Head
from keras_bert.tasks.base.portable import Portable


def pooled_portable(
    task: Any, kind: str, answering: dict[str, Any], activation: str = "linear", temperature: float = 1.0
) -> Portable:
    """Describes a task whose head is pooling → dense layer.

    Args:
        task: The task, with `pooling`.
        kind: The task as `--task` names it.
        answering: What its answers need.
        activation: What its outputs go through.
        temperature: What its outputs are divided by, in the graph of every format.
    """
    marker_ids = tuple(getattr(task, "marker_ids", ()))
    head = Head((task.pooling,), "classifier", marker_ids, activation, temperature=temperature)
    shared = {"kind": kind, **({"marker_ids": list(marker_ids)} if marker_ids else {})}
    return Portable(
        lambda outputs: {"logits": outputs if temperature == 1 else outputs / temperature},
        head,
        {**shared, **answering},
    )
