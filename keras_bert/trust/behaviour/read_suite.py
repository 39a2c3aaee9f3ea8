"""Suites of behaviour tests: JSON lines with texts, or with templates and lists of words."""

import importlib.resources
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_bert.data.sources.json_lines_file import load_json
from keras_bert.data.sources.lines import read_lines
from keras_bert.errors import InputError
from keras_bert.trust.behaviour.case import (
    CHANGES,
    DIRECTION,
    INVARIANCE,
    MINIMUM,
    TYPES,
    BehaviourTest,
    Case,
    Expected,
    Row,
    as_rows,
)
from keras_bert.trust.behaviour.templates import filled, fillings, places
from keras_bert.trust.behaviour.typing_errors import with_typing_errors

LIMIT = 200
"""Cases of one template at most."""

_FIELDS = {
    *("test", "type", "capability", "texts", "template", "template_pair", "words", "label", "not_label"),
    *("expect", "vary", "typos", "limit", "case", "of"),
}


def shipped_suites() -> list[str]:
    """Returns the names of the suites that come with the package."""
    folder = importlib.resources.files("keras_bert.trust.behaviour") / "suites"
    return sorted(entry.name.removesuffix(".jsonl") for entry in folder.iterdir() if entry.name.endswith(".jsonl"))


def read_suite(suite: str | Path, fields: int = 1, seed: int = 0) -> list[BehaviourTest]:
    """Reads a suite.

    A line with `words` alone has lists of words for the templates below it. Any other line has `test`, `type` (`MFT`,
    `INV` or `DIR`), perhaps `capability`, and either `texts` or `template`; lines of one test are put together.

    * `texts`: a text, a pair, or a list of either. This is also the layout of CheckList's released suites as JSON
      lines, with `case` and `of`; what such a file cannot hold, a label or an expectation that is null, is no error,
      nor is one text alone where some are compared: such cases are counted and not judged.
    * `template`, for pairs `template_pair` too: a sentence with places, `{name}`, or a list, of which the first is
      the original. `vary` names a place whose words all stand in one case; `typos` puts so many copies with one
      typing error beside each text; `limit` is how many cases are made at most.
    * `label`: of MFT the right answer, or a list with one for each text; or `not_label`, the wrong one.
    * `expect`: of DIR, `{"label": ..., "change": "up"|"down"|"not_up"|"not_down", "tolerance": 0.1}`.

    Args:
        suite: A .jsonl file, or the name of a suite that comes with the package, such as `sentiment_en`.
        fields: Texts of a row that the model takes.
        seed: Of what is drawn: cases beyond the limit, typing errors.

    Raises:
        InputError: There is no such suite, or a line that is none of a suite; the line is named.

    Example:
        >>> [test.type for test in read_suite("sentiment_en")][:3]
        ['MFT', 'MFT', 'MFT']
    """
    tests: dict[tuple[str, str, str], list[Case]] = {}
    words: dict[str, list[str]] = {}
    for place, line in _lines(suite):
        if set(line) == {"words"}:
            words |= _words(line["words"], place)
            continue
        kind, name = line.get("type"), line.get("test")
        if kind not in TYPES or not isinstance(name, str):
            raise InputError(f"{place}: expected a test with a name and a type, one of {', '.join(TYPES)}")
        if unknown := sorted(set(line) - _FIELDS):
            raise InputError(f"{place}: unknown field {unknown[0]!r}; the fields are: {', '.join(sorted(_FIELDS))}")
        lists = {**words, **_words(line.get("words", {}), place)}
        cases = tests.setdefault((str(line.get("capability", "")), name, kind), [])
        cases += [_case(rows, line, filling, place) for rows, filling in _rows(line, fields, lists, seed, place)]
    if not tests:
        raise InputError(f"{suite}: there are no tests")
    return [BehaviourTest(name, capability, kind, cases) for (capability, name, kind), cases in tests.items()]


def _lines(suite: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the objects of a suite with their places."""
    path = Path(suite)
    if str(suite) in shipped_suites():
        data = importlib.resources.files("keras_bert.trust.behaviour") / "suites" / f"{suite}.jsonl"
        lines: Any = enumerate(data.read_text(encoding="utf-8").splitlines(), start=1)
    elif path.is_file():
        lines = read_lines(path)
    else:
        raise InputError(
            f"{suite}: no such file, and no suite of the package; these are: {', '.join(shipped_suites())}"
        )
    for number, line in lines:
        if line.strip():
            place = f"{suite}, line {number}"
            found = load_json(line, place, "expected one JSON object a line")
            if not isinstance(found, dict):
                raise InputError(f"{place}: expected a JSON object, found {type(found).__name__}")
            yield place, found


def _words(found: Any, place: str) -> dict[str, list[str]]:
    is_lists = isinstance(found, dict) and all(
        isinstance(words, list) and words and all(isinstance(word, str) for word in words) for words in found.values()
    )
    if not is_lists:
        raise InputError(f"{place}: words: expected lists of words by name, found {found!r:.60}")
    return found


def _rows(
    line: Mapping[str, Any], fields: int, words: Mapping[str, list[str]], seed: int, place: str
) -> Iterator[tuple[tuple[Row, ...], dict[str, str]]]:
    """Yields the rows of each case of a line, and the words that it was made with."""
    if ("texts" in line) == ("template" in line):
        raise InputError(f"{place}: expected either texts or a template")
    if "texts" in line:
        rows = as_rows(line["texts"], fields)
        if rows is None:
            takes = "a text or a list of texts" if fields == 1 else "a pair of texts or a list of pairs"
            raise InputError(f"{place}: texts: the model takes {takes}, found {line['texts']!r:.80}")
        yield with_typing_errors(rows, line.get("typos", 0), seed, place), {}
        return
    columns = [line["template"], *([line["template_pair"]] if "template_pair" in line else [])]
    if len(columns) != fields:
        has = "pairs (template_pair)" if len(columns) == 2 else "single texts"
        raise InputError(f"{place}: the template makes {has}, which the model does not take")
    columns = [[column] if isinstance(column, str) else column for column in columns]
    fits = all(isinstance(column, list) and all(isinstance(text, str) for text in column) for column in columns)
    if not fits or len({len(column) for column in columns}) != 1 or not columns[0]:
        raise InputError(f"{place}: template: expected a sentence or a list of them, of a pair as many for each text")
    templates = [template for column in columns for template in column]
    varied = [found for found in places(templates) if "".join(found) == line.get("vary")]
    if "vary" in line and not varied:
        raise InputError(f"{place}: vary: {line['vary']!r} is no place of the template")
    for filling in fillings(templates, words, place, _number(line, "limit", LIMIT, place), seed, keep=varied):
        each: list[dict[str, str]] = [filling]
        if varied:
            if varied[0][0] not in words:
                raise InputError(f"{place}: {{{varied[0][0]}}} names no list of words")
            each = [{**filling, line["vary"]: word} for word in words[varied[0][0]]]
        rows = tuple(tuple(filled(text, one) for text in texts) for one in each for texts in zip(*columns, strict=True))
        yield with_typing_errors(rows, line.get("typos", 0), seed, place), filling


def _case(rows: tuple[Row, ...], line: Mapping[str, Any], filling: dict[str, str], place: str) -> Case:
    kind = line["type"]
    if kind in (INVARIANCE, DIRECTION) and len(rows) < 2 and "template" in line:
        raise InputError(f"{place}: {kind} compares texts; the template makes one alone")
    expected = None
    if kind == DIRECTION and line.get("expect") is not None:
        expected = _expectation(line["expect"], place)
    labels = _labels(line, "label", rows, filling, place) if kind == MINIMUM else None
    not_labels = _labels(line, "not_label", rows, filling, place) if kind == MINIMUM else None
    if labels and not_labels:
        raise InputError(f"{place}: label and not_label: leave one out")
    return Case(rows, labels, not_labels, expected)


def _labels(
    line: Mapping[str, Any], name: str, rows: tuple[Row, ...], filling: dict[str, str], place: str
) -> tuple[str, ...] | None:
    found = line.get(name)
    if found is None:
        return None
    labels = found if isinstance(found, list) else [found] * len(rows)
    if len(labels) != len(rows) or not all(isinstance(label, str | int) for label in labels):
        raise InputError(
            f"{place}: {name}: expected one, or one for each of the {len(rows)} texts, found {found!r:.60}"
        )
    return tuple(filled(str(label), filling) for label in labels)


def _expectation(found: Any, place: str) -> Expected:
    given = found if isinstance(found, dict) else {}
    label, change, tolerance = given.get("label"), given.get("change"), given.get("tolerance", 0.1)
    fits = isinstance(label, str | int) and change in CHANGES and isinstance(tolerance, int | float)
    if not fits or not 0 <= tolerance < 1 or set(given) - {"label", "change", "tolerance"}:
        raise InputError(
            f"{place}: expect: expected a label, a change ({', '.join(CHANGES)}) and perhaps a tolerance from 0 to 1, "
            f"found {found!r:.80}"
        )
    return Expected(str(label), str(change), float(tolerance))


def _number(line: Mapping[str, Any], name: str, default: int, place: str) -> int:
    value = line.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{place}: {name}: expected a whole number of 1 or more, found {value!r:.40}")
    return value
