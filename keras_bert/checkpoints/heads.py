"""The heads that sit on a BERT encoder, told by their tensors; the config only where these leave it open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert.checkpoints.names import POOLER

if TYPE_CHECKING:
    from keras_bert.checkpoints.checkpoint import Checkpoint

SEQUENCES = "BertForSequenceClassification"
TOKENS = "BertForTokenClassification"
CHOICES = "BertForMultipleChoice"
QUESTIONS = "BertForQuestionAnswering"
OWN_SEQUENCES = "KerasBertForSequenceClassification"
"""A head on another vector than that of BERT's pooler: transformers' class would put a random pooler before it."""

CLASSIFIER = "classifier.weight"
_HEADS = {SEQUENCES: CLASSIFIER, TOKENS: CLASSIFIER, CHOICES: CLASSIFIER, QUESTIONS: "qa_outputs.weight"}

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
    if CLASSIFIER in tensors:
        pooler = any(name.startswith(POOLER) for name in tensors)
        return {"architectures": [SEQUENCES if pooler else TOKENS], **default_labels(len(tensors[CLASSIFIER]))}
    if "qa_outputs.weight" in tensors:
        return {"architectures": [QUESTIONS]}
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


def has_head(checkpoint: "Checkpoint", architecture: str) -> bool:
    """Says whether a checkpoint has a head that a task can take.

    A `config.json` that names the class of a head decides which one it is; where it names none, or only an encoder,
    the caller knows, and a head whose tensors fit is the one that is meant.

    Args:
        checkpoint: An opened checkpoint.
        architecture: The task's class in transformers: `SEQUENCES`, `TOKENS`, `CHOICES` or `QUESTIONS`.
    """
    weight = checkpoint.tensors.get(_HEADS[architecture])
    if weight is None:
        return False
    named = _named(checkpoint)
    if named:
        return architecture in named
    return architecture != CHOICES or len(weight) == 1


def head_of(checkpoint: "Checkpoint") -> str | None:
    """Tells which head a checkpoint has, where nobody says.

    The class that its `config.json` names, if the tensors of that head are there. Otherwise `classifier.weight` labels
    tokens if there is no pooler, which transformers' class for tokens lacks, or if its names are tags (`B-PER`); it
    chooses if it has one row and the config does not say so (`BertForMultipleChoice` keeps the default of two labels);
    else it labels texts.

    Args:
        checkpoint: An opened checkpoint.

    Returns:
        `SEQUENCES`, `TOKENS`, `CHOICES`, `QUESTIONS`, or None where there is no such head.
    """
    named = _named(checkpoint)
    if named:
        return named[0]
    weight = checkpoint.tensors.get(CLASSIFIER)
    if weight is None:
        return QUESTIONS if has_head(checkpoint, QUESTIONS) else None
    if "pooling" in checkpoint.extra:  # keras_bert.json of a task with one vector a text
        return SEQUENCES
    has_pooler = any(name.startswith(POOLER) for name in checkpoint.tensors)
    if not has_pooler or any(name[:2] in ("B-", "I-") for name in checkpoint.labels or ()):
        return TOKENS
    metadata = checkpoint.metadata
    count = len(metadata.get("id2label") or metadata.get("label2id") or ()) or metadata.get("num_labels")
    return CHOICES if len(weight) == 1 and count != 1 and not metadata.get("problem_type") else SEQUENCES


def head_in_words(checkpoint: "Checkpoint") -> str:
    """Describes the head of a checkpoint for a message: its class, its outputs and their names."""
    architecture = head_of(checkpoint)
    if architecture in (None, QUESTIONS):
        return architecture or "none"
    rows = len(checkpoint.tensors[CLASSIFIER])
    names = ", ".join((checkpoint.labels or [])[:8]) + (", ..." if rows > 8 else "")
    return f"{architecture} with {rows} output{'s' * (rows != 1)}" + (f": {names}" if rows > 1 else "")


def is_cross_encoder(metadata: Mapping[str, Any]) -> bool:
    """Says whether `config.json` is that of a `CrossEncoder` of sentence-transformers, which takes pairs of texts."""
    return "sentence_transformers" in metadata or _OLD_ACTIVATION in metadata


def cross_encoder_activation(metadata: Mapping[str, Any], outputs: int) -> str:
    """Returns what a `CrossEncoder` does to its head's outputs: `"Sigmoid"`, `"Identity"`, or another class of torch.

    Args:
        metadata: Fields of `config.json`.
        outputs: Outputs of the head; with one the library's default is the sigmoid.

    Example:
        >>> cross_encoder_activation({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, 1)
        'Identity'

    References:
        sentence-transformers, cross_encoder/CrossEncoder.py, `get_default_activation_fn`.
    """
    newer = metadata.get("sentence_transformers")
    told = newer.get("activation_fn") if isinstance(newer, Mapping) else None
    told = told or metadata.get(_OLD_ACTIVATION)
    return str(told).rpartition(".")[2].removesuffix("()") if told else "Sigmoid" if outputs == 1 else "Identity"


_OLD_ACTIVATION = "sbert_ce_default_activation_function"


def _named(checkpoint: "Checkpoint") -> list[str]:
    """Returns the classes with a head that `config.json` names and whose tensors are there."""
    told = checkpoint.metadata.get("architectures") or ()
    told = [SEQUENCES if name == OWN_SEQUENCES else name for name in ([told] if isinstance(told, str) else told)]
    return [name for name in told if name in _HEADS and _HEADS[name] in checkpoint.tensors]
