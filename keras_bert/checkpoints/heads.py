"""The heads that sit on a BERT encoder, told by the names of their tensors."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert.checkpoints.names import POOLER

# Why a tensor of a file may go unused, by the prefix of its name.
UNUSED = {
    POOLER: "the pooler, which this model does not use",
    "cls.predictions.": "the masked-word head, of another task",
    "cls.seq_relationship.": "the next-sentence head, of another task",
    "classifier.": "the head of another task",
    "qa_outputs.": "the question-answering head, of another task",
}

# The inner layer of a next-sentence head that has one (Model Garden); Hugging Face's has none.
NEXT_SENTENCE_INNER = "cls.seq_relationship.dense."


def unused_reason(name: str) -> str:
    """Says why a tensor of a file found no place in a model."""
    for prefix, reason in UNUSED.items():
        if name.startswith(prefix):
            return reason
    return "not a tensor of this model"


def describe_heads(tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Returns `architectures`, and labels where the head has some, for a file that does not say.

    A next-sentence head with an inner layer of its own is no `BertForPreTraining` of transformers, which
    would give other answers with it, so such a checkpoint is called `BertForMaskedLM`.

    Args:
        tensors: Tensors in Hugging Face's names.

    Returns:
        Fields of Hugging Face's `config.json`.

    Example:
        >>> describe_heads({"qa_outputs.weight": np.zeros((2, 4))})
        {'architectures': ['BertForQuestionAnswering']}
    """
    if "classifier.weight" in tensors:
        labels = default_labels(len(tensors["classifier.weight"]))
        return {"architectures": ["BertForSequenceClassification"], **labels}
    if "qa_outputs.weight" in tensors:
        return {"architectures": ["BertForQuestionAnswering"]}
    inner = any(name.startswith(NEXT_SENTENCE_INNER) for name in tensors)
    if "cls.seq_relationship.weight" in tensors and not inner:
        return {"architectures": ["BertForPreTraining"]}
    if "cls.predictions.bias" in tensors:
        return {"architectures": ["BertForMaskedLM"]}
    return {"architectures": ["BertModel"]}


def default_labels(count: int) -> dict[str, Any]:
    """Returns `id2label` and `label2id` for a head of which only the size is known, as transformers does."""
    names = [f"LABEL_{index}" for index in range(count)]
    return {
        "id2label": {str(index): name for index, name in enumerate(names)},
        "label2id": {name: index for index, name in enumerate(names)},
    }
