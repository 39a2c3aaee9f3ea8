"""Opening a saved model as the task it was trained for."""

from pathlib import Path
from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import CHOICES, QUESTIONS, SEQUENCES, TOKENS, head_of
from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask, open_preset
from keras_bert.tasks.embedding.embedder import BertEmbedder
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq, writes
from keras_bert.tasks.pooled.classifier import BertClassifier
from keras_bert.tasks.pooled.head import REGRESSION, problem_type_of
from keras_bert.tasks.pooled.multiple_choice import BertMultipleChoice
from keras_bert.tasks.pooled.regressor import BertRegressor
from keras_bert.tasks.pretraining.pretrainer import BertPretrainer
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.tasks.tagging.tagger import BertTokenClassifier


def open_task(handle: str | Path | Checkpoint, pad_vocabulary: bool = False, **options: Any) -> BertTask:
    """Opens a folder with a trained model as the task that its files name; a masked-word head is that of a pretrainer.

    A folder of sentence-transformers opens as an embedder.

    Args:
        handle: A folder that `save_preset` wrote, or one of `transformers` with a head; or a hub handle;
            or a checkpoint that `open_checkpoint` gave.
        pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
        **options: Further arguments of the task's `from_preset`, such as `dtype`.

    Raises:
        InputError: The folder does not open, or holds no head of a task known here.

    Example:
        >>> task = open_task("minilm")
        >>> type(task).__name__, task.answer(["a film"])[0].keys()
        ('BertEmbedder', dict_keys(['embedding']))
    """
    checkpoint = open_preset(handle, pad_vocabulary)
    return task_class(checkpoint).from_preset(checkpoint, **options)


def task_class(checkpoint: Checkpoint) -> Any:
    """Tells the class of the task that a checkpoint was trained for.

    Args:
        checkpoint: An opened checkpoint.

    Raises:
        InputError: It has no head of a task known here.
    """
    head = head_of(checkpoint)
    if head == SEQUENCES:
        return BertRegressor if problem_type_of(checkpoint) == REGRESSION else BertClassifier
    if head is not None:
        return {TOKENS: BertTokenClassifier, CHOICES: BertMultipleChoice, QUESTIONS: BertQuestionAnswerer}[head]
    if writes(checkpoint):
        return BertSeq2Seq
    if "cls.predictions.bias" in checkpoint.tensors:
        return BertPretrainer
    if "sentence_embedding" in checkpoint.extra:
        return BertEmbedder
    raise InputError(
        f"{checkpoint.source}: no trained head there, only an encoder; train one, keras-bert finetune --preset=..., "
        "or open it as the task that you want, such as BertClassifier.from_preset(..., labels=[...])"
    )
