"""A page of explained texts: one file of HTML, which loads nothing and runs no script."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError, one_line
from keras_bert.files import write_file
from keras_bert.trust.page.attention_part import attention_part
from keras_bert.trust.page.markup import number, shown
from keras_bert.trust.page.style import style
from keras_bert.trust.page.text_part import text_part

SHARES = ("attention", "rollout")
"""Methods whose values say where a model looked, not for what."""

_NEEDED = ("method", "texts", "label", "words")
# Nothing from elsewhere is loaded and no script runs, even if one got past the escaping.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def write_page(path: str | Path, explained: Iterable[Mapping[str, Any]], title: str | None = None) -> None:
    """Writes explanations as a page of HTML.

    The page is one file: no script, no font, nothing from another address, so that it can be sent by mail and opened
    without a network. Texts are shown as text, whatever they hold. It follows the reader's light or dark mode, and all
    that folds or leads somewhere is reached by the keyboard. A text of more than 60 words is one line of heat, with its
    strongest words as links and its words behind a fold.

    Args:
        path: The .html file; it appears whole or not at all.
        explained: What `keras_bert.trust.explain` gives, or the lines of `keras-bert explain --output` read back.
        title: Of the page.

    Raises:
        InputError: There are no explanations, one lacks what it must have, or the file cannot be written.

    Example:
        >>> write_page("explained.html", model.explain(["a gripping film"]))  # doctest: +SKIP
    """
    found = list(explained)
    if not found:
        raise InputError("there are no explanations to make a page of")
    for index, one in enumerate(found):
        missing = [name for name in _NEEDED if not isinstance(one, Mapping) or name not in one]
        if missing:
            raise InputError(f"explanation {index}: no {missing[0]!r}; expected what explain gives")
    write_file(path, page(found, title))


def page(explained: Sequence[Mapping[str, Any]], title: str | None = None) -> str:
    """Returns the page that `write_page` writes."""
    heading = shown(title or f"{len(explained):,} explained {'text' if len(explained) == 1 else 'texts'}")
    articles = [_article(one, index, len(explained)) for index, one in enumerate(explained, start=1)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{heading}</title>\n<style>{style()}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#t1">To the first text</a>\n<header><h1>{heading}</h1>\n{_key(explained)}</header>\n'
        f"{_contents(explained)}<main>\n{''.join(articles)}</main>\n</body>\n</html>\n"
    )


def _key(explained: Sequence[Mapping[str, Any]]) -> str:
    """Says what the colours mean."""
    methods = {one["method"] for one in explained}
    names = ", ".join(shown(method.replace("_", " ")) for method in sorted(methods))
    if methods <= set(SHARES):
        says = "the deeper its colour, the more the model looked at a word: where it looked, not what for"
    else:
        says = (
            '<b class="p6">blue</b> words speak for the answer that is explained, <b class="n6">orange and '
            "underlined</b> ones against it, the deeper the more, each text by its own strongest word"
        )
    return f'<p class="key">Method: {names}. Colours: {says}.</p>\n'


def _contents(explained: Sequence[Mapping[str, Any]]) -> str:
    if len(explained) < 2:
        return ""
    links = [
        f'<li><a href="#t{index}" dir="auto">{shown(one_line(_heading(one), 80))}</a>'
        for index, one in enumerate(explained, start=1)
    ]
    return f'<nav aria-label="Texts"><details><summary>All texts</summary>\n<ol>{"".join(links)}</ol></details></nav>\n'


def _heading(one: Mapping[str, Any]) -> str:
    start = " ".join(next(iter(one["texts"].values()), "").split())[:60]
    return f"{_label(one)}: {start}"


def _label(one: Mapping[str, Any]) -> str:
    if one["label"] is None:
        return "nothing to explain"
    return one["label"] or "no answer"


def _article(one: Mapping[str, Any], index: int, count: int) -> str:
    others = [(index - 1, "previous"), (index + 1, "next")]
    links = [f'<a href="#t{other}">{word}</a>' for other, word in others if 1 <= other <= count]
    note = f'<p class="note">{shown(one["note"])}</p>\n' if one.get("note") else ""
    heading = f"Text {index}: {shown(_label(one))}"
    return (
        f'<article id="t{index}" aria-labelledby="h{index}">\n<h2 id="h{index}">{heading}</h2>\n'
        f'<p class="facts">{" · ".join([*_facts(one), *links])}</p>\n{note}'
        f"{text_part(one, f't{index}')}{_cut(one)}{attention_part(one.get('maps') or ())}</article>\n"
    )


def _facts(one: Mapping[str, Any]) -> list[str]:
    """Returns the numbers of an explanation in words."""
    facts = []
    answer = one.get("answer")
    if answer:
        facts.append("answer: " + ", ".join(f"{shown(str(name))} {_value(value)}" for name, value in answer.items()))
    if one.get("score") is not None:
        facts.append(f"explained: {number(one['score'])}")
    if one.get("baseline_score") is not None:
        facts.append(f"without the words ({shown(str(one.get('baseline')))}): {number(one['baseline_score'])}")
    if one.get("gap") is not None:
        facts.append(f"gap {one['gap']:.2%}")
    if one.get("steps") is not None:
        facts.append(f"{one['steps']} steps")
    if one.get("rest"):
        facts.append(f"other tokens: {number(one['rest'])}")
    return facts


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return shown(one_line(str(value), 80))


def _cut(one: Mapping[str, Any]) -> str:
    parts = [
        f"{shown(part['field'])} {part['start']:,} to {part['end']:,} ({shown(part['reason'])})"
        for part in one.get("cut", ())
    ]
    return f'<p class="note">Not read, characters: {", ".join(parts)}</p>\n' if parts else ""
