"""Suites run on models: what fails is what a reader of the answers would call a failure."""

import json
from pathlib import Path

import pytest

import keras_bert
from keras_bert.errors import InputError
from keras_bert.trust import behave
from keras_bert.trust.behaviour.case import BehaviourTest, Case, Expected
from tests.tasks import tiny, tiny_questions


@pytest.fixture(scope="module")
def model():
    return tiny.classifier(["0", "1"], seed=5)


TEXTS = ["good film", "the film was bad", "warm food", "so cold", "a dull book", "book", "not a good book"]


def answers(model) -> dict[str, dict]:
    return dict(zip(TEXTS, model.answer(TEXTS, scores=True), strict=True))


def mft(*cases: Case) -> BehaviourTest:
    return BehaviourTest("t", "C", "MFT", cases)


def test_minimum_functionality(model):
    found = answers(model)
    right = [Case(((text,),), labels=(found[text]["label"],)) for text in TEXTS]
    wrong = [Case(((text,),), labels=(str(1 - int(found[text]["label"])),)) for text in TEXTS]
    several = Case(tuple((text,) for text in TEXTS), labels=tuple(found[text]["label"] for text in TEXTS))
    neither = [Case(case.rows, not_labels=case.labels) for case in right]
    (result,) = behave(model, [mft(*right, *wrong, several, *neither)]).tests
    assert result.cases == 22
    assert [failure.rows for failure in result.failures] == [case.rows for case in (*wrong, *neither)]
    assert result.failures[0].answers == (found[TEXTS[0]]["label"],)
    assert result.failures[-1].expected == f"not {found[TEXTS[-1]]['label']}"
    assert result.rate == 14 / 22


def test_invariance(model):
    found = answers(model)
    alike = [text for text in TEXTS if found[text]["label"] == "0"]
    other = [text for text in TEXTS if found[text]["label"] == "1"]
    assert len(alike) > 1
    assert other
    cases = [Case(tuple((text,) for text in texts)) for texts in (alike, [alike[0], other[0], alike[1], other[-1]])]
    (result,) = behave(model, [BehaviourTest("t", "C", "INV", cases)]).tests
    assert [failure.rows for failure in result.failures] == [((alike[0],), (other[0],), (other[-1],))]
    assert result.failures[0].expected == "the same answer"


def test_direction(model):
    found = {text: answer["scores"]["1"] for text, answer in answers(model).items()}
    low, high = min(found, key=found.get), max(found, key=found.get)
    gap = found[high] - found[low]
    for change, rising, falling in (("up", 0, 1), ("down", 1, 0), ("not_up", 1, 0), ("not_down", 0, 1)):
        cases = [
            Case(rows, expected=Expected("one", change, gap / 2)) for rows in (((low,), (high,)), ((high,), (low,)))
        ]
        report = behave(model, [BehaviourTest("t", "C", "DIR", [case]) for case in cases], label_names={"one": "1"})
        assert [len(test.failures) for test in report.tests] == [rising, falling], change
    assert "p(1) not down" in report.tests[1].failures[0].expected
    assert not Expected("1", "up", 0.1).holds(0.5, 0.55)
    assert Expected("1", "not_down", 0.1).holds(0.5, 0.45)


def test_what_cannot_be_judged_is_counted(model):
    case = Case((("good film",),), labels=(answers(model)["good film"]["label"],))
    unknown = Case((("book",),), labels=("neutral",))
    tests = [mft(case, unknown, unknown, Case((("book",),))), BehaviourTest("d", "C", "DIR", [Case((("a",), ("b",)))])]
    report = behave(model, tests)
    assert [test.cases for test in report.tests] == [1, 0]
    assert report.tests[0].skipped == {
        "'neutral' is no class of the model": 2,
        "the file does not hold what is expected": 1,
    }
    assert report.tests[1].rate is None
    table = report.table()
    assert "MFT       1       0   0.0%  t" in table
    assert "not judged: 2, 'neutral' is no class of the model" in table
    assert json.loads(json.dumps(report.to_dict()))["tests"][1]["failure_rate"] is None


def test_a_class_that_another_was_named_for_is_not_meant(model):
    """CheckList's 0, 1 and 2 are negative, neutral and positive; a model's 1 may be positive."""
    cases = [Case((("good film",),), labels=(label,)) for label in ("0", "1", "2")]
    (result,) = behave(model, [mft(*cases)], label_names={"0": "0", "2": "1"}).tests
    assert result.cases == 2
    assert result.skipped == {"'1' is no class of the model": 1}


def test_the_table_shows_examples(model):
    wrong = str(1 - int(answers(model)["good film"]["label"]))
    report = behave(model, [mft(Case((("good film",),), labels=(wrong,)))])
    assert report.table().splitlines()[-2:] == [
        f"{'':26}good film → {1 - int(wrong)}",
        f"{'':26}expected: {wrong}",
    ]
    assert len(report.table(examples=0).splitlines()) == 3


def test_an_audit_keeps_it(model, tmp_path: Path):
    wrong = str(1 - int(answers(model)["good film"]["label"]))
    case = Case((("good film",),), labels=(wrong,))
    found = behave(model, [mft(case, case, Case((("book",),)))]).finding("mine")
    assert found.rows == "mine, 1 tests, 2 cases"
    expected = f"2 of 2 failed (100.0 %), such as: good film → {1 - int(wrong)}; expected: {wrong}"
    assert found.summary == {"C: t (MFT)": expected}
    assert found.warnings[1].startswith("1 cases were not judged")
    assert [path.name for path in found.write(tmp_path)] == ["behaviour.json", "behaviour.txt"]


def test_pairs_and_a_suite_that_ships():
    model = tiny.classifier(["different", "same"], text_pair=True, seed=1)
    report = behave(model, "paraphrase_en")
    assert sum(test.cases for test in report.tests) > 500
    assert not any(test.skipped for test in report.tests)


def test_questions_are_compared_as_squad_does(tmp_path: Path):
    model = tiny_questions.answerer()
    context, question = "the good food was warm", "what was warm"
    answer = model.answer([(question, context)])[0]["answer"]
    lines = [
        {"test": "t", "type": "MFT", "texts": [context, question], "label": f"The {answer.upper()}!"},
        {"test": "t", "type": "MFT", "texts": [context, question], "label": "another answer"},
        {"test": "i", "type": "INV", "texts": [[context, question], [context, question]]},
        {
            "test": "d",
            "type": "DIR",
            "texts": [[context, "a"], [context, "b"]],
            "expect": {"label": "x", "change": "up"},
        },
    ]
    (tmp_path / "suite.jsonl").write_text("\n".join(map(json.dumps, lines)))
    report = behave(model, tmp_path / "suite.jsonl")
    assert [(test.cases, len(test.failures)) for test in report.tests] == [(2, 1), (1, 0), (0, 0)]
    assert report.tests[2].skipped == {"answers are texts, which have no direction": 1}


def test_bad_input(model):
    with pytest.raises(InputError, match=r"classes are positive, negative, the model's 0, 1; say which .*=positive:0,"):
        behave(model, "sentiment_en")
    with pytest.raises(InputError, match="no case can be judged: there is one text alone"):
        behave(model, [BehaviourTest("i", "C", "INV", [Case((("book",),))])])
    with pytest.raises(InputError, match="label_names: '2' is no class of the model; these are: 0, 1"):
        behave(model, "sentiment_en", label_names={"positive": "2"})
    with pytest.raises(InputError, match="not of a BertRegressor"):
        behave(tiny.regressor(), "sentiment_en")
    with pytest.raises(InputError, match="several labels a row"):
        behave(tiny.classifier(problem_type="multi_label_classification"), "sentiment_en")
    assert keras_bert.trust.behave is behave
