"""Lines of a UTF-8 text file, plain or gzip, with errors that name the line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from keras_bert.errors import InputError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""The lines of a file with their numbers (from 1), line ends kept.

    Lines end at "\n" only (also as "\r\n"): other Unicode line separators, U+2028 among them, are text.
    A byte-order mark at the start is passed over; a name that ends in `.gz` is unpacked on the way.

    Raises:
        InputError: No such file, a folder, unreadable, empty, not UTF-8 (names the line and the byte), damaged gzip.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected a file")
    number = 0
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{path}, line {number}: not UTF-8: byte 0x{line[error.start]:02x} at position "
                        f"{error.start + 1} of the line; save the file as UTF-8"
                    ) from None
                if number == 1 and not text:
                    continue
                yield number, text
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged or truncated gzip file after line {number} ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if number == 0:
        raise InputError(f"{path}: the file is empty")
