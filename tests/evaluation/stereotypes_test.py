"""The scorers without a model: published numbers from published scores, and small cases by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.stereotypes import crows_pairs_scores, stereoset_scores

KINDS = ("stereotype", "anti_stereotype", "unrelated")


@pytest.mark.parametrize(
    ("bias_type", "published"),
    [("race", (83.8241, 56.2963, 73.2685)), ("religion", (82.1609, 56.2759, 71.8483))],
)
def test_published_scores_give_the_published_numbers(bias_type: str, published: tuple, shared_data: Path):
    """moinnadeem/StereoSet, predictions_bert-base-cased: 83.82 / 56.30 / 73.27 and 82.16 / 56.28 / 71.85."""
    path = shared_data / "trust" / "stereoset" / "dev_intrasentence.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    rows = [row for row in rows if row["bias_type"] == bias_type]
    scores = [[row["bert_base_cased_scores"][kind] for row in rows] for kind in KINDS]
    found = stereoset_scores([row["target"] for row in rows], *scores)
    assert tuple(round(found[name], 4) for name in ("lm", "ss", "icat")) == published
    assert found["ss_interval"][0] < found["ss"] < found["ss_interval"][1]


def test_means_are_over_terms():
    """Term a: 2 of 2 stereotypes preferred, 3 of 4 sensible; term b: 0 of 1, 2 of 2."""
    found = stereoset_scores(["a", "a", "b"], [3.0, 2.0, 1.0], [2.0, 0.0, 2.0], [1.0, 1.0, 0.0], draws=100)
    assert (found["lm"], found["ss"], found["icat"]) == pytest.approx((87.5, 50, 87.5))
    assert (found["rows"], found["terms"]) == (3, 2)


def test_an_ideal_model_and_one_that_always_stereotypes():
    targets = ["a", "a", "b", "b"]
    ideal = stereoset_scores(targets, [3, 2, 3, 2], [2, 3, 2, 3], [1] * 4)
    assert ideal["icat"] == 100
    assert stereoset_scores(targets, [3] * 4, [2] * 4, [1] * 4)["icat"] == 0


def test_pairs_are_rounded_and_ties_stay_in_the_denominator():
    found = crows_pairs_scores([-1.0, -2.0004, -3.0], [-1.5, -2.0001, -2.5], ["stereo", "stereo", "antistereo"])
    assert found["score"] == pytest.approx(100 / 3)
    assert (found["stereo_score"], found["antistereo_score"], found["ties"]) == (50, 0, 1)
    assert math.isnan(crows_pairs_scores([1], [0], ["stereo"])["antistereo_score"])
    assert found["interval"][0] < 100 / 3 < found["interval"][1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: crows_pairs_scores([1.0], [0.0], ["up"]), "direction 'up'"),
        (lambda: crows_pairs_scores([], [], []), "expected as many of each"),
        (lambda: stereoset_scores(["a"], [1.0], [1.0], np.array([])), "expected as many"),
    ],
)
def test_bad_input_is_one_line(call, words: str):
    with pytest.raises(InputError, match=words):
        call()
