"""Texts from standard input or a text file, a text a line."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from keras_bert.errors import InputError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 1 << 24
_BLOCK = 1 << 20  # bytes; a pipe gives 64 KiB at most


def read_text_lines(
    source: str, window: int, encoding: str | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[list[str]]:
    r"""Yields the lines of a text file or of standard input, several at a time, without their ends.

    Of standard input a window is what has arrived by now, so that a person, or a program that waits for its answer,
    gets it; of a fast pipe that is some hundreds of lines.

    Args:
        source: A file, `.gz` too, or `-` for standard input.
        window: Lines of a file at a time.
        encoding: Of the lines; None: UTF-8, or what a file's byte-order mark says.
        max_line_bytes: A longer line is an error.

    Yields:
        The next lines, at least one. Lines end at "\n" or "\r\n" only.

    Raises:
        InputError: No such file; or a line is too long, or not in its encoding (named; the lines before it are
            yielded first).
    """
    if source == "-":
        yield from _decoded(_arriving(max_line_bytes), encoding or "UTF-8")
        return
    from keras_bert.data.sources.lines import TextFormat, read_lines

    lines = (
        line.removesuffix("\n").removesuffix("\r")
        for _, line in read_lines(Path(source), TextFormat(encoding, max_line_bytes))
    )
    while chunk := list(itertools.islice(lines, window)):
        yield chunk


def _arriving(max_line_bytes: int) -> Iterator[list[bytes]]:
    """Yields the lines that have arrived at standard input, as soon as there is one."""
    if sys.stdin is None:
        raise InputError("standard input is closed; name a file, --input=FILE")
    stream: BinaryIO = sys.stdin.buffer
    if sys.stdin.isatty():
        print("reading texts, one a line; Ctrl-D ends", file=sys.stderr)
    pending: list[bytes] = []
    number, length = 1, 0
    while block := stream.read1(_BLOCK):  # type: ignore[attr-defined]
        pending.append(block)
        length += len(block)
        if b"\n" in block:
            *lines, rest = b"".join(pending).split(b"\n")
            pending, length = [rest], len(rest)
            number += len(lines)
            yield lines
        if length > max_line_bytes:
            raise InputError(
                f"standard input, line {number}: longer than {max_line_bytes:,} bytes; raise --max_line_bytes if "
                "that is meant"
            )
    if rest := b"".join(pending):
        yield [rest]


def _decoded(windows: Iterable[list[bytes]], encoding: str) -> Iterator[list[str]]:
    number = 0
    for window in windows:
        texts: list[str] = []
        for line in window:
            number += 1
            try:
                text = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).decode(encoding)
            except LookupError:
                raise InputError(f"encoding {encoding!r}: not one that is known (--encoding)") from None
            except UnicodeDecodeError as error:
                if texts:
                    yield texts
                raise InputError(
                    f"standard input, line {number}: not {encoding} (byte {error.start + 1} of the line)"
                ) from None
            texts.append(text.removesuffix("\r"))
        yield texts
