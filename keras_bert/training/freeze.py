"""Keeping parts of an encoder as they are."""

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError


def freeze(encoder: BertEncoder, blocks: int) -> None:
    """Makes the embeddings and the lowest blocks of an encoder untrainable.

    Call it before `compile`. A `.keras` file keeps it; a folder of `save_preset` holds the weights alone.

    Args:
        encoder: The encoder of a task, `task.encoder`.
        blocks: Blocks to freeze, from the lowest; the embeddings are frozen with them. All of them freezes
            the encoder but for its pooler.

    Raises:
        InputError: The encoder has not that many blocks.

    Example:
        >>> import numpy as np
        >>> task = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> freeze(task.encoder, blocks=6)
        >>> sum(int(np.prod(v.shape)) for v in task.trainable_variables)  # pooler and head
        148610
    """
    if not 0 <= blocks <= len(encoder.blocks):
        raise InputError(f"the encoder has {len(encoder.blocks)} blocks, cannot freeze {blocks}")
    encoder.embeddings.trainable = False
    for block in encoder.blocks[:blocks]:
        block.trainable = False
