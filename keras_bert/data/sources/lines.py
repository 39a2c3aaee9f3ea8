"""Lines of a text file in any encoding, plain or gzip, with errors that name the line."""

import contextlib
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError

MAX_LINE_BYTES = 1 << 24
"""How long a line may be by default, 16 MiB: a longer one is no row of text, and would fill the memory."""

# What gzip makes of text is a tenth to a third of it; of what was made to fill a memory, a thousandth.
_MOST_UNPACKED, _UNPACKED_ANYWAY = 200, 1 << 26

# The longest first: UTF-32's begins with UTF-16's.
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# How files begin that are taken for text by their names.
_NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook (.xlsx): unpack it, or save the sheet as CSV in UTF-8",
    b"\x1f\x8b": "packed by gzip: let its name end in .gz",
    b"BZh": "packed by bzip2: unpack it",
    b"\xfd7zXZ": "packed by xz: unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls): save the sheet as CSV in UTF-8",
    b"PAR1": "a Parquet file: read it with pandas or pyarrow and pass the table to keras_bert.data.rows",
    b"%PDF": "a PDF",
}
_HEAD = 1 << 16  # bytes in which line ends are looked for


@dataclass(frozen=True)
class TextFormat:
    """How a text file is written.

    Attributes:
        encoding: A name that Python knows; None: what the file's byte-order mark says, or else UTF-8.
        max_line_bytes: A longer line is an error.
        delimiter: What divides the fields of a row; None: a comma in a `.csv` file, a tab in a `.tsv` file.
        quoting: Whether fields may stand in quotation marks; None: in a `.csv` file, not in a `.tsv` file.
    """

    encoding: str | None = None
    max_line_bytes: int = MAX_LINE_BYTES
    delimiter: str | None = None
    quoting: bool | None = None

    def __post_init__(self) -> None:
        if self.delimiter == r"\t":  # as --delimiter='\t' of a shell comes
            object.__setattr__(self, "delimiter", "\t")
        if self.encoding is not None:
            try:
                io.TextIOWrapper(io.BytesIO(), encoding=self.encoding)
            except LookupError:
                raise InputError(
                    f"encoding {self.encoding!r}: not one that is known; such are utf-8, utf-16, cp1252, gb18030, big5"
                ) from None
        if self.max_line_bytes < 1:
            raise InputError(f"max_line_bytes {self.max_line_bytes}: expected 1 or more")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise InputError(f"delimiter {self.delimiter!r}: expected one character that divides fields")


def read_lines(path: Path, text_format: TextFormat | None = None) -> Iterator[tuple[int, str]]:
    r"""The lines of a file with their numbers (from 1), line ends kept.

    Lines end at "\n" (also as "\r\n"), or, where the beginning of the file has none of these, at "\r", which is given
    as "\n": other Unicode line separators, U+2028 among them, are text. A byte-order mark at the start says the
    encoding and is passed over; a name that ends in `.gz` is unpacked on the way.

    Args:
        path: The file.
        text_format: How it is written.

    Raises:
        InputError: No such file, a folder, a pipe, unreadable, empty, not in its encoding (names the line), a line that
            is too long, a damaged gzip file, or one that unpacks to more than 200 times its size.
    """
    text_format = text_format or TextFormat()
    check_file(path)
    number = 0
    try:
        with contextlib.ExitStack() as stack:
            size = path.stat().st_size
            is_packed = path.suffix.lower() == ".gz"
            file: Any = stack.enter_context(gzip.open(path) if is_packed else path.open("rb"))  # noqa: SIM115
            unpacked = 0
            for number, line, count in _decoded(path, file, text_format):
                unpacked += count
                if is_packed:
                    check_unpacked(f"{path}, line {number}", unpacked, size)
                if number > 1 or line:
                    yield number, line
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged or truncated gzip file after line {number} ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if number == 0:
        raise InputError(f"{path}: the file is empty")


def check_unpacked(place: str, unpacked: int, size: int) -> None:
    """Checks that a packed file holds no more than text can: what is made to fill a memory packs much better.

    Args:
        place: The file, for the message.
        unpacked: Bytes that came out so far.
        size: Bytes of the packed file.

    Raises:
        InputError: It is more than 64 MiB and more than 200 times the size.
    """
    if unpacked > max(_UNPACKED_ANYWAY, _MOST_UNPACKED * size):
        raise InputError(
            f"{place}: unpacks to more than {_MOST_UNPACKED} times its {size:,} bytes, which no text does; unpack it "
            "first if that is meant"
        )


def check_file(path: Path) -> None:
    """Checks that a file is there to be read.

    Raises:
        InputError: No such file, a folder, or a pipe or device, whose end might never come.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected a file")
    try:
        is_there = path.exists()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not is_there:
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: is a pipe or device, expected a file, which can be read more than once")


def _decoded(path: Path, file: Any, text_format: TextFormat) -> Iterator[tuple[int, str, int]]:
    """Yields number, text and bytes of each line."""
    head = file.peek(_HEAD)[:_HEAD]
    if kind := next((kind for magic, kind in _NO_TEXT.items() if head.startswith(magic)), None):
        raise InputError(f"{path}: is no text, but {kind}")
    mark = next((mark for mark in _BYTE_ORDER_MARKS if head.startswith(mark)), None)
    encoding = text_format.encoding or (_BYTE_ORDER_MARKS[mark] if mark else "utf-8")
    if mark == b"\xef\xbb\xbf" and encoding.lower().replace("_", "-") in ("utf8", "utf-8", "utf-8-sig"):
        encoding, head = "utf-8", head[3:]
        file.read(3)
    is_utf8 = encoding.lower().replace("_", "-") in ("utf8", "utf-8")
    try:
        beginning = head.decode(encoding, "ignore")
    except UnicodeError:
        beginning = ""
    by_returns = "\r" in beginning.rstrip("\r") and "\n" not in beginning
    if is_utf8 and not by_returns:
        yield from _utf8_lines(path, file, text_format)
        return
    limit = text_format.max_line_bytes
    lines = io.TextIOWrapper(file, encoding, newline="\r" if by_returns else "\n")
    for number in itertools.count(1):
        try:
            line = lines.readline(limit + 1)
        except UnicodeError as error:
            raise InputError(
                f"{path}, line {number} or soon after: not {encoding} ({getattr(error, 'reason', error)}); name the "
                "right encoding (encoding=..., --encoding), or save the file as UTF-8"
            ) from None
        if not line:
            return
        if len(line) > limit:
            raise _too_long(path, number, limit)
        if by_returns and line.endswith("\r"):
            line = line[:-1] + "\n"
        yield number, line.removeprefix("\ufeff") if number == 1 else line, len(line)


def _utf8_lines(path: Path, file: Any, text_format: TextFormat) -> Iterator[tuple[int, str, int]]:
    limit = text_format.max_line_bytes
    for number in itertools.count(1):
        line = file.readline(limit + 1)
        if not line:
            return
        if len(line) > limit:
            raise _too_long(path, number, limit)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            at = error.start
            raise InputError(
                f"{path}, line {number}: not UTF-8: byte 0x{line[at]:02x} at position {at + 1} of the line; save the "
                "file as UTF-8, or name its encoding (encoding='cp1252', 'gb18030', ...; --encoding)"
            ) from None
        if number == 1 and "\x00" in text:
            raise InputError(
                f"{path}, line 1: holds NUL, which no text does; UTF-16 without a byte-order mark? Name it: "
                "encoding='utf-16-le' or 'utf-16-be' (--encoding)"
            )
        yield number, text, len(line)


def _too_long(path: Path, number: int, limit: int) -> InputError:
    return InputError(
        f"{path}, line {number}: longer than {limit:,} bytes; raise max_line_bytes (--max_line_bytes) if that is meant"
    )
