"""Exact match and F1 of answers: cases worked out by hand, a slow threshold search, predictions of known score."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.squad import best_threshold, exact_match, f1, normalized, squad_scores


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("The Norman conquest", "norman conquest"),
        ("an  apple,\ta pear", "apple pear"),
        ("Theatre", "theatre"),
        ("U.S.A.", "usa"),
        ("a", ""),
        ("“quoted”", "“quoted”"),  # punctuation of ASCII only
        ("the-end", "theend"),  # punctuation goes first, so no article is left
    ],
)
def test_the_form_in_which_answers_are_compared(text, form):
    assert normalized(text) == form


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "overlap"),
    [
        ("the 10th century", ["10th century"], 1, 1.0),
        ("in the 10th century", ["10th century", "the 900s"], 0, 2 * 2 / (3 + 2)),
        ("red red blue", ["red blue blue"], 0, 2 * 2 / 6),  # red once, blue once
        ("blue red", ["red blue"], 0, 1.0),  # whatever the order
        ("green", ["red"], 0, 0.0),
        ("", [], 1, 1.0),
        ("", ["red"], 0, 0.0),
        ("red", [], 0, 0.0),
        ("the", ["a"], 1, 1.0),  # both say nothing
        ("red", ["the", "red"], 1, 1.0),
    ],
)
def test_english_answers(prediction, answers, exact, overlap):
    assert exact_match(prediction, answers) == exact
    assert f1(prediction, answers) == pytest.approx(overlap)


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "overlap"),
    [
        ("《三国志》", ["三国志"], 1, 1.0),
        ("1998年5月", ["1998年"], 0, 2 * 2 / (4 + 2)),  # 1998 年 5 月 against 1998 年
        ("北京大学生", ["北大学生"], 0, 2 * 3 / (5 + 4)),  # the longest run is 大学生
        ("生学大", ["大学生"], 0, 2 * 1 / 6),  # the order counts here
        ("Windows XP系统", ["windows xp"], 0, 2 * 2 / (4 + 2)),
        ("上海", ["北京", "上海市"], 0, 2 * 2 / (2 + 3)),
        ("南京", ["北海"], 0, 0.0),
    ],
)
def test_chinese_answers(prediction, answers, exact, overlap):
    assert exact_match(prediction, answers, "cmrc") == exact
    assert f1(prediction, answers, "cmrc") == pytest.approx(overlap)


def test_a_file_is_scored_by_hand():
    """Two of four right; refusing the last two makes three."""
    predictions = ["Paris", "in Rome", "Oslo", "1066"]
    answers = [["Paris"], ["Rome"], [], ["1067"]]
    no_answer_scores = [0.1, 0.2, 0.9, 0.4]
    scores = squad_scores(predictions, answers, no_answer_scores, threshold=0.8)
    assert scores["exact_match"] == pytest.approx(2 / 4)
    assert scores["f1"] == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert scores["has_answer_exact_match"] == pytest.approx(1 / 3)
    assert scores["has_answer_f1"] == pytest.approx((1 + 2 / 3) / 3)
    assert scores["no_answer_accuracy"] == 1.0
    assert scores["best_f1"] == pytest.approx((1 + 2 / 3 + 1) / 4)
    assert 0.2 < scores["best_f1_threshold"] < 0.9
    always = squad_scores(predictions, answers, no_answer_scores)
    assert always["f1"] == pytest.approx((1 + 2 / 3) / 4)
    assert always["no_answer_accuracy"] == 0.0
    assert set(squad_scores(["Paris"], [["Paris"]])) == {"exact_match", "f1"}


def test_answers_of_articles_alone_count_as_in_the_official_script():
    """evaluate-v2.0.py on the same: such a prediction is right without an answer, and costs one in the best scores."""
    scores = squad_scores(["the", "Oslo"], [[], ["Oslo"]], [0.1, 0.9])
    assert (scores["exact_match"], scores["f1"], scores["best_exact_match"], scores["best_f1"]) == (1.0, 1.0, 0.5, 0.5)
    # A question with such an answer has one.
    scores = squad_scores(["", "x", "Oslo"], [["The"], ["A", "an"], []], [0.1, 0.2, 0.3])
    assert (scores["has_answer_exact_match"], scores["no_answer_accuracy"]) == (0.5, 0.0)
    assert scores["best_exact_match"] == pytest.approx(2 / 3)


def test_the_best_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = rng.integers(1, 12)
        answerable = rng.random(count) < 0.5
        values = np.where(answerable, rng.random(count).round(1), 0.0)
        scores = rng.integers(0, 5, count) / 5  # many are equal
        found = best_threshold(values, answerable, scores)

        def mean(threshold, values=values, answerable=answerable, scores=scores):
            return np.where(scores > threshold, ~answerable, values).mean()

        assert mean(found.threshold) == pytest.approx(found.value)
        assert found.value == pytest.approx(max(map(mean, [-1.0, *(scores + 0.1)])))


def questions(path: Path):
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            yield from paragraph["qas"]


def test_predictions_of_known_score(shared_data: Path):
    """Answers given as predictions are all right; never answering gives the share of questions without answer."""
    folder = shared_data / "question_answering"
    asked = list(questions(folder / "squad_v2" / "dev.json"))
    answers = [[answer["text"] for answer in question["answers"]] for question in asked]
    # One answer of the file is ".": the official script, too, takes the others of that question only.
    right = squad_scores([next(filter(normalized, texts), "") for texts in answers], answers)
    assert (right["exact_match"], right["f1"]) == (1.0, 1.0)
    never = squad_scores([""] * len(asked), answers)
    assert never["exact_match"] == never["f1"] == pytest.approx(1257 / 2471)
    assert never["has_answer_f1"] == 0.0

    asked = list(questions(folder / "cmrc2018" / "dev.json"))
    answers = [[answer["text"] for answer in question["answers"]] for question in asked]
    right = squad_scores([texts[0] for texts in answers], answers, scoring="cmrc")
    assert (right["exact_match"], right["f1"]) == (1.0, 1.0)


def imperfect(number: int, answers: list[str], context: str) -> str:
    """An answer that is right, decorated, too short, too long, or not given."""
    best = answers[0] if answers else " ".join(context.split()[:2])
    decorated, longer = f"The {best}!", f"{best.upper()} {context.split()[0]}"
    return (best, decorated, best.rpartition(" ")[0], longer, "")[number % 5]


def test_imperfect_predictions_have_the_scores_of_the_official_script(shared_data: Path):
    """The numbers are what evaluate-v2.0.py's own functions give for these predictions."""
    file = json.loads((shared_data / "question_answering" / "squad_v2" / "dev.json").read_text(encoding="utf-8"))
    paragraphs = [paragraph for article in file["data"] for paragraph in article["paragraphs"]]
    asked = [(asked["answers"], paragraph["context"]) for paragraph in paragraphs for asked in paragraph["qas"]]
    answers = [[answer["text"] for answer in given] for given, _ in asked]
    contexts = [context for _, context in asked]
    predictions = [imperfect(number, *row) for number, row in enumerate(zip(answers, contexts, strict=True))]
    no_answer_scores = [number * 1000 % 2477 / 2477 for number in range(len(asked))]
    scores = squad_scores(predictions, answers, no_answer_scores, threshold=0.7)
    expected = {
        "exact_match": 40.18615944961554,
        "f1": 47.7237392124673,
        "has_answer_exact_match": 32.207578253706753,
        "has_answer_f1": 47.54971959967625,
        "no_answer_accuracy": 47.89180588703262,
        "best_exact_match": 51.112909753136385,
        "best_f1": 51.343392881231814,
    }
    assert {name: 100 * scores[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    # Any threshold from that of the script, 34/2477, up to the next score is the same.
    assert 34 / 2477 <= scores["best_f1_threshold"] < 35 / 2477


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "there are no questions to score"),
        ((["a"], [["a"], ["b"]]), "1 predictions for 2 questions"),
        ((["a"], [["a"]], [0.1, 0.2]), "1 predictions"),
        ((["a"], [["a"]], None, None, "bleu"), "scoring must be one of squad, cmrc, received: 'bleu'"),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        squad_scores(*arguments)
