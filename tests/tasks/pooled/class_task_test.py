"""A temperature is the same in Python, in saved folders and in every export."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.runtime import load
from keras_bert.tasks import BertClassifier, open_task
from keras_bert.tasks.pooled.head import MULTI_LABEL
from tests.runtime.awkward import check_same
from tests.tasks import tiny


def model(**options) -> BertClassifier:
    return tiny.classifier(config=tiny.config(num_hidden_layers=1), **options)


@pytest.fixture(scope="module")
def calibrated() -> BertClassifier:
    task = model()
    task.answer(tiny.TEXTS)  # traced with another temperature
    task.calibrate(0.4)
    scores = sorted(answer["score"] for answer in task.answer(tiny.TEXTS))
    task.calibrate(0.4, (scores[3] + scores[4]) / 2)  # half of the answers are sure
    return task


def test_answers_follow_at_once_and_logits_stay(calibrated: BertClassifier):
    fresh = model()
    inputs = next(iter(calibrated.batches(tiny.dataset(), keep_order=True)))[0]
    assert np.array_equal(calibrated(inputs), fresh(inputs))
    powers = np.exp(fresh(inputs).numpy() / 0.4)
    expected = powers / powers.sum(axis=1, keepdims=True)
    answers = calibrated.answer(tiny.TEXTS, scores=True)
    assert np.array([list(answer["scores"].values()) for answer in answers]) == pytest.approx(expected, abs=1e-5)
    sure = [answer["sure"] for answer in answers]
    assert sure == (expected.max(axis=1) >= calibrated.abstain_below).tolist()
    assert sum(sure) == 4


def test_it_is_kept_by_folders_and_keras_files(calibrated: BertClassifier, tmp_path: Path):
    expected = calibrated.answer(tiny.TEXTS, scores=True)
    calibrated.save_preset(tmp_path / "model")
    fields = json.loads((tmp_path / "model" / "keras_bert.json").read_text())
    kept = (0.4, calibrated.abstain_below)
    assert (fields["temperature"], fields["abstain_below"]) == kept
    check_same(open_task(tmp_path / "model").answer(tiny.TEXTS, scores=True), expected)
    again = BertClassifier.from_config(calibrated.get_config())
    assert (again.temperature, again.abstain_below) == kept
    # Another head has nothing of it.
    other = BertClassifier.from_preset(tmp_path / "model", labels=["x", "y"])
    assert (other.temperature, other.abstain_below) == (1, 0)


@pytest.mark.parametrize("format", ["saved_model", "litert", "onnx"])
def test_exports_agree(format: str, calibrated: BertClassifier, tmp_path: Path):
    expected = calibrated.answer(tiny.TEXTS, scores=True)
    calibrated.export(tmp_path / "out", format=format)
    if format != "saved_model":
        check_same(load(tmp_path / "out").answer(tiny.TEXTS, scores=True), expected)
        return
    found = tf.saved_model.load(tmp_path / "out").signatures["serving_default"](text=tf.constant(tiny.TEXTS))
    assert found["sure"].numpy().tolist() == [answer["sure"] for answer in expected]
    assert found["score"].numpy() == pytest.approx([answer["score"] for answer in expected], abs=1e-5)


def test_several_labels_in_another_format(tmp_path: Path):
    task = model(problem_type=MULTI_LABEL, temperature=3.0, threshold=0.6)
    task.export(tmp_path / "out", format="litert")
    check_same(load(tmp_path / "out").answer(tiny.TEXTS), task.answer(tiny.TEXTS))


def test_logits_come_in_the_order_of_the_rows(calibrated: BertClassifier):
    logits, targets = calibrated.logits_in_order(tiny.dataset(tiny.LABELS), batch_size=3)
    inputs = calibrated.preprocessor(tf.constant(tiny.TEXTS))
    assert logits == pytest.approx(calibrated(inputs).numpy(), abs=1e-5)
    assert [calibrated.labels[number] for number in targets] == tiny.LABELS
