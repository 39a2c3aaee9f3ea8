"""Sentences of a CoNLL file: a word and its tags a line."""

import re
from pathlib import Path
from typing import NamedTuple

from keras_bert.data.sources.lines import TextFormat, read_lines
from keras_bert.errors import InputError

DOCUMENT = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")
_METADATA = re.compile(r"#.* = .*|#\s*newdoc\b.*|#\s*newpar\b.*")
# CoNLL-U numbers its words; "3-4" stands for two that follow, "5.1" for one that is not written.
_NO_WORD = re.compile(r"\d+[-.]\d+")
_CONLL_U_COLUMNS = 10


class Sentence(NamedTuple):
    """A sentence with a tag for each word.

    Attributes:
        words: The words.
        tags: The tags, as many.
        lines: The line of each word in the file, from 1.
        document: Number of the document that it is of, from 0.
    """

    words: list[str]
    tags: list[str]
    lines: list[int]
    document: int


def read_conll(
    path: Path, word_column: int = 0, tag_column: int = -1, text_format: TextFormat | None = None
) -> tuple[list[Sentence], bool]:
    r"""Reads a file with a word a line: columns divided by tabs, or by blanks where its first word has no tab.

    A blank line ends a sentence, a line whose word is `-DOCSTART-` begins a document, as does `# newdoc` (CoNLL-U).
    Before the first word of a sentence a line is a comment if it is one of CoNLL-U's (`# name = value`), or begins with
    `# ` and has another number of columns than the file. Words may be `#`, or begin with it.

    Args:
        path: A text file, also `.gz`.
        word_column: The column of the words, from 0; negative ones count from the end.
        tag_column: The column of the tags.
        text_format: How the file is written.

    Returns:
        The sentences, and whether the file says where documents begin; else each sentence is one by itself.

    Raises:
        InputError: Another number of columns than in the line before, a column that is not there, one column for words
            and tags, or an empty word or tag (each names the line); a file without a word.
    """
    lines = [(number, line.rstrip("\r\n")) for number, line in read_lines(path, text_format)]
    layout = _layout(lines)
    if layout is None:
        raise InputError(f"{path}: there is no word in it")
    for column in (word_column, tag_column):
        if not -layout.width <= column < layout.width:
            raise InputError(
                f"{path}, line {layout.line}: no column {column} (from 0); the line has {layout.width}, "
                f"divided by {'tabs' if layout.by_tabs else 'blanks'}"
            )
    if (word_column - tag_column) % layout.width == 0:
        raise InputError(
            f"{path}, line {layout.line}: column {word_column} (from 0) is that of the words and of the tags; the line "
            f"has {layout.width}, divided by {'tabs' if layout.by_tabs else 'blanks'}"
        )
    sentences: list[Sentence] = []
    says_documents, document = False, 0
    words: list[str] = []
    tags: list[str] = []
    numbers: list[int] = []

    def finish() -> None:
        nonlocal words, tags, numbers, document
        if words:
            sentences.append(Sentence(words, tags, numbers, document))
            words, tags, numbers = [], [], []

    for number, line in lines:
        fields = _fields(line, layout.by_tabs)
        if not fields:
            finish()
            continue
        if not words and _is_comment(line, fields, layout):
            if line.lstrip("# \t").startswith("newdoc"):
                says_documents, document = True, document + 1
            continue
        if fields[min(word_column, len(fields) - 1)] == DOCUMENT:
            finish()
            says_documents, document = True, document + 1
            continue
        if len(fields) != layout.width:
            raise InputError(
                f"{path}, line {number}: {len(fields)} column{'s' * (len(fields) != 1)}, "
                f"expected {layout.width} as in line {layout.line}"
            )
        if layout.width == _CONLL_U_COLUMNS and _NO_WORD.fullmatch(fields[0]):
            continue
        word, tag = fields[word_column], fields[tag_column]
        if not word or not tag:
            raise InputError(f"{path}, line {number}: an empty {'tag' if word else 'word'}")
        words.append(word)
        tags.append(tag)
        numbers.append(number)
    finish()
    if not sentences:
        raise InputError(f"{path}: there is no word in it")
    if not says_documents:
        sentences = [sentence._replace(document=index) for index, sentence in enumerate(sentences)]
    return sentences, says_documents


class _Layout(NamedTuple):
    """The line that says how the lines of a file are divided, and how."""

    line: int
    width: int
    by_tabs: bool


def _layout(lines: list[tuple[int, str]]) -> _Layout | None:
    """Takes the first line with a word for all of them; one that may be a comment only where there is no other.

    None where all lines are blank.
    """
    filled = [(number, line, "\t" in line) for number, line in lines if line.strip(" \t")]
    for number, line, by_tabs in filled:
        if not line.startswith("#") and _fields(line, by_tabs)[0] != DOCUMENT:
            return _Layout(number, len(_fields(line, by_tabs)), by_tabs)
    for number, line, by_tabs in filled:
        return _Layout(number, len(_fields(line, by_tabs)), by_tabs)
    return None


def _fields(line: str, by_tabs: bool) -> list[str]:
    """Returns the columns of a line; none for a blank one."""
    if not line.strip(" \t"):
        return []
    return line.split("\t") if by_tabs else _BLANKS.split(line.strip(" \t"))


def _is_comment(line: str, fields: list[str], layout: _Layout) -> bool:
    # "#Madrid" without a tag is a word that lost it, and an error.
    told = line == "#" or line.startswith("# ")
    return _METADATA.fullmatch(line) is not None or (told and len(fields) != layout.width)
