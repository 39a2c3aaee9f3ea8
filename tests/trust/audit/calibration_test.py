"""Calibration of a model: the temperature of its rows, and none of its answers changed."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.calibration import fit_temperature
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.trust.audit.calibration import measure_calibration
from tests.tasks import tiny

TEXTS = tiny.TEXTS * 12


def rows_of(task: BertClassifier, temperature: float, seed: int = 0):
    """Rows whose labels are drawn from the softmax of the model's logits / temperature."""
    random = np.random.default_rng(seed)
    logits, _ = task.logits_in_order(tiny.dataset(["positive"] * len(TEXTS), texts=TEXTS))
    numbers = (logits / temperature + random.gumbel(size=logits.shape)).argmax(axis=1)
    return tiny.dataset([task.labels[number] for number in numbers], texts=TEXTS), logits, numbers


@pytest.fixture(scope="module")
def task() -> BertClassifier:
    return tiny.classifier(config=tiny.config(num_hidden_layers=1))


def test_the_temperature_is_that_of_all_rows(task: BertClassifier, tmp_path: Path):
    rows, logits, numbers = rows_of(task, 0.3)
    found = measure_calibration(task, rows, accuracy=0.7, where="dev.tsv")
    assert found.temperature == pytest.approx(fit_temperature(logits, numbers), rel=1e-4)
    assert (task.temperature, task.abstain_below) == (1, 0)  # the model is left as it is
    details = found.finding.details
    assert details["negative_log_likelihood"]["after"] < details["negative_log_likelihood"]["before"]
    assert sum(details["before"]["counts"]) == len(TEXTS)
    assert details["abstention"]["threshold"] == found.abstain_below
    assert "96 rows are few" in found.finding.warnings[1]
    found.finding.write(tmp_path)
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_a_calibrated_model_is_measured_as_it_answers():
    task = tiny.classifier(config=tiny.config(num_hidden_layers=1), temperature=0.3)
    rows, *_ = rows_of(task, 0.3)
    found = measure_calibration(task, rows)
    assert found.finding.details["temperature_before"] == 0.3
    assert found.finding.details["before"]["error"] < 0.2
    assert found.abstain_below == 0


def test_several_labels():
    task = tiny.classifier(problem_type=MULTI_LABEL, config=tiny.config(num_hidden_layers=1))
    shares = np.array([list(answer["scores"].values()) for answer in task.answer(TEXTS)])
    drawn = np.random.default_rng(0).random(shares.shape) < shares
    labels = [[label for label, there in zip(task.labels, row, strict=True) if there] for row in drawn]
    found = measure_calibration(task, tiny.dataset(labels, texts=TEXTS))
    assert 0.3 < found.temperature < 3
    assert sum(found.finding.details["before"]["counts"]) == 3 * len(TEXTS)
    with pytest.raises(InputError, match="one label each"):
        measure_calibration(task, tiny.dataset(labels, texts=TEXTS), accuracy=0.9)


def test_what_is_refused(task: BertClassifier):
    with pytest.raises(InputError, match="'calibration' is for classifiers; this model is a BertRegressor"):
        measure_calibration(tiny.regressor(config=tiny.config(num_hidden_layers=1)), tiny.dataset([0.5] * 8))
    right = [answer["label"] for answer in task.answer(tiny.TEXTS)]
    with pytest.raises(InputError, match="all 8 rows are answered right"):
        measure_calibration(task, tiny.dataset(right))
