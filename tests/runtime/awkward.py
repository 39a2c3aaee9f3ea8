"""Texts on which tokenizers differ: those of the graph and of the runtime must not, nor their answers."""

from typing import Any

import pytest

AWKWARD: list[str | bytes] = [
    "",
    " ",
    "\t\n",
    "\0",
    "a\0film",
    "good \ufffd film",
    b"good \xff film",
    b"fi\xfflm good",
    b"\xff\xfe\xfd",
    b"good\xe4\xb8 film\xe4!bad",
    b"\xed\xa0\xbd good",
    b"good \xc0\x80 film",
    "good \ud83d film",
    "fi\udc80lm",
    "😀 good 👩‍👩‍👧 film🎬",
    "中文 good電影film",
    "Ｇｏｏｄ，film。",
    "café cafe\u0301 FILM \u0301film",
    "good\u200bfilm \u200e food\u00adbook \x0c bad \u0085 x",
    "한국어 각 film",
    "İstanbul ΣΑΣ ẞ ǆ good",
    "[SEP] good [CLS] film [UNK][MASK]",
    "##s film##s ## #",
    "film" * 30,
    "film" * 100,
    "film" * 101,
    "中" * 200,
    "é" * 150,
    "é" * 250,
    "ก" * 130 + " good",
    "ก" * 140 + " good",
    "good\u2e5dfilm\u061dfood \U0002b820film \U0002b91f",
    "\U00011938 good \ua7cbfilm",
    "\ue000good \U000f0000film \U0010fffd",
    "the film " * 300,
    "good. " * 100 + "bad film" + "x" * 500,
]

LONG = "The film was (very) good, café and 中文 food – not “bad”.\n" * 20_000
"""A text of more than a megabyte."""


def check_same(found: Any, expected: Any, where: str = "") -> None:
    """The same structure and types, and numbers that differ by rounding alone."""
    assert type(found) is type(expected), (where, found, expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key, value in expected.items():
            check_same(found[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), (where, found, expected)
        for index, pair in enumerate(zip(found, expected, strict=True)):
            check_same(*pair, f"{where}/{index}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-4), where
    else:
        assert found == expected, where
