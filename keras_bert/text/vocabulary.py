"""Reads, checks and writes a WordPiece vocabulary: `vocab.txt`, one entry a line, the line number is the id."""

import itertools
import re
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path

from keras_bert.errors import InputError
from keras_bert.foreign_files import check_regular

PAD_TOKEN = "[PAD]"
UNK_TOKEN = "[UNK]"
CLS_TOKEN = "[CLS]"
SEP_TOKEN = "[SEP]"
MASK_TOKEN = "[MASK]"
SPECIAL_TOKENS = (PAD_TOKEN, UNK_TOKEN, CLS_TOKEN, SEP_TOKEN, MASK_TOKEN)
LONGEST_ENTRY = 256  # bytes without "##": the trie of tensorflow-text's FastWordpieceTokenizer keeps 8 bits of length


def load_vocabulary(path: str | PathLike) -> list[str]:
    r"""Reads a vocabulary file.

    Lines end with "\n" (or all with "\r\n") and nothing else ends one: the published Chinese vocabulary has U+2028
    as an entry, which `str.splitlines` would cut. No white space is stripped.

    Args:
        path: the file, in UTF-8.

    Returns:
        The entries in the order of their ids.

    Raises:
        InputError: the file is missing, not UTF-8, or no vocabulary (see `check_vocabulary`).

    Example:
        >>> save_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"], "vocab.txt")
        >>> len(load_vocabulary("vocab.txt"))
        6
    """
    path = Path(path)
    try:
        if not path.is_dir():
            check_regular(path)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read the vocabulary: {error.strerror}") from None
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8; a vocabulary is UTF-8, one entry a line") from None
    if not lines[-1]:
        lines.pop()
    if lines and all(line.endswith("\r") for line in lines):
        lines = [line[:-1] for line in lines]
    return check_vocabulary(lines, str(path))


def check_vocabulary(
    vocabulary: Sequence[str], source: str = "vocabulary", longest: int | None = LONGEST_ENTRY
) -> list[str]:
    """Checks that a list can serve as BERT's vocabulary.

    Args:
        vocabulary: the entries in the order of their ids.
        source: what to call it in an error, for example its path.
        longest: bytes of an entry at most, without `##`; None for any.

    Returns:
        The entries, as a list of its own.

    Raises:
        InputError: an entry is empty, no string, too long or there twice, or a special token is missing.

    Example:
        >>> check_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"])[5]
        'good'
        >>> check_vocabulary(["good"])
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: vocabulary: ...
    """
    seen: dict[str, int] = {}
    for line, entry in enumerate(vocabulary, 1):
        if not isinstance(entry, str):
            raise InputError(f"{source}, line {line}: {entry!r} is no string; a vocabulary is a list of strings")
        if not entry:
            raise InputError(f"{source}, line {line}: the entry is empty; every line must hold one entry")
        if entry in seen:
            raise InputError(f"{source}, line {line}: {entry!r} is already on line {seen[entry]}; entries occur once")
        try:
            length = len(entry.removeprefix("##").encode())
        except UnicodeEncodeError:
            raise InputError(f"{source}, line {line}: {entry!r} cannot be written in UTF-8") from None
        if longest is not None and length > longest:
            raise InputError(f"{source}, line {line}: the entry has {length} bytes, at most {longest} work")
        seen[entry] = line
    missing = [token for token in SPECIAL_TOKENS if token not in seen]
    if missing:
        raise InputError(
            f"{source}: no {', '.join(missing)} among its {len(seen)} entries; "
            f"a BERT vocabulary holds {', '.join(SPECIAL_TOKENS)}"
        )
    return list(seen)


def spare_entries(known: Collection[str], count: int) -> list[str]:
    """Makes names for rows of a word table that no entry has: the first of `[unused_1]`, ... that are not taken.

    Args:
        known: the entries there are.
        count: how many names; none if it is negative.

    Example:
        >>> spare_entries(["[PAD]", "[unused_1]"], 2)
        ['[unused_2]', '[unused_3]']
    """
    known = set(known)
    names = (f"[unused_{number}]" for number in itertools.count(1))
    return list(itertools.islice((name for name in names if name not in known), max(count, 0)))


def is_spare(entry: str) -> bool:
    """Tells whether an entry is a name of `spare_entries`."""
    return re.fullmatch(r"\[unused_[1-9][0-9]*\]", entry) is not None


def save_vocabulary(vocabulary: Sequence[str], path: str | PathLike) -> None:
    r"""Writes a vocabulary file, one entry a line, UTF-8, "\n" after each.

    Args:
        vocabulary: the entries in the order of their ids.
        path: the file; what it held before is replaced.

    Raises:
        InputError: the vocabulary is none (see `check_vocabulary`) or an entry holds a line feed.

    Example:
        >>> save_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"], "vocab.txt")
        >>> load_vocabulary("vocab.txt")[5]
        'good'
    """
    entries = check_vocabulary(vocabulary)
    for line, entry in enumerate(entries, 1):
        if "\n" in entry:
            raise InputError(f"vocabulary, line {line}: {entry!r} holds a line feed, which a file of lines cannot hold")
    Path(path).write_bytes("".join(f"{entry}\n" for entry in entries).encode())
