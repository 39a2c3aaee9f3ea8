"""WEAT and SEAT of a model: both encodings by hand, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.association import association
from keras_bert.tasks import BertClassifier
from keras_bert.trust.audit.association import SETS, audit_association, read_association
from tests.tasks import tiny

EXAMPLES = (["good film", "fine books", "warm"], ["bad food", "the cold book was dull"], ["good", "a"], ["bad", "so"])
TEST = {name: {"category": name, "examples": examples} for name, examples in zip(SETS, EXAMPLES, strict=True)}


@pytest.fixture(scope="module")
def task() -> BertClassifier:
    return tiny.classifier(config=tiny.config(num_hidden_layers=1))


def encoded(task: BertClassifier, text: str, encoding: str) -> np.ndarray:
    (ids,) = task.tokenizer.tokenize([text]).to_list()
    ids = ids if encoding == "first" else [2, *ids, 3]
    inputs = {"token_ids": [ids], "segment_ids": [[0] * len(ids)], "padding_mask": [[1] * len(ids)]}
    states = task.encoder({name: tf.constant(value) for name, value in inputs.items()})["sequence_output"][0]
    return (states[0] if encoding == "first" else tf.reduce_mean(states, axis=0)).numpy()


@pytest.mark.parametrize("encoding", ["first", "mean"])
def test_vectors_are_those_of_the_encoder(encoding: str, task: BertClassifier, tmp_path: Path):
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(TEST, indent=2))
    found = audit_association(task, read_association(path), [encoding], batch_size=3)
    expected = association(*(np.stack([encoded(task, text, encoding) for text in part]) for part in EXAMPLES))
    details = found.details["test"][encoding]
    assert details["effect_size"] == pytest.approx(expected.effect_size, abs=1e-4)
    assert details["p_value"] == expected.p_value
    assert list(found.summary) == [f"test ({encoding})"]
    assert f"p = {expected.p_value:.3g} (exact)" in found.summary[f"test ({encoding})"]


def test_a_folder_of_tests(task: BertClassifier, tmp_path: Path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps(TEST))
    (tmp_path / "README.md").write_text("none")
    tests = read_association(tmp_path)
    assert list(tests) == ["a", "b"]
    found = audit_association(task, tests)
    assert list(found.summary) == ["a (first)", "b (first)", "a (mean)", "b (mean)"]
    assert found.warnings[-1].startswith("4 tests were run")


def test_the_files_of_the_authors(shared_data: Path):
    folder = shared_data / "trust" / "seat"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    tests = read_association(folder)
    assert len(tests["sent-weat6"]["targ1"][1]) == len(set(tests["sent-weat6"]["targ1"][1]))
    assert {"weat1", "sent-weat8b", "sent-religion1"} <= set(tests)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({**TEST, "attr2": {"category": "x", "examples": []}}, "attr2: expected"),
        ({"targ1": TEST["targ1"]}, "targ2: expected"),
        ({**TEST, "targ1": 3}, "targ1: expected"),
        ([], "expected a JSON object"),
    ],
)
def test_bad_files_are_one_line(value: object, words: str, tmp_path: Path):
    path = tmp_path / "test.json"
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=words):
        read_association(path)


def test_what_else_is_refused(task: BertClassifier, tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        read_association(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"there is no \.json or \.jsonl file"):
        read_association(tmp_path)
    tests = {"t": {name: (name, examples) for name, examples in zip(SETS, EXAMPLES, strict=True)}}
    with pytest.raises(InputError, match="encoding 'last'"):
        audit_association(task, tests, ["last"])
    tests["t"]["targ1"] = ("x", ["good " * 40])
    with pytest.raises(InputError, match="40 tokens; expected 1 to 24"):
        audit_association(task, tests, ["first"])
    tests["t"]["targ1"] = ("x", EXAMPLES[0][:1])
    tests["t"]["targ2"] = ("x", EXAMPLES[0][:1])
    with pytest.raises(InputError, match="t, encoding first: there must be three targets"):
        audit_association(task, tests, ["first"])
