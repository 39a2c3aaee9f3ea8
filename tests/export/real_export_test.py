"""What the tasks export is what the server's setup, the clients and the smoke test expect."""

import importlib
from pathlib import Path

import pytest
import smoke_test
import tensorflow as tf

from tests.tasks import tiny

TASKS = {
    "classifier": lambda: tiny.classifier(),
    "pairs": lambda: tiny.classifier(text_pair=True),
    "several": lambda: tiny.classifier(problem_type="multi_label_classification"),
    "regressor": lambda: tiny.regressor(),
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Name → (task, folder of its SavedModel)."""
    folder = tmp_path_factory.mktemp("exports")
    made = {name: (make(), folder / name / "1") for name, make in TASKS.items()}
    for task, path in made.values():
        task.export(path)
    return made


@pytest.fixture(scope="module")
def loaded_models(exports):
    """What the stand-in servers of conftest.py serve, in place of its own models."""
    return {name: tf.saved_model.load(str(path)) for name, (_, path) in exports.items()}


@pytest.mark.parametrize("name", TASKS)
def test_a_folder_passes_the_smoke_test(exports, name, capsys):
    _, path = exports[name]
    assert smoke_test.main([f"--folder={path}"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", TASKS)
def test_the_graph_holds_no_operation_that_servers_lack(exports, name):
    _, path = exports[name]
    assert smoke_test.foreign_operations(path) == set()


@pytest.mark.parametrize("name", TASKS)
def test_every_signature_can_be_batched_by_the_server(loaded_models, name):
    """TensorFlow Serving refuses, when it batches, no inputs and outputs without the batch in front."""
    for signature in loaded_models[name].signatures.values():
        inputs = signature.structured_input_signature[1]
        assert inputs
        assert all(spec.shape.rank >= 1 and spec.shape[0] is None for spec in inputs.values())
        rows = {
            key: tf.fill([3], "a book") if spec.dtype == tf.string else tf.ones([3, 4], spec.dtype)
            for key, spec in inputs.items()
        }
        assert all(output.shape[0] == 3 for output in signature(**rows).values())


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize("name", TASKS)
def test_a_client_gets_the_tasks_own_answers(request, exports, protocol, name):
    task, _ = exports[name]
    server = request.getfixturevalue(f"{protocol}_server")
    client = importlib.import_module(f"client_{protocol}")
    pairs = tiny.PAIRS if name == "pairs" else None
    answers = client.predict(server.address, name, tiny.TEXTS, pairs)
    expected = task.answer(list(zip(tiny.TEXTS, pairs, strict=True)) if pairs else tiny.TEXTS)
    if name == "several":
        for row, answer in enumerate(expected):
            assert answers["labels_padded"][row][: answers["count"][row]] == answer["labels"]
            assert answers["scores"][row] == pytest.approx(list(answer["scores"].values()), abs=1e-5)
        return
    if name != "regressor":
        assert answers["label"] == [answer["label"] for answer in expected]
        assert len(set(answers["label"])) > 1, "answers that are all alike show nothing"
    assert answers["score"] == pytest.approx([answer["score"] for answer in expected], abs=1e-5)


def test_the_demo_exports_where_the_server_looks():
    export = Path(smoke_test.__file__).parent
    demo = (export.parent / "keras_bert" / "scripts" / "demo.py").read_text(encoding="utf-8")
    assert '"export/models/library_docs/1"' in demo
    assert 'name: "library_docs"' in (export / "models.config").read_text(encoding="utf-8")
