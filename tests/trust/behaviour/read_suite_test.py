"""Suites: what ships with the package, both layouts of a file, and lines that are none."""

import collections
import json
from pathlib import Path
from typing import Any

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.behaviour.case import Expected
from keras_bert.trust.behaviour.read_suite import read_suite, shipped_suites


def suite(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "suite.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


@pytest.mark.parametrize("name", ["sentiment_en", "sentiment_zh", "paraphrase_en", "paraphrase_zh"])
def test_what_ships_can_be_judged(name: str):
    assert name in shipped_suites()
    fields = 2 if name.startswith("paraphrase") else 1
    tests = read_suite(name, fields)
    assert {test.capability for test in tests} == {"Vocabulary", "Negation", "Typing errors", "Names", "Numbers"}
    labels = {"positive", "negative"} if fields == 1 else {"same", "different"}
    for test in tests:
        assert 4 <= len(test.cases) <= 200
        assert len(set(test.cases)) == len(test.cases)
        for case in test.cases:
            assert all(len(row) == fields and not set("{}") & set("".join(row)) for row in case.rows)
            if test.type == "MFT":
                assert set(case.labels or case.not_labels) <= labels
            elif test.type == "DIR":
                assert case.expected.label in labels
            else:
                assert len(set(case.rows)) == len(case.rows) > 1
    assert read_suite(name, fields) == tests
    assert name.startswith("paraphrase_zh") or read_suite(name, fields, seed=1) != tests


def test_templates_make_cases(tmp_path: Path):
    path = suite(
        tmp_path,
        {"words": {"x": ["a", "b"], "y": ["c", "d", "e"]}},
        {"test": "t", "type": "MFT", "template": "{x} {y}", "label": "{x}"},
        {"test": "t", "type": "MFT", "template": "more", "not_label": 1},
        {"test": "i", "type": "INV", "capability": "C", "template": "{x} {y}", "vary": "y"},
        {"test": "o", "type": "INV", "template": ["{x}.", "{x}!"], "words": {"x": ["z"]}},
        {"test": "typos", "type": "INV", "template": "wonderful {x}", "typos": 2, "limit": 1},
        {
            "test": "d",
            "type": "DIR",
            "texts": ["u", "v"],
            "expect": {"label": "p", "change": "not_up", "tolerance": 0.2},
        },
    )
    tests = {test.name: test for test in read_suite(path)}
    assert len(tests["t"].cases) == 7
    assert [case.rows for case in tests["t"].cases[:2]] == [(("a c",),), (("a d",),)]
    assert tests["t"].cases[0].labels == ("a",)
    assert tests["t"].cases[-1].not_labels == ("1",)
    assert [case.rows for case in tests["i"].cases] == [(("a c",), ("a d",), ("a e",)), (("b c",), ("b d",), ("b e",))]
    assert tests["o"].cases[0].rows == (("z.",), ("z!",))
    original, *copies = (row[0] for row in tests["typos"].cases[0].rows)
    assert original in ("wonderful a", "wonderful b")
    assert len({original, *copies}) == 3
    assert all(copy.startswith("w") and copy.endswith(original[-2:]) for copy in copies)
    assert tests["d"].cases[0].expected == Expected("p", "not_up", 0.2)


def test_released_suites_of_checklist_are_read(shared_data: Path):
    folder = shared_data / "trust" / "checklist"
    for name, fields, cases in (("sentiment", 1, 2002), ("qqp", 2, 2120), ("squad", 2, 720)):
        tests = read_suite(folder / f"{name}.jsonl", fields)
        counts = collections.Counter(test.type for test in tests)
        assert sum(len(test.cases) for test in tests) == cases
        assert counts["MFT"] > counts["DIR"]
    case = tests[0].cases[0]
    assert case.rows[0] == ("Benjamin is younger than Jamie.", "Who is less young?")
    assert case.labels == ("Jamie", "Benjamin")


GOOD = {"test": "t", "type": "MFT", "texts": "a", "label": "x"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"type": "MFX"}, "suite.jsonl, line 1: expected a test with a name and a type, one of MFT, INV, DIR"),
        ({"txt": 1}, "line 1: unknown field 'txt'; the fields are: capability, case"),
        ({"template": "a"}, "line 1: expected either texts or a template"),
        ({"texts": [["a", "b"]]}, "line 1: texts: the model takes a text or a list of texts"),
        ({"texts": ["a", "b"], "label": ["x"]}, "line 1: label: expected one, or one for each of the 2 texts"),
        ({"not_label": "y"}, "line 1: label and not_label: leave one out"),
        ({"words": ["a"]}, "line 1: words: expected lists of words by name"),
        ({"typos": 2}, "line 1: typos: no word of 4 letters to put an error into: 'a'"),
        ({"typos": -1}, "line 1: typos: expected a whole number of 0 or more"),
        (
            {"type": "DIR", "texts": ["a", "b"], "expect": {"label": "x", "change": "more"}},
            "line 1: expect: expected a",
        ),
    ],
    ids=str,
)
def test_bad_lines(tmp_path: Path, line: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        read_suite(suite(tmp_path, {**GOOD, **line}))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"template": "{x}"}, "line 1: {x} names no list of words; the lists are: there is none"),
        ({"template": "a", "template_pair": "b"}, "the template makes pairs .template_pair., which the model does not"),
        ({"template": ["a", 1]}, "line 1: template: expected a sentence or a list of them"),
        ({"template": "a", "vary": "x"}, "line 1: vary: 'x' is no place of the template"),
        ({"template": "a", "type": "INV"}, "line 1: INV compares texts; the template makes one alone"),
        ({"template": "a", "limit": 0}, "line 1: limit: expected a whole number of 1 or more, found 0"),
    ],
    ids=str,
)
def test_bad_templates(tmp_path: Path, line: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message.replace("{", r"\{")):
        read_suite(suite(tmp_path, {"test": "t", "type": "MFT", "label": "x", **line}))


def test_no_suite(tmp_path: Path):
    with pytest.raises(
        InputError, match="nothing: no such file, and no suite of the package; these are: paraphrase_en"
    ):
        read_suite("nothing")
    with pytest.raises(InputError, match="there are no tests"):
        read_suite(suite(tmp_path, {"words": {"x": ["a"]}}))
    (tmp_path / "suite.jsonl").write_text("{\n")
    with pytest.raises(InputError, match="line 1: bad JSON"):
        read_suite(tmp_path / "suite.jsonl")
