"""Exports of every task, with both kinds of vocabulary, pass the smoke test, on disk and served."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smoke_test
import tensorflow as tf

from keras_bert.tasks import BertMultipleChoice
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.preprocessor import BertPreprocessor
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags
from tests.text import byte_pair_peer

TASKS = {
    "classifier": tiny.classifier,
    "pairs": lambda **parts: tiny.classifier(text_pair=True, **parts),
    "several": lambda **parts: tiny.classifier(problem_type="multi_label_classification", **parts),
    "regressor": tiny.regressor,
    "embedder": tiny.embedder,
    "choices": lambda **parts: tiny.make(BertMultipleChoice, **parts),
    "tagger": tiny_tags.tagger,
    "answerer": tiny_questions.answerer,
    "pretrainer": tiny.pretrainer,
    "writer": tiny_sequences.writer,
}
# Those that real_export_test.py does not look at.
OTHERS = ("embedder", "choices", "tagger", "answerer", "pretrainer", "writer")
FIELDS = {"choices": ["text", "choices"], "answerer": ["question", "context"]}


def byte_level(name: str) -> dict[str, Any]:
    """The parts of a task with a byte-level vocabulary."""
    tokenizer = BytePairTokenizer(*byte_pair_peer.learned())
    if name == "answerer":
        return {"tokenizer": tokenizer}
    config = tiny.config(vocab_size=tokenizer.vocabulary_size)
    return {"config": config, "preprocessor": BertPreprocessor(tokenizer, max_length=20)}


def operations(folder: Path) -> set[str]:
    """Every operation in a SavedModel."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    return {node.op for function in graph.library.function for node in function.node_def}


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, tuple[Any, Path]]:
    """Name → (task, folder of its SavedModel)."""
    folder = tmp_path_factory.mktemp("exports")
    made = {name: (TASKS[name](), folder / name / "1") for name in OTHERS}
    for task, path in made.values():
        task.export(path)
    return made


@pytest.fixture(scope="module")
def loaded_models(exports):
    """What the stand-in servers of conftest.py serve, in place of its own models."""
    return {name: tf.saved_model.load(str(path)) for name, (_, path) in exports.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_passes_the_smoke_test(exports, name, capsys):
    assert smoke_test.main([f"--folder={exports[name][1]}"]) == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_folder_with_a_byte_level_vocabulary_passes_the_smoke_test(name, tmp_path, capsys):
    TASKS[name](**byte_level(name)).export(tmp_path / "1")
    assert smoke_test.main([f"--folder={tmp_path / '1'}"]) == 0, capsys.readouterr().err


def test_a_byte_level_export_holds_what_the_documents_say(tmp_path):
    tiny.classifier(**byte_level("classifier")).export(tmp_path / "1")
    assert smoke_test.foreign_operations(tmp_path / "1") == set()
    assert operations(tmp_path / "1") & smoke_test.SERVED_OPS == {"RegexSplitWithOffsets"}
    serving = (Path(smoke_test.__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    assert all(f"`{op}`" in serving for op in smoke_test.SERVED_OPS)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_signature_can_be_batched_by_the_server(loaded_models, name):
    """TensorFlow Serving refuses, when it batches, no inputs and outputs without the batch in front."""
    for signature in loaded_models[name].signatures.values():
        inputs = signature.structured_input_signature[1]
        assert inputs
        assert all(spec.shape.rank >= 1 and spec.shape[0] is None for spec in inputs.values())
        rows = {
            key: tf.fill([3, 4, 4][: spec.shape.rank], tf.constant("a [MASK] book"))
            if spec.dtype == tf.string
            else tf.cast(tf.fill([3, 4, 4][: spec.shape.rank], key != "segment_ids"), spec.dtype)
            for key, spec in inputs.items()
        }
        assert all(output.shape[0] == 3 for output in signature(**rows).values())


@pytest.mark.slow
def test_choices_in_unlike_numbers_can_be_asked_flat(exports, loaded_models):
    """One pair a row: a server can put those of several callers together."""
    task, _ = exports["choices"]
    texts = [("good food", ["fine", "a bad film"]), ("the book", ["dull", "warm", "very good"])]
    pairs = [(text, choice) for text, choices in texts for choice in choices]
    flat = loaded_models["choices"].signatures["pairs"]
    logits = flat(text=tf.constant([a for a, _ in pairs]), choice=tf.constant([b for _, b in pairs]))["logit"]
    assert logits.shape == [5]
    expected = [answer["scores"] for answer in task.answer(texts)]
    for part, scores in zip(tf.split(logits, [2, 3]), expected, strict=True):
        assert tf.nn.softmax(part).numpy() == pytest.approx(scores, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_client_gets_what_the_export_of_any_task_answers(request, exports, protocol, name):
    server = request.getfixturevalue(f"{protocol}_server")
    client = importlib.import_module(f"client_{protocol}")
    rows = smoke_test.rows_of([text.encode() for text in tiny.TEXTS[:3]], FIELDS.get(name, ["text"]))
    found, expected = client.ask(server.address, name, rows), smoke_test.open_folder(exports[name][1])[0](rows)
    assert set(found) == set(expected)
    for key, values in expected.items():
        assert repr(found[key]) == repr(values) or np.array(found[key]) == pytest.approx(np.array(values), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_client_draws_texts(request, loaded_models, protocol):
    """The numbers of the signature `sample` go over either way as it takes them."""
    server = request.getfixturevalue(f"{protocol}_server")
    client = importlib.import_module(f"client_{protocol}")
    rows = {"seed": [1, 2, 3], "temperature": [1.0, 0.7, 1.5], "top_k": [0, 5, 0], "top_p": [1.0, 1.0, 0.8]}
    rows = {"text": [text.encode() for text in tiny.TEXTS[:3]], **rows}
    found = client.ask(server.address, "writer", rows, signature="sample")
    drawn = loaded_models["writer"].signatures["sample"](**{name: tf.constant(values) for name, values in rows.items()})
    assert found["text"] == [text.decode() for text in drawn["text"].numpy()]
    assert client.ask(server.address, "writer", rows, signature="sample") == found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["choices", "answerer"])
def test_a_served_model_of_another_task_passes_the_smoke_test(rest_server, name, capsys):
    arguments = [f"--rest={rest_server.address}", f"--model={name}", f"--fields={','.join(FIELDS[name])}"]
    arguments.append("--timeout=600")  # machines differ
    assert smoke_test.main(arguments) == 0, capsys.readouterr().err
