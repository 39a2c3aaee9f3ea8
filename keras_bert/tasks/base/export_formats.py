"""Exports of a task as something else than a SavedModel: what is possible, and how it is handed to a writer."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_bert.checkpoints.hugging_face import hugging_face_fields
from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files
from keras_bert.checkpoints.tokenizer_json import write_tokenizer_json
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import check_target
from keras_bert.serving.formats.network import INPUTS, Network
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.long_texts import refuse_long_texts
from keras_bert.text.long_texts import HEAD_TAIL, WINDOWS

FORMATS = {
    "saved_model": ("float32", "bfloat16", "int8"),
    "litert": ("float32", "int8"),
    "onnx": ("float32", "int8"),
}
"""The numbers that each format can have."""

DTYPES = ("float32", "bfloat16", "int8")

# What a writer, and who answers from what it wrote, needs: (module, extra).
_PACKAGES = {"litert": ("ai_edge_litert", "tokenizers"), "onnx": ("onnx", "onnxruntime", "tokenizers")}
_BY_WORDS = ("tag", "answer")  # kinds of tasks that answer with whole words
_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "int8": "float32"}


def check_format(format: str, dtype: str | None) -> None:
    """Checks that there is such a format, that it can have these numbers, and that its packages are installed.

    Raises:
        InputError: Names what there is, or what to install.
    """
    if format not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, received: {format!r}")
    if dtype is not None and dtype not in FORMATS[format]:
        if dtype not in DTYPES:
            raise InputError(f"dtype must be one of {', '.join(DTYPES)}, received: {dtype!r}")
        raise InputError(f"format={format!r} has no dtype={dtype!r}; it has: {', '.join(FORMATS[format])}")
    for package in _PACKAGES.get(format, ()):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"format={format!r} needs {package}; pip install 'bert-for-keras[{format}]'")


def export_format(
    task: Any, folder: str | Path, format: str, dtype: str | None, overwrite: bool, card: Mapping[str, Any] | None
) -> None:
    """Writes a task as LiteRT or ONNX; see `BertTask.export`.

    Args:
        task: The task.
        folder: Where to write.
        format: `"litert"` or `"onnx"`.
        dtype: Numbers of the weights; None: float32.
        overwrite: Replace a folder that is there already.
        card: Facts for the model card.

    Raises:
        InputError: The format cannot hold the task, or the folder holds something and `overwrite` is False.
    """
    check_target(folder, overwrite)
    network = network_of(task, format, card)
    if format == "litert":
        from keras_bert.serving.formats.litert import write_litert as write
    else:
        from keras_bert.serving.formats.onnx import write_onnx as write
    write(network, folder, dtype or "float32", overwrite)


def network_of(task: Any, format: str, card: Mapping[str, Any] | None = None) -> Network:
    """Describes a task for a writer.

    Raises:
        InputError: The task is none of those that another format can hold.
    """
    refuse_long_texts(task, f"format={format!r}", HEAD_TAIL, WINDOWS)
    task = in_dtype(task, "float32")
    portable = task.portable()
    if portable is None:
        raise InputError(f"a {type(task).__name__} cannot be exported as {format}; format='saved_model' can hold it")
    if task.tokenizer.get_merges() is not None and portable.answering["kind"] in _BY_WORDS:
        raise InputError(
            f"a {type(task).__name__} with a byte-level vocabulary cannot be exported as {format}: where its words "
            "begin is told by TensorFlow's graph; format='saved_model' can hold it"
        )
    names = {**INPUTS, **{name: name for name in portable.inputs}}

    def function(**inputs: Any) -> dict[str, Any]:
        own = {names[name]: tensor for name, tensor in inputs.items()}
        return portable.outputs(task(own, training=False))

    def write_files(folder: Path) -> None:
        tokenizer, config = task.tokenizer, task.encoder.config
        metadata = {"architectures": [task.architecture], **task.metadata()}
        text = to_json(hugging_face_fields(config, metadata), indent=2) + "\n"
        (folder / "config.json").write_text(text, encoding="utf-8")
        vocabulary, merges, length = tokenizer.get_vocabulary(), tokenizer.get_merges(), task.preprocessor.max_length
        write_tokenizer_files(folder, vocabulary, tokenizer.settings, merges, length)
        if merges is None:  # a byte-level BPE has written its own
            write_tokenizer_json(folder, vocabulary, tokenizer.settings)

    tokenizer = task.tokenizer
    shared = {
        **task.preprocessor.settings,
        "text_fields": list(task.text_fields),
        "tokenizer": {
            "kind": "word_piece" if tokenizer.get_merges() is None else "byte_level",
            "special_tokens_in_text": tokenizer.special_tokens_in_text,
            "pad": tokenizer.pad_token_id,
            "unknown": tokenizer.unk_token_id,
            "cls": tokenizer.cls_token_id,
            "sep": tokenizer.sep_token_id,
        },
        "inputs": list(names),
    }
    return Network(
        model=task,
        signature=Signature(function, {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in names}),
        config=task.encoder.config,
        head=portable.head,
        weights={weight.name: weight.read() for weight in task.weights_by_name()},
        answering={"task": type(task).__name__, **shared, **portable.answering},
        card=lambda facts: task.card({**(card or {}), "format": dict(facts)}),
        write_files=write_files,
    )


def in_dtype(task: Any, dtype: str | None) -> Any:
    """Returns a task that computes in a dtype: itself, or a copy with the same weights.

    Args:
        task: The task.
        dtype: `"float32"`, `"bfloat16"`, or `"int8"`, whose other numbers are float32; None: as it computes.
    """
    policy = task.encoder.dtype_policy.name if dtype is None else _POLICIES[dtype]
    if task.encoder.dtype_policy.name == policy:
        return task
    config = task.get_config()
    config["encoder"]["config"]["dtype"] = keras.dtype_policies.serialize(keras.dtype_policies.get(policy))
    copy = type(task).from_config(config)
    copy.set_weights(task.get_weights())
    copy.take_history(task)
    return copy
