"""Making a student: of chosen blocks of its teacher, of another checkpoint, or from nothing."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask, open_preset
from keras_bert.text.preprocessor import BertPreprocessor

_LAYER = "bert.encoder.layer."


def make_student(
    teacher: BertTask,
    layers: int | None = None,
    *,
    teacher_layers: Sequence[int] | None = None,
    hidden_size: int | None = None,
    preset: str | Path | Checkpoint | None = None,
    dtype: Any = None,
) -> Any:
    """Makes a student of the same task, with the labels, the tokenizer and the settings of its teacher.

    Args:
        teacher: The teacher, a task of any kind.
        layers: Blocks. By themselves: embeddings, head and as many of the teacher's blocks, spread evenly from the
            lowest on (3 of 6: 0, 2, 4). With `hidden_size`: of a start from nothing.
        teacher_layers: Which of the teacher's blocks, from 0.
        hidden_size: Width of a start from nothing: random weights, the teacher's number of heads if it divides the
            width, else 64 a head, a feed-forward layer of four times the width.
        preset: In place of all these a checkpoint with the same vocabulary; a head that is not the teacher's starts
            fresh.
        dtype: Dtype policy, such as `"mixed_bfloat16"`.

    Returns:
        The student, of the teacher's class.

    Raises:
        InputError: The teacher lacks a block, the student would be wider than what is copied, the preset has another
            vocabulary, or arguments do not go together.

    Example:
        >>> teacher = keras_bert.BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> student = make_student(teacher, layers=3)
        >>> student.encoder.config.num_hidden_layers, student.labels
        (3, ('negative', 'positive'))

    References:
        Sanh et al. 2019, arXiv:1910.01108, section 2: every second block as the start.
    """
    if preset is not None:
        if layers is not None or teacher_layers is not None or hidden_size is not None:
            raise InputError("a student's checkpoint says its sizes: leave out layers, teacher_layers and hidden_size")
        return _of_preset(teacher, open_preset(preset), dtype)
    own = teacher.encoder.config
    if teacher_layers is None and layers is None:
        raise InputError("say how large the student is: layers, teacher_layers, or a checkpoint of its own")
    if teacher_layers is not None:
        if layers not in (None, len(teacher_layers)):
            raise InputError(f"layers={layers}, and teacher_layers names {len(teacher_layers)}; leave out one of them")
        if hidden_size not in (None, own.hidden_size):
            raise InputError(
                f"layers are copied as wide as they are: hidden_size={hidden_size}, the teacher has {own.hidden_size}; "
                "leave out teacher_layers for a start from nothing"
            )
        return _like(teacher, *_of_layers(teacher, teacher_layers), dtype)
    assert layers is not None
    if hidden_size is None:
        return _like(teacher, *_of_layers(teacher, even_layers(own.num_hidden_layers, layers)), dtype)
    return _like(teacher, Checkpoint(_fresh_config(own, layers, hidden_size), {}, "random weights"), (), dtype)


def even_layers(blocks: int, wanted: int) -> tuple[int, ...]:
    """Chooses blocks, from 0, that are spread evenly from the lowest on.

    Raises:
        InputError: There are not as many.

    Example:
        >>> even_layers(6, 3)
        (0, 2, 4)
    """
    if not 1 <= wanted <= blocks:
        raise InputError(f"layers={wanted}: the teacher has {blocks} to copy; hidden_size makes a student from nothing")
    return tuple(index * blocks // wanted for index in range(wanted))


def check_same_inputs(student: BertTask, teacher: BertTask) -> None:
    """Checks that two models are of one task and read a text alike, so that one can learn from the other.

    Raises:
        InputError: Says what differs.
    """
    if type(student) is not type(teacher):
        raise InputError(f"the student is a {type(student).__name__}, its teacher a {type(teacher).__name__}")
    for name in ("labels", "problem_type", "scheme", "text_pair"):
        ours, theirs = getattr(student, name, None), getattr(teacher, name, None)
        if ours != theirs:
            raise InputError(f"the student has {name}={ours!r:.200}, its teacher {theirs!r:.200}")
    if student.tokenizer.fingerprint() != teacher.tokenizer.fingerprint():
        raise InputError(
            "student and teacher cut text with different vocabularies, so that the tokens of one are none of the other"
        )
    if set(student.input) != set(teacher.input):
        raise InputError(f"the student reads {', '.join(student.input)}, its teacher {', '.join(teacher.input)}")
    longest, rows = student.preprocessor.max_length, teacher.encoder.config.max_position_embeddings
    if longest > rows:
        raise InputError(f"the student reads {longest} tokens (max_length), its teacher {rows}")


def _of_layers(teacher: BertTask, layers: Sequence[int]) -> tuple[Checkpoint, tuple[str, ...]]:
    """Takes the weights of a teacher with some of its blocks only."""
    blocks = teacher.encoder.config.num_hidden_layers
    wrong = [layer for layer in layers if not 0 <= layer < blocks]
    if wrong or not layers or len(set(layers)) < len(layers):
        raise InputError(
            f"teacher_layers are some of the teacher's layers 0 to {blocks - 1}, each once, "
            f"received: {', '.join(map(str, layers)) or 'none'}"
        )
    places = {f"{_LAYER}{layer}": f"{_LAYER}{index}" for index, layer in enumerate(layers)}
    tensors = {}
    for weight in teacher.weights_by_name():
        block, dot, rest = weight.name.removeprefix(_LAYER).partition(".")
        name = weight.name
        if name.startswith(_LAYER):
            place = places.get(_LAYER + block)
            if place is None:
                continue
            name = place + dot + rest
        tensors[name] = weight.read()
    config = dataclasses.replace(teacher.encoder.config, num_hidden_layers=len(layers))
    return Checkpoint(config, tensors, f"layers {', '.join(map(str, layers))} of the teacher"), ()


def _of_preset(teacher: BertTask, checkpoint: Checkpoint, dtype: Any) -> Any:
    if checkpoint.vocabulary is None or checkpoint.tokenizer().fingerprint() != teacher.tokenizer.fingerprint():
        raise InputError(
            f"{checkpoint.source}: cuts text with another vocabulary than the teacher, so that the tokens of one are "
            "none of the other; take a checkpoint with the teacher's"
        )
    heads = teacher.head_weights()
    # As many outputs; the width is the student's own.
    fits = all(
        weight.name in checkpoint.tensors and len(checkpoint.tensors[weight.name]) == weight.shape[0]
        for weight in heads
    )
    labels = getattr(teacher, "labels", None)
    is_trained = fits and (labels is None or list(labels) == checkpoint.labels)
    return _like(teacher, checkpoint, () if is_trained else tuple(weight.name for weight in heads), dtype)


def _like(teacher: Any, checkpoint: Checkpoint, new: Sequence[str], dtype: Any) -> Any:
    """Makes a task like another, with the encoder and the weights of a checkpoint."""
    config = {
        name: value
        for name, value in teacher.get_config().items()
        if name not in ("encoder", "preprocessor", "name", "trainable", "frozen")
    }
    settings = teacher.preprocessor.settings
    limit = checkpoint.config.max_position_embeddings
    if settings["max_length"] > limit:
        raise InputError(
            f"{checkpoint.source}: reads {limit} tokens at most, the teacher {settings['max_length']} (max_length)"
        )
    encoder = BertEncoder(checkpoint.config, use_pooler=teacher.encoder.use_pooler, dtype=dtype)
    width = teacher.preprocessor.pad_to_multiple_of
    preprocessor = BertPreprocessor(teacher.tokenizer, pad_to_multiple_of=width, **settings)
    student = type(teacher)(encoder, preprocessor, **config)
    student.load_checkpoint(checkpoint, new=new)
    student.row_settings = teacher.row_settings
    return student


def _fresh_config(teacher: BertConfig, layers: int, hidden_size: int) -> BertConfig:
    heads = teacher.num_attention_heads
    return dataclasses.replace(
        teacher,
        num_hidden_layers=layers,
        hidden_size=hidden_size,
        num_attention_heads=heads if hidden_size % heads == 0 else max(1, hidden_size // 64),
        intermediate_size=4 * hidden_size,
    )
