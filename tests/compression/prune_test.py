"""Pruned checkpoints: smaller matrices with the answers of the masked model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert import runtime
from keras_bert.checkpoints import Checkpoint, open_checkpoint
from keras_bert.checkpoints.save import save_checkpoint
from keras_bert.compression import Importance, prune
from keras_bert.errors import InputError
from keras_bert.tasks import BertTask, open_task
from tests.tasks import tiny


def importance(seed: int = 0, layers: int = 2, columns: int = 64, heads: int = 4) -> Importance:
    rng = np.random.default_rng(seed)
    return Importance(rng.random((layers, columns)), rng.random((layers, heads)), 8)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[BertTask, Checkpoint]:
    task = tiny.classifier()
    task.save_preset(tmp_path / "model")
    return task, open_checkpoint(tmp_path / "model")


def mask(task: BertTask, kept: list[np.ndarray]) -> None:
    for block, columns in zip(task.encoder.blocks, kept, strict=True):
        kernel = block.output_dense.kernel
        kernel.assign(np.where(np.isin(np.arange(64), columns)[:, None], kernel.numpy(), 0))


def test_the_masked_model_and_the_pruned_one_answer_alike(saved, tmp_path: Path):
    task, checkpoint = saved
    found = importance()
    small = prune(checkpoint, found, keep_ffn=0.25)
    assert (small.config.intermediate_size, checkpoint.config.intermediate_size) == (16, 64)
    assert small.tensors["bert.encoder.layer.1.intermediate.dense.weight"].shape == (16, 32)
    mask(task, [np.argsort(line)[-16:] for line in found.columns])
    inputs = task.preprocessor(tiny.TEXTS)
    np.testing.assert_allclose(open_task(small)(inputs), task(inputs), atol=1e-5)
    save_checkpoint(tmp_path / "small", small)
    again = open_task(tmp_path / "small")
    np.testing.assert_allclose(again(inputs), task(inputs), atol=1e-5)
    assert again.labels == task.labels


def test_columns_of_zeros_are_not_missed(saved):
    task, _ = saved
    found = importance()
    mask(task, [np.argsort(line)[-32:] for line in found.columns])
    inputs = task.preprocessor(tiny.TEXTS)
    before = np.asarray(task(inputs))
    tensors = {weight.name: weight.read() for weight in task.weights_by_name()}
    checkpoint = saved[1]
    checkpoint.tensors = tensors
    np.testing.assert_allclose(open_task(prune(checkpoint, found, keep_ffn=0.5))(inputs), before, atol=1e-6)


def test_without_heads_as_with_heads_of_zeros(saved, tmp_path: Path):
    task, checkpoint = saved
    fields = checkpoint.config.to_dict()  # as a folder of transformers has them
    del fields["attention_head_size"], fields["norm_first"]
    checkpoint.metadata |= fields
    found = importance()
    small = prune(checkpoint, found, keep_heads=0.5)
    config = small.config
    assert (config.num_attention_heads, config.head_size, config.attention_size, config.hidden_size) == (2, 8, 16, 32)
    assert small.tensors["bert.encoder.layer.0.attention.self.query.weight"].shape == (16, 32)
    assert small.tensors["bert.encoder.layer.0.attention.output.dense.weight"].shape == (32, 16)
    assert small.notes[-1].endswith("64 of 64 feed-forward columns a layer, 2 of 4 heads, 2 of 2 layers (1, 2)")
    for block, line in zip(task.encoder.blocks, found.heads, strict=True):
        kernel = block.attention.output_dense.kernel
        kernel.assign(np.where(np.isin(np.arange(32) // 8, np.argsort(line)[-2:])[:, None], kernel.numpy(), 0))
    inputs = task.preprocessor(tiny.TEXTS)
    save_checkpoint(tmp_path / "small", small)
    fields = json.loads((tmp_path / "small" / "config.json").read_text())
    assert (fields["attention_head_size"], fields["model_type"] == "bert") == (8, False)
    again = open_task(tmp_path / "small")
    np.testing.assert_allclose(again(inputs), task(inputs), atol=1e-5)
    # once more, from a model whose heads were pruned
    twice = prune(open_checkpoint(tmp_path / "small"), importance(heads=2), keep_heads=0.5)
    assert (twice.config.num_attention_heads, twice.config.head_size) == (1, 8)
    open_task(twice).answer(tiny.TEXTS[:1])


@pytest.mark.parametrize("options", [{"format": "saved_model"}, {"format": "litert"}, {"format": "onnx"}], ids=str)
def test_formats_without_heads(options: dict[str, Any], saved, tmp_path: Path):
    small = open_task(prune(saved[1], importance(), keep_heads=0.5))
    small.export(tmp_path / "out", **options)
    expected = [answer["label"] for answer in small.answer(tiny.TEXTS)]
    if options["format"] == "saved_model":
        served = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
        labels = [label.decode() for label in served(text=tf.constant(tiny.TEXTS))["label"].numpy()]
    else:
        labels = [answer["label"] for answer in runtime.load(tmp_path / "out").answer(tiny.TEXTS)]
    assert labels == expected


@pytest.mark.parametrize(("keep", "kept"), [(1, [0]), ([2], [1]), ([1, 2], [0, 1])], ids=str)
def test_layers(keep: Any, kept: list[int], saved):
    _, checkpoint = saved
    small = prune(checkpoint, importance(), keep_ffn=0.5, keep_layers=keep)
    assert small.config.num_hidden_layers == len(kept)
    for new, old in enumerate(kept):
        name = "bert.encoder.layer.{}.attention.self.query.weight"
        np.testing.assert_array_equal(small.tensors[name.format(new)], checkpoint.tensors[name.format(old)])
    assert small.notes[-1].startswith("pruned: 32 of 64 feed-forward columns a layer, ")
    open_task(small).answer(tiny.TEXTS[:1])
    assert checkpoint.config.num_hidden_layers == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_ffn": 0}, "keep_ffn is 0; expected a share above 0, up to 1"),
        ({"keep_ffn": 1.5}, "keep_ffn is 1.5"),
        ({"keep_heads": 0}, "keep_heads is 0; expected a share above 0, up to 1"),
        ({"keep_heads": 0.5, "importance": importance(heads=3)}, r"and heads is needed, received: that of \(2, 3\)"),
        ({}, "nothing is to go"),
        ({"keep_layers": 0}, "keep_layers is 0; there are 2 layers, of which 1 or more must stay"),
        ({"keep_layers": [3]}, r"keep_layers is \[3\]; expected how many, or some of the numbers 1 to 2"),
        ({"keep_layers": [1, 1]}, "a layer is named twice"),
        ({"keep_layers": []}, "keep_layers is"),
        ({"keep_ffn": 0.5, "importance": None}, "columns is needed, received: none"),
        ({"keep_ffn": 0.5, "importance": importance(layers=3)}, r"received: that of \(3, 64\)"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str, saved):
    with pytest.raises(InputError, match=message):
        prune(saved[1], **{"importance": importance(), **options})
