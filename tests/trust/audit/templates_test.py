"""Counterfactual templates: the texts that are made, and differences counted from the answers."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.trust.audit.templates import audit_templates, fill_templates, read_fillers
from tests.tasks import tiny

FILLERS = {"it": {"art": ["film", "book"], "meal": ["food"]}, "how": ["good", "bad", "fine"]}


MANY = {name: [str(number) for number in range(32)] for name in ("it", "a", "b", "c")}


@pytest.fixture(scope="module")
def task() -> BertClassifier:
    return tiny.classifier(labels=["no", "yes"], config=tiny.config(num_hidden_layers=1))


def test_texts_are_made_context_by_context():
    made, compared = fill_templates(["the {it} is {how}", "{it} {}"], read_fillers(FILLERS, "fillers.json"))
    assert compared == "it"
    assert (made.contexts, len(made.texts)) == (4, 12)
    assert made.texts[:4] == [("the film is good",), ("the book is good",), ("the food is good",), ("the film is bad",)]
    assert made.texts[-1] == ("food {}",)
    assert made.fillers == [("art", "film"), ("art", "book"), ("meal", "food")]


def test_pairs_are_filled_alike():
    made, _ = fill_templates([("a {it}", "the {it}")], read_fillers({"it": ["film", "food"]}, "f"))
    assert made.texts == [("a film", "the film"), ("a food", "the food")]


def test_differences_are_those_of_the_answers(task: BertClassifier):
    found = audit_templates(task, ["the {it} is {how}", "{it}"], read_fillers(FILLERS, "f"), draws=200)
    contexts = ["the {} is good", "the {} is bad", "the {} is fine", "{}"]
    means = {}
    for word in ("film", "book", "food"):
        answers = task.answer([context.format(word) for context in contexts], scores=True)
        means[word] = np.mean([answer["scores"]["yes"] for answer in answers])
    expected = (means["film"] + means["book"]) / 2 - means["food"]
    (entry,) = found.details["scores"]["yes"]["differences"]
    assert entry["groups"] == ["art", "meal"]
    assert entry["value"] == pytest.approx(expected, abs=1e-5)
    assert entry["interval"][0] <= expected <= entry["interval"][1]
    assert list(found.summary) == ["yes: art less meal"]
    assert found.details["scores"]["yes"]["of_filler"] == pytest.approx([means[word] for word in means], abs=1e-5)


def test_fillers_that_are_alike_do_not_differ(task: BertClassifier):
    found = audit_templates(task, ["the {it}", "a {it}"], read_fillers({"it": {"a": ["film"], "b": ["film"]}}, "f"))
    (entry,) = found.details["scores"]["yes"]["differences"]
    assert entry["value"] == 0
    assert entry["interval"] == [0, 0]


def test_a_regressor_has_one_score():
    task = tiny.regressor(config=tiny.config(num_hidden_layers=1))
    found = audit_templates(task, ["the {it}"], read_fillers({"it": ["film", "food"]}, "f"), draws=100)
    assert list(found.summary) == ["score: film less food"]
    with pytest.raises(InputError, match="this model is a BertPretrainer"):
        audit_templates(tiny.pretrainer(config=tiny.config(num_hidden_layers=1)), ["{it}"], {})


@pytest.mark.parametrize(
    ("templates", "fillers", "compare", "words"),
    [
        (["the {that}"], FILLERS, None, "template 0: {that} has no fillers; there are: {it}, {how}"),
        (["{it}", "film"], FILLERS, "it", "template 1: {it}, which is compared, is not in it"),
        (["{it} {how}"], {"it": ["a", "b"], "how": ["c", "d"]}, None, "say which placeholder is compared.*: it, how"),
        (["{it}"], {"it": ["film"]}, "it", "'it' has one group of fillers, 'film'"),
        (["{it}"], FILLERS, "who", "'who' has no fillers"),
        ([], FILLERS, None, "there are no templates"),
        (["{it} {a} {b} {c}"], MANY, "it", "more than 1,000,000 texts"),
    ],
)  # fmt: skip
def test_bad_templates_are_one_line(templates: list, fillers: dict, compare: str | None, words: str):
    with pytest.raises(InputError, match=words):
        fill_templates(templates, read_fillers(fillers, "fillers.json"), compare)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "fillers.json: expected an object of lists"),
        ({"a b": ["x"]}, "the name of a placeholder"),
        ({"a": []}, "'a': expected a list of fillers"),
        ({"a": {"g": "x"}}, "'a': expected a list of fillers"),
        ({"a": {"g": [1]}}, "'a': a filler is a string, found 1"),
    ],
)
def test_bad_fillers_are_one_line(value: object, words: str):
    with pytest.raises(InputError, match=words):
        read_fillers(value, "fillers.json")
