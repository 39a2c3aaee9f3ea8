"""The bytes of a document's file, and text out of them."""

import gzip
import re
import zlib
from pathlib import Path

from keras_bert.data.sources.lines import check_file, check_unpacked
from keras_bert.errors import InputError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLOCK = 1 << 22
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_HEAD = 2048  # bytes of a web page in which it names its encoding (HTML standard, 4.2.5.4: 1024)


def read_bytes(path: Path) -> bytes:
    """Reads a file, unpacked if its name ends in `.gz`.

    Raises:
        InputError: It cannot be read, or is a damaged gzip file, or one that unpacks to what no text does.
    """
    check_file(path)
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        size, parts, unpacked = path.stat().st_size, [], 0
        with gzip.open(path) as file:
            while block := file.read(_BLOCK):
                parts.append(block)
                unpacked += len(block)
                check_unpacked(str(path), unpacked, size)
        return b"".join(parts)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged or truncated gzip file ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def utf8_text(path: Path, data: bytes) -> tuple[str, int]:
    r"""Decodes a text file: UTF-8, with or without a byte-order mark. Line ends stay as they are.

    Args:
        path: The file, for messages.
        data: Its bytes.

    Returns:
        The text, and the bytes before it: 3 for a byte-order mark.

    Raises:
        InputError: It is another encoding (the line and the byte are said), or holds NUL, which no text does.
    """
    first = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    try:
        text = data[first:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = first + error.start
        raise InputError(
            f"{path}, line {data.count(bytes([10]), 0, at) + 1}: not UTF-8: byte 0x{data[at]:02x} at byte {at} of the "
            "file; save it as UTF-8"
        ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise InputError(f"{path}, line {line}: holds NUL, which no text does; is it UTF-16? Save it as UTF-8")
    return text, first


def page_text(path: Path, data: bytes) -> str:
    """Decodes a web page: UTF-8, or else the encoding that it names itself.

    Raises:
        InputError: It is neither.
    """
    try:
        return utf8_text(path, data)[0]
    except InputError as error:
        named = _DECLARED.search(data[:_HEAD])
        if not named:
            raise InputError(f"{error}, or name the encoding in the page, <meta charset=...>") from None
    try:
        return data.decode(named[1].decode("ascii"))
    except (LookupError, UnicodeDecodeError, UnicodeError) as error:
        raise InputError(f"{path}: says that it is {named[1].decode('ascii')}, and is not ({error})") from None
