"""What an embedder says of itself to formats other than SavedModel."""

from typing import Any

from keras_bert.serving.formats.network import Head
from keras_bert.tasks.base.portable import Portable


def embedder_portable(task: Any) -> Portable:
    """Describes a `BertEmbedder`: how its vectors are pooled, and its prompts."""
    poolings = (task.pooling,) if isinstance(task.pooling, str) else tuple(task.pooling)
    modules = tuple(dict(module) for module in task.modules)
    size = task.vector_size if task.truncate_dim else None
    answering = {
        "kind": "embed",
        "prompts": task.prompts.texts,
        "default_prompt": task.prompts.default,
        "include_prompt": task.include_prompt,
        "similarity": task.similarity,
        "size": task.vector_size,
    }
    return Portable(
        lambda outputs: {"sentence_embedding": task.answers(outputs)["embedding"]},
        Head(poolings, None, modules=modules, normalize=task.normalize, size=size),
        answering,
        inputs=() if task.include_prompt else ("pooling_mask",),
    )
