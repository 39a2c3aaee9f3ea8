"""Scores of extracted answers: exact match and F1, as the official scripts of SQuAD and CMRC 2018 count them."""

import collections
import re
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from keras_bert.errors import InputError

SCORINGS = ("squad", "cmrc")

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

# As the script of CMRC 2018 has them, but for its "……", two characters that it compares with one.
_CHINESE_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CHINESE = re.compile("[\u4e00-\u9fa5]")
_WORD = re.compile(r"\w+(?:[.,']\w+)*|[^\w\s]")


class Threshold(NamedTuple):
    """The best that a threshold on the score of "no answer" can give.

    Attributes:
        value: The mean score, 0 to 1.
        threshold: A question is not answered where its no-answer score is above this.
    """

    value: float
    threshold: float


def normalized(text: str) -> str:
    """Makes the official script's form of an answer: lower case, no punctuation of ASCII, no articles, single blanks.

    Args:
        text: An answer.

    Example:
        >>> normalized("The  Normans' (French)")
        'normans french'

    References:
        rajpurkar.github.io/SQuAD-explorer, evaluate-v2.0.py, `normalize_answer`
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Sequence[str], scoring: str = "squad") -> float:
    """Says whether a prediction is one of the answers, 1 or 0.

    Args:
        prediction: The text answered, `""` for no answer.
        answers: The right ones, any of which will do; none where the question has no answer.
        scoring: `"squad"`: in the form of `normalized`; `"cmrc"`: in lower case without punctuation.
    """
    form = _form_of(scoring)
    return max(float(form(prediction) == form(answer)) for answer in _right(answers, form))


def f1(prediction: str, answers: Sequence[str], scoring: str = "squad") -> float:
    """Gives the F1 of a prediction against the answer that is most like it, 0 to 1.

    Args:
        prediction: The text answered, `""` for no answer.
        answers: The right ones; none where the question has no answer.
        scoring: `"squad"`: over words, whatever their order; `"cmrc"`: Chinese characters and words of other
            scripts, over the longest run that both have.

    Example:
        >>> round(f1("in the year 1066", ["1066", "year 1066"]), 3)
        0.8

    References:
        evaluate-v2.0.py, `compute_f1`; github.com/ymcui/cmrc2018, cmrc2018_evaluate.py, `calc_f1_score`, which cuts
        words of other scripts by NLTK, here they are cut at white space and punctuation
    """
    form = _form_of(scoring)
    overlap = _words_in_common if scoring == "squad" else _longest_run_in_common
    return max(_f1(_units(prediction, scoring), _units(answer, scoring), overlap) for answer in _right(answers, form))


def squad_scores(
    predictions: Sequence[str],
    answers: Sequence[Sequence[str]],
    no_answer_scores: Sequence[float] | None = None,
    threshold: float | None = None,
    scoring: str = "squad",
) -> dict[str, float]:
    """Scores the answers to many questions.

    Args:
        predictions: The best answer to each question, also where none may be right.
        answers: The right answers to each question; none where it has no answer.
        no_answer_scores: For each question how likely it has no answer, on any scale.
        threshold: A question whose no-answer score is above it counts as not answered; None answers all.
        scoring: As for `f1`.

    Returns:
        `exact_match` and `f1`, means over all questions, 0 to 1 (the official scripts print 100 times as much). With
        questions of both kinds also `has_answer_exact_match`, `has_answer_f1`, `no_answer_accuracy`. With
        `no_answer_scores` also `best_exact_match`, `best_f1`, with the threshold that is best for each on these very
        questions, and `best_f1_threshold`.

    Raises:
        InputError: No questions, lists of different lengths, or no such scoring.

    Example:
        >>> squad_scores(["the river", "in May"], [["River"], ["June"]])
        {'exact_match': 0.5, 'f1': 0.5}

    References:
        evaluate-v2.0.py, `get_raw_scores`, `apply_no_ans_threshold`, `find_all_best_thresh`
    """
    if len(predictions) != len(answers) or len(predictions) != len(no_answer_scores or predictions):
        raise InputError(f"{len(predictions)} predictions for {len(answers)} questions; expected as many")
    if not predictions:
        raise InputError("there are no questions to score")
    _form_of(scoring)
    answerable = np.array([len(right) > 0 for right in answers])
    raw = {
        "exact_match": [exact_match(*pair, scoring) for pair in zip(predictions, answers, strict=True)],
        "f1": [f1(*pair, scoring) for pair in zip(predictions, answers, strict=True)],
    }
    refused = np.zeros(len(predictions), bool)
    if no_answer_scores is not None and threshold is not None:
        refused = np.asarray(no_answer_scores) > threshold
    result = {}
    for name, values in raw.items():
        final = np.where(refused, ~answerable, values)
        result[name] = float(final.mean())
        if answerable.any() and not answerable.all():
            result[f"has_answer_{name}"] = float(final[answerable].mean())
            result["no_answer_accuracy"] = float(final[~answerable].mean())
    if no_answer_scores is not None:
        for name, values in raw.items():
            # As the official script: of a question without an answer, an answer of articles alone is one all the same.
            right = np.where(answerable, values, [not prediction for prediction in predictions])
            best = best_threshold(right, answerable, np.asarray(no_answer_scores))
            result[f"best_{name}"] = best.value
        result["best_f1_threshold"] = best.threshold
    return result


def best_threshold(values: np.ndarray, answerable: np.ndarray, no_answer_scores: np.ndarray) -> Threshold:
    """Finds the threshold on the no-answer score with which the mean of scores is highest.

    Questions are answered from the lowest no-answer score on, as far as it pays.

    Args:
        values: float (questions,), the score of each question if it is answered; 0, or 1 for an empty answer, where it
            has none.
        answerable: bool (questions,), whether it has an answer; not answering one that has none scores 1.
        no_answer_scores: float (questions,).

    Returns:
        The mean, and the threshold: half-way between the highest no-answer score that is still answered and the next.

    References:
        evaluate-v2.0.py, `find_best_thresh`; there, questions of equal score can be divided, which no threshold does
    """
    order = np.argsort(no_answer_scores, kind="stable")
    ranked = no_answer_scores[order]
    # gains[k]: the sum of scores when the first k questions are answered
    gains = np.sum(~answerable) + np.concatenate([[0.0], np.cumsum(np.where(answerable, values, values - 1.0)[order])])
    possible = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    count = int(np.argmax(np.where(possible, gains, -np.inf)))
    below = ranked[count - 1] if count else ranked[0] - 1.0
    above = ranked[count] if count < len(ranked) else ranked[-1] + 1.0
    return Threshold(float(gains[count] / len(values)), float((below + above) / 2))


def _form_of(scoring: str) -> Callable[[str], str]:
    if scoring not in SCORINGS:
        raise InputError(f"scoring must be one of {', '.join(SCORINGS)}, received: {scoring!r}")
    return normalized if scoring == "squad" else _without_punctuation


def _right(answers: Sequence[str], form: Callable[[str], str]) -> Sequence[str]:
    """The answers that say something; the empty one where there is none."""
    return [answer for answer in answers if form(answer)] or [""]


def _without_punctuation(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in _CHINESE_PUNCTUATION)


def _units(text: str, scoring: str) -> list[str]:
    if scoring == "squad":
        return normalized(text).split()
    # A blank on both sides of each Chinese character divides it from what stands beside it.
    return _WORD.findall(_CHINESE.sub(lambda found: f" {found[0]} ", _without_punctuation(text)))


def _f1(prediction: list[str], answer: list[str], overlap: Callable[[list[str], list[str]], int]) -> float:
    if not prediction or not answer:
        return float(prediction == answer)
    common = overlap(prediction, answer)
    return 2.0 * common / (len(prediction) + len(answer))


def _words_in_common(first: list[str], second: list[str]) -> int:
    return (collections.Counter(first) & collections.Counter(second)).total()


def _longest_run_in_common(first: list[str], second: list[str]) -> int:
    longest, row = 0, [0] * (len(second) + 1)
    for unit in first:
        row = [0, *(row[index] + 1 if unit == other else 0 for index, other in enumerate(second))]
        longest = max(longest, *row)
    return longest
