"""What others wrote comes out as the text that it is."""

import json

import pytest
import yaml

from keras_bert.escaping import LONGEST, markdown, markdown_code, to_json, yaml_string

markdown_it = pytest.importorskip("markdown_it")

NASTY = [
    "plain",
    "layer_decay",
    "_a_ __b__ *c* **d** ~~e~~",
    "<script>alert(1)</script>",
    "<!-- -->",
    "[a](javascript:alert(1)) ![b](http://c)",
    "a | b \\| c \\",
    "`a` ``b`` ```",
    "https://evil.example www.evil.example me@evil.example",
    "$x^2$ &lt; &#60;",
    "- a",
    "+ b",
    "# head",
    "> quote",
    "1. one",
    "---",
    "===",
    "no",
    "1.0",
    "null",
    "a: b",
    "{a: b} [c]",
    "'q' \"r\"",
    "C:\\new\\table",
    "中文 😀 Größe",
    "%s {label} {0}",
    "`",
    " `a` ",
    " ",
]


def text_of(tokens) -> str:
    """All text that a Markdown renderer shows; fails where there is anything else than text."""
    kinds = {token.type for token in tokens}
    assert kinds <= {"paragraph_open", "inline", "paragraph_close"}, kinds
    (inline,) = [token for token in tokens if token.type == "inline"]
    assert {child.type for child in inline.children} <= {"text", "text_special"}, inline.children
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize("text", NASTY)
def test_markdown_shows_the_text(text: str):
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    # Behind a word, since that is where a text of others stands: never at the beginning of a line.
    assert text_of(parser.parse(f"a {markdown(text)} z")) == f"a {text} z".replace("a   z", "a   z")
    row = f"| | |\n|---|---|\n| {markdown(text)} | z |"
    cells = [token.children for token in parser.parse(row) if token.type == "inline"]
    assert ["".join(child.content for child in cell) for cell in cells[2:]] == [text.strip(), "z"]


@pytest.mark.parametrize("text", NASTY)
def test_code_shows_the_text(text: str):
    (inline,) = [t for t in markdown_it.MarkdownIt().parse(f"a {markdown_code(text)} z") if t.type == "inline"]
    assert [child.type for child in inline.children] == ["text", "code_inline", "text"]
    assert inline.children[1].content.strip() == text.strip()


def test_links_are_no_links():
    for text in ("https://evil.example", "www.evil.example", "me@evil.example"):
        assert "\\" in markdown(text)


@pytest.mark.parametrize("text", NASTY)
def test_yaml_reads_the_text(text: str):
    assert yaml.safe_load(f"license: {yaml_string(text)}\nnext: 1") == {"license": text, "next": 1}


@pytest.mark.parametrize("write", [markdown, markdown_code, yaml_string])
def test_lines_and_controls_do_not_leave_their_place(write):
    written = write("a\nb\r\u2028\x85\x1b[31m\x9b\u202e\ud83d" + "x" * 10_000)
    assert written.isprintable()
    assert len(written) < 2 * LONGEST


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_json(indent):
    value = {"a": [float("nan"), -float("inf"), (1.5, None, True)], "b": {"c": "\x1b\x9b\u2028\u202e\ud83d 中"}}
    text = to_json(value, indent)
    assert text.replace("\n", "").isprintable()
    read = json.loads(text, parse_constant=pytest.fail)
    assert read == {"a": [None, None, [1.5, None, True]], "b": value["b"]}
