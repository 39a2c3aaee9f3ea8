"""Documents in files of text: where each begins and ends, its sentences, and whether it is held out."""

import hashlib
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from keras_bert.data.pretraining.sentences import split_sentences
from keras_bert.errors import InputError

LAYOUTS = ("sentence_per_line", "document_per_line")
LONGEST_PART = 1 << 22
"""Bytes; a longer document is dealt with in parts, so that memory does not grow with it."""

_BLOCK = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SEPARATORS = {"sentence_per_line": re.compile(rb"\n[ \t\r\f\v]*\n\s*"), "document_per_line": re.compile(rb"\n\s*")}


class Readable(Protocol):
    """A file open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Gives the next bytes, none at the end."""


class Part(NamedTuple):
    """A document, or a part of a long one.

    Attributes:
        offset: Of its first byte in the file.
        text: Its bytes, with no white space around them.
        goes_on: Whether it belongs to the same document as the part before it.
    """

    offset: int
    text: bytes
    goes_on: bool


def find_documents(stream: Readable, layout: str, longest: int = LONGEST_PART) -> Iterator[Part]:
    r"""Finds the documents of a file, reading it once and holding no more of it than a document.

    Args:
        stream: The file, from its start; a byte-order mark is passed over.
        layout: `sentence_per_line` (a line without text between documents) or `document_per_line`.
        longest: A document of more bytes is given in parts that end with a line, or a word, where there is one.

    Yields:
        The parts in the order of the file, each with some text.
    """
    separator = _SEPARATORS[layout]
    data, base, start, goes_on = b"", 0, 0, False
    while True:
        # A separator not found yet begins with the last line feed there is, or after it.
        search = max(start, data.rfind(b"\n"))
        block = stream.read(_BLOCK)
        if base == 0 and not data and block.startswith(_BYTE_ORDER_MARK):
            base, block = len(_BYTE_ORDER_MARK), block[len(_BYTE_ORDER_MARK) :]
        data, base, search, start = data[start:] + block, base + start, search - start, 0
        for match in separator.finditer(data, search):
            for first, last in itertools.pairwise([*_cuts(data, start, match.start(), longest), match.start()]):
                yield from _part(base, data, first, last, goes_on)
                goes_on = True
            start, goes_on = match.end(), False
        for first, last in itertools.pairwise(_cuts(data, start, len(data), longest)):
            yield from _part(base, data, first, last, goes_on)
            start, goes_on = last, True
        if not block:
            yield from _part(base, data, start, len(data), goes_on)
            return


def _part(base: int, data: bytes, start: int, stop: int, goes_on: bool) -> Iterator[Part]:
    text = data[start:stop]
    front = len(text) - len(text.lstrip())
    if text := text.strip():
        yield Part(base + start + front, text, goes_on)


def _cuts(data: bytes, start: int, stop: int, longest: int) -> list[int]:
    """Where to cut so that no piece is longer: after a line, after a word, or at least not inside a character."""
    cuts = [start]
    while stop - start > longest:
        cut = start + longest
        for mark in (b"\n", b" "):
            if (found := data.rfind(mark, start + 1, cut)) > 0:
                cut = found
                break
        else:
            while cut > start + 1 and data[cut] & 0xC0 == 0x80:
                cut -= 1
        cuts.append(cut)
        start = cut
    return cuts


def is_held_out(document: bytes, share: float) -> bool:
    """Tells whether a document belongs to the held-out ones: by its text alone, so that a copy goes the same way.

    A larger share holds all that a smaller one does.

    Args:
        document: Its text (of a long one: the first part); how its lines are broken makes no difference.
        share: Of the documents, 0 to 1.
    """
    if share <= 0:
        return False
    digest = hashlib.blake2b(b" ".join(document.split()), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def check_share(held_out: float) -> None:
    """Checks a share of documents to hold out.

    Raises:
        InputError: It is not from 0 to 1, 1 left out.
    """
    if not 0 <= held_out < 1:
        raise InputError(f"held_out is {held_out}; expected a share, 0 or more and under 1")


def sentences_of(text: bytes, split: bool) -> list[bytes]:
    """The sentences of a document as UTF-8, none empty.

    Args:
        text: The document; bytes that are no UTF-8 become U+FFFD, which tokenization drops.
        split: Its lines are running text, to be split by `split_sentences`; otherwise each line is a sentence.
    """
    if split:
        return [sentence.encode() for sentence in split_sentences(text.decode("utf-8", "replace"))]
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        text = text.decode("utf-8", "replace").encode()
    return [line for raw in text.split(b"\n") if (line := raw.strip())]


def invalid_lines(text: bytes) -> list[int]:
    """Which lines of a document, from 0, are not UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return [number for number, line in enumerate(text.split(b"\n")) if not _is_utf8(line)]
    return []


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def check_text(place: str, text: bytes) -> None:
    """Refuses what is no text at all.

    Raises:
        InputError: It holds NUL bytes.
    """
    if b"\0" in text:
        raise InputError(f"{place}: holds NUL bytes: a binary file, or UTF-16; expected text in UTF-8")


class Utf8Count:
    """Counts the lines of a file that are not UTF-8, and refuses them if asked to.

    Args:
        place: What to call the file in an error.
        strict: One such line is an error.
    """

    def __init__(self, place: str, strict: bool) -> None:
        self.place = place
        self.strict = strict
        self.lines = 0
        self.invalid = 0

    def add(self, part: Part) -> None:
        """Looks at a part of the file.

        Raises:
            InputError: It is a binary file, or not UTF-8 under `strict`.
        """
        check_text(self.place, part.text)
        self.lines += part.text.count(b"\n") + 1
        found = invalid_lines(part.text)
        if found and self.strict:
            before = sum(len(line) + 1 for line in part.text.split(b"\n")[: found[0]])
            raise InputError(
                f"{self.place}: the line at byte {part.offset + before} is not UTF-8; mend it, or leave out --strict "
                "and such bytes are passed over"
            )
        self.invalid += len(found)

    def finish(self) -> None:
        """Ends the file.

        Raises:
            InputError: Most of it is not UTF-8.
        """
        if self.invalid * 2 > self.lines:
            raise InputError(
                f"{self.place}: {self.invalid} of {self.lines} lines are not UTF-8: another encoding, or no text; "
                "convert it to UTF-8"
            )
