"""ONNX files: what the model gives, from ONNX Runtime, in both forms, for rows of any length in any batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.runtime import load
from keras_bert.runtime.onnx_engine import session_options
from keras_bert.serving.formats.network import ANSWERING_FILE, INPUTS, Network
from keras_bert.serving.formats.onnx import write
from keras_bert.serving.formats.onnx.write import FILES, FORMS, FUSED, PLAIN, onnx_graph
from keras_bert.tasks import BertClassifier, BertMultipleChoice
from keras_bert.tasks.base.export_formats import network_of
from tests.runtime.load_test import CASES, check_same
from tests.tasks import tiny, tiny_questions, tiny_tags

MODULES = [
    {"kind": "Dense", "units": 32, "use_residual": True},
    {"kind": "LayerNorm"},
    {"kind": "Normalize"},
    {"kind": "Dense", "units": 8, "activation": "gelu", "use_residual": True, "use_bias": False},
]


def pooled(pooling: str, **changes: Any) -> BertClassifier:
    return tiny.classifier(pooling=pooling, config=tiny.config(**changes))


TASKS = {
    "pooler": lambda: pooled("pooler"),
    "pre-LN, cls": lambda: pooled("cls", norm_first=True, hidden_act="gelu_new", position_embedding_type="sinusoidal"),
    "mean": lambda: pooled("mean", hidden_act="silu"),
    "pre-LN, max": lambda: pooled("max", norm_first=True, hidden_act="relu"),
    "tanh": lambda: pooled("lasttoken", hidden_act="tanh", num_hidden_layers=1),
    "tagger": tiny_tags.tagger,
    "answerer": tiny_questions.answerer,
    "embedder": lambda: tiny.embedder(pooling=["weightedmean", "cls"], modules=MODULES, truncate_dim=5),
    "embedder without its prompts": lambda: tiny.embedder(
        pooling=["max", "mean_sqrt_len_tokens", "cls", "lasttoken"], include_prompt=False, normalize=False
    ),
}


def session(network: Network, dtype: str, form: str) -> onnxruntime.InferenceSession:
    model = onnx_graph(network, dtype, form).model("")
    onnx.checker.check_model(model, full_check=True)
    return opened(model.SerializeToString())


def opened(model: Any) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])


def run(model: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    taken = {entry.name: inputs[entry.name].astype(np.int64) for entry in model.get_inputs()}
    return dict(zip([entry.name for entry in model.get_outputs()], model.run(None, taken), strict=True))


def some_ids(network: Network) -> dict[str, np.ndarray]:
    ids = network.model.preprocessor(tiny.TEXTS, tiny.TEXTS[::-1])
    inputs = {name: ids[ours].numpy() for name, ours in INPUTS.items()}
    counted = inputs["attention_mask"].copy()
    counted[:, :2] = 0
    return inputs | ({"pooling_mask": counted} if "pooling_mask" in network.signature.inputs else {})


def expected_of(network: Network, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.signature.function(**inputs).items()}


@pytest.mark.parametrize("name", TASKS)
def test_both_forms_give_what_the_model_gives(name: str):
    network = network_of(TASKS[name](), "onnx")
    inputs = some_ids(network)
    expected, mask = expected_of(network, inputs), inputs["attention_mask"] > 0
    if "start_logits" in expected:  # where the model says that no answer can be, the file leaves it open
        mask = mask & (expected["start_logits"] > -1e8)
    for form in FORMS:
        found = run(session(network, "float32", form), inputs)
        more = {"last_hidden_state"} if form == PLAIN and network.head.linear is None else set()
        missing = {"sentence_embedding"} if form == PLAIN and "pooling_mask" in inputs else set()
        assert found.keys() == (expected.keys() - missing) | more
        for key in expected.keys() - missing:
            counted = mask if expected[key].shape[:2] == mask.shape else slice(None)
            np.testing.assert_allclose(found[key][counted], expected[key][counted], atol=1e-5, rtol=1e-4)
        if more:
            ours = {own: inputs[theirs] for theirs, own in INPUTS.items()}
            states = network.model.encoder(ours)["sequence_output"].numpy()
            np.testing.assert_allclose(found["last_hidden_state"][mask], states[mask], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", FILES)
@pytest.mark.parametrize("form", FORMS)
def test_neither_padding_nor_the_rest_of_a_batch_changes_a_row(form: str, dtype: str):
    network = network_of(tiny.classifier(pooling="mean"), "onnx")
    model, inputs = session(network, dtype, form), some_ids(network)
    whole = run(model, inputs)["logits"]
    wider = {key: np.pad(value, ((0, 0), (0, 5))) for key, value in inputs.items()}
    np.testing.assert_allclose(run(model, wider)["logits"], whole, atol=2e-6)
    for index, length in enumerate(inputs["attention_mask"].sum(axis=1)):
        alone = {key: value[index : index + 1, :length] for key, value in inputs.items()}
        np.testing.assert_allclose(run(model, alone)["logits"][0], whole[index], atol=2e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_without_tokens_harms_no_other(form: str):
    network = network_of(tiny.classifier(), "onnx")
    model, inputs = session(network, "float32", form), some_ids(network)
    whole = run(model, inputs)["logits"]
    for empty in (0, len(whole) - 1):
        holed = {key: value.copy() for key, value in inputs.items()}
        holed["attention_mask"][empty] = 0
        found = run(model, holed)["logits"]
        others = np.arange(len(whole)) != empty
        np.testing.assert_allclose(found[others], whole[others], atol=2e-6)
        assert np.isfinite(found).all()
    holed["attention_mask"][:] = 0
    assert np.isfinite(run(model, holed)["logits"]).all()


@pytest.mark.parametrize("name", ["pooler", "pre-LN, max", "embedder", "tagger"])
def test_8_bits_give_nearly_the_same_in_both_forms(name: str):
    network = network_of(TASKS[name](), "onnx")
    inputs = some_ids(network)
    mask = inputs["attention_mask"] > 0
    ((key, expected),) = expected_of(network, inputs).items()
    counted = mask if expected.shape[:2] == mask.shape else slice(None)
    plain, fused = (run(session(network, "int8", form), inputs)[key][counted] for form in FORMS)
    np.testing.assert_allclose(plain, fused, atol=1e-4)
    assert 0 < np.abs(fused - expected[counted]).mean() < 0.05 * expected[counted].std()


def test_the_plain_form_is_of_standard_operators_and_hugging_faces_inputs():
    network = network_of(tiny.classifier(), "onnx")
    for dtype in FILES:
        plain, fused = (onnx_graph(network, dtype, form).model("") for form in FORMS)
        assert {node.domain for node in plain.graph.node} == {""}
        assert [(entry.domain, entry.version) for entry in plain.opset_import] == [("", 17)]
        assert [entry.name for entry in plain.graph.input] == ["input_ids", "attention_mask", "token_type_ids"]
        assert [entry.name for entry in plain.graph.output] == ["logits"]
        assert {entry.type.tensor_type.elem_type for entry in plain.graph.input} == {onnx.TensorProto.INT64}
        assert {"MultiHeadAttention", "BiasGelu"} < {node.op_type for node in fused.graph.node}


def test_choices_come_together_in_the_plain_form_and_one_by_one_in_the_fused():
    network = network_of(tiny.make(BertMultipleChoice), "onnx")
    inputs = some_ids(network)
    expected = expected_of(network, inputs)["logits"]
    np.testing.assert_allclose(run(session(network, "float32", FUSED), inputs)["logits"], expected, atol=1e-5)
    groups = {key: value.reshape(2, 4, -1) for key, value in inputs.items()}
    found = run(session(network, "float32", PLAIN), groups)["logits"]
    np.testing.assert_allclose(found, expected.reshape(2, 4), atol=1e-5)


def test_the_plain_form_leaves_the_sigmoid_of_a_score_to_its_reader():
    network = network_of(tiny.regressor(activation="sigmoid", pooling="mean"), "onnx")
    inputs = some_ids(network)
    plain, fused = (run(session(network, "float32", form), inputs)["logits"] for form in FORMS)
    np.testing.assert_allclose(fused, expected_of(network, inputs)["logits"], atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-plain)), fused, atol=1e-6)


@pytest.mark.parametrize("name", ["marked", "choice", "vector", "no answers"])
def test_the_runtime_answers_as_python_does(name: str, tmp_path: Path):
    make, texts, options = CASES[name]
    task = make()
    task.export(tmp_path / "out", format="onnx")
    check_same(load(tmp_path / "out").answer(texts, **options), task.answer(texts, **options))


@pytest.mark.parametrize("dtype", FILES)
def test_a_folder_has_both_files_beside_those_of_hugging_face(dtype: str, tmp_path: Path):
    folder = tmp_path / "out"
    tiny.classifier().export(folder, format="onnx", dtype=dtype)
    files = FILES[dtype]
    assert {f"onnx/{path.name}" for path in (folder / "onnx").iterdir()} == set(files.values())
    assert {"config.json", "tokenizer.json", "tokenizer_config.json"} < {path.name for path in folder.iterdir()}
    assert json.loads((folder / ANSWERING_FILE).read_text())["file"] == files[FUSED]
    assert load(folder).answer(["good film"])[0].keys() == {"label", "score"}


def test_weights_of_more_than_a_file_holds_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(write, "_MOST_BYTES", 1000)
    task = tiny.classifier()
    task.export(tmp_path / "out", format="onnx")
    names = {path.name for path in (tmp_path / "out" / "onnx").iterdir()}
    assert names == {"model.onnx", "model.onnx_data", "model_fused.onnx", "model_fused.onnx_data"}
    assert load(tmp_path / "out").answer(tiny.TEXTS)
    network = network_of(task, "onnx")
    inputs = some_ids(network)
    found = run(opened(str(tmp_path / "out" / FILES["float32"][PLAIN])), inputs)["logits"]
    np.testing.assert_allclose(found, expected_of(network, inputs)["logits"], atol=1e-5)


def test_attention_that_is_not_berts_is_refused_by_name(tmp_path: Path):
    task = BertClassifier(BertEncoder(tiny.config(), attention="causal"), tiny.preprocessor(), ["a", "b"])
    with pytest.raises(InputError) as caught:
        task.export(tmp_path / "out", format="onnx")
    assert str(caught.value) == "format='onnx' cannot hold an encoder with attention='causal'; 'saved_model' can"
    assert not list(tmp_path.iterdir())
