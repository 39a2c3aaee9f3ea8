"""Opening a saved model as the task it was trained for."""

from pathlib import Path
from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.tasks.base.task import BertTask, open_preset
from keras_bert.tasks.embedding.embedder import BertEmbedder
from keras_bert.tasks.pooled.classifier import BertClassifier
from keras_bert.tasks.pooled.head import problem_type_of
from keras_bert.tasks.pooled.multiple_choice import BertMultipleChoice, has_choices
from keras_bert.tasks.pooled.regressor import REGRESSION, BertRegressor
from keras_bert.tasks.pretraining.pretrainer import BertPretrainer
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.tasks.tagging.head import labels_tokens
from keras_bert.tasks.tagging.tagger import BertTokenClassifier


def open_task(handle: str | Path | Checkpoint, **options: Any) -> BertTask:
    """Opens a folder with a trained model as the task that its files name; a masked-word head is that of a pretrainer.

    A folder of sentence-transformers opens as an embedder.

    Args:
        handle: A folder that `save_preset` wrote, or one of `transformers` with a head; or a hub handle;
            or a checkpoint that `open_checkpoint` gave.
        **options: Further arguments of the task's `from_preset`, such as `dtype`.

    Raises:
        InputError: The folder does not open, or holds no head of a task known here.

    Example:
        >>> open_task("runs/sst2/model").answer(["a gripping film"])  # doctest: +SKIP
    """
    checkpoint = open_preset(handle)
    if labels_tokens(checkpoint):
        return BertTokenClassifier.from_preset(checkpoint, **options)
    if BertQuestionAnswerer.architecture in (checkpoint.metadata.get("architectures") or ()):
        return BertQuestionAnswerer.from_preset(checkpoint, **options)
    if problem_type_of(checkpoint) == REGRESSION:
        return BertRegressor.from_preset(checkpoint, **options)
    if problem_type_of(checkpoint) is None and "cls.predictions.bias" in checkpoint.tensors:
        return BertPretrainer.from_preset(checkpoint, **options)
    if has_choices(checkpoint):
        return BertMultipleChoice.from_preset(checkpoint, **options)
    if problem_type_of(checkpoint) is None and "sentence_embedding" in checkpoint.extra:
        return BertEmbedder.from_preset(checkpoint, **options)
    return BertClassifier.from_preset(checkpoint, **options)
