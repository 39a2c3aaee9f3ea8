"""LiteRT files: what the model gives, from `ai_edge_litert`, for rows of any length."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.serving.formats import litert
from keras_bert.serving.formats.litert import litert_model
from keras_bert.serving.formats.network import INPUTS, Network
from keras_bert.tasks import BertTask
from keras_bert.tasks.base.export_formats import network_of
from tests.tasks import tiny, tiny_questions, tiny_tags

MODULES = [{"kind": "Dense", "units": 8}, {"kind": "LayerNorm"}]
TASKS = {
    "classifier": tiny.classifier,
    "pre-LN": lambda: tiny.classifier(pooling="mean", config=tiny.config(norm_first=True, hidden_act="gelu_new")),
    "tagger": tiny_tags.tagger,
    "answerer": tiny_questions.answerer,
    "embedder": lambda: tiny.embedder(
        pooling=["weightedmean", "max", "lasttoken"], modules=MODULES, truncate_dim=5, include_prompt=False
    ),
}


def run(content: bytes, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=content, num_threads=1).get_signature_runner()
    return runner(**inputs)


def some_ids(task: BertTask, names: Any) -> dict[str, np.ndarray]:
    ids = task.preprocessor(tiny.TEXTS, tiny.TEXTS[::-1])
    own = {name: ids[ours].numpy() for name, ours in INPUTS.items()}
    return {name: own.get(name, own["attention_mask"]) for name in names}


def outputs_of(network: Network, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.signature.function(**inputs).items()}


@pytest.mark.parametrize("name", TASKS)
def test_the_file_gives_what_the_model_gives_for_rows_of_any_length(name: str):
    task = TASKS[name]()
    network = network_of(task, "litert")
    content = litert_model(network, "float32")
    many = some_ids(task, network.signature.inputs)
    for inputs in (many, {key: value[1:2, :7] for key, value in many.items()}):
        found, expected = run(content, inputs), outputs_of(network, inputs)
        assert found.keys() == expected.keys()
        mask = inputs["attention_mask"] > 0
        for key, values in expected.items():
            counted = mask if values.shape[:2] == mask.shape else slice(None)
            np.testing.assert_allclose(found[key][counted], values[counted], rtol=1e-4, atol=1e-5)


def test_weights_of_8_bits_are_a_quarter_and_give_nearly_the_same():
    task = tiny.classifier(config=tiny.config(hidden_size=64, intermediate_size=256))
    network = network_of(task, "litert")
    whole, small = litert_model(network, "float32"), litert_model(network, "int8")
    assert len(small) < 0.6 * len(whole)
    inputs = some_ids(task, network.signature.inputs)
    found, expected = run(small, inputs)["logits"], outputs_of(network, inputs)["logits"]
    assert 0 < np.abs(found - expected).mean() < 0.1 * expected.std(), (found, expected)


def test_weights_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(litert, "_MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="do not fit into a LiteRT file, which ends at 2 GiB"):
        tiny.classifier().export(tmp_path / "out", format="litert")
    assert not list(tmp_path.iterdir())
