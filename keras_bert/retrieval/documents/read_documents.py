"""Documents out of files, folders and patterns."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from absl import logging

from keras_bert.errors import InputError
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.found_files import FoundFile, find_files
from keras_bert.retrieval.documents.html_file import read_html_file
from keras_bert.retrieval.documents.pdf_file import read_pdf_file
from keras_bert.retrieval.documents.row_file import read_row_file
from keras_bert.retrieval.documents.text_files import read_text_file

TEXTS, PAGES, ROWS = (".txt", ".md"), (".html", ".htm"), (".csv", ".tsv", ".jsonl", ".json")
SUFFIXES = (*TEXTS, *PAGES, ".pdf", *ROWS)


@dataclass
class NotRead:
    """What was found and not read.

    Attributes:
        problems: File → why it could not be read, one line each.
        other_kinds: How many files of other kinds than `SUFFIXES` folders and patterns held.

    Example:
        >>> NotRead(problems={"a.pdf": "a.pdf: it is encrypted"}, other_kinds=2)
        NotRead(problems={'a.pdf': 'a.pdf: it is encrypted'}, other_kinds=2)
    """

    problems: dict[str, str] = field(default_factory=dict)
    other_kinds: int = 0


def read_documents(
    paths: Sequence[str | os.PathLike] | str | os.PathLike,
    text: str = "text",
    title: str = "title",
    not_read: NotRead | None = None,
) -> Iterator[Document]:
    r"""Reads documents: `.txt`, `.md`, `.html`, `.pdf`, and the rows of `.csv`, `.tsv`, `.jsonl`, `.json`.

    All but `.pdf` may be packed, with `.gz` behind. A file that is named itself must be read; of those in folders and
    by patterns, one that cannot be read is named, and the others are read.

    Args:
        paths: Files, folders (all files in them, and in folders in them) and patterns such as `docs/**/*.md`; a path
            that exists is taken as it is.
        text: Column of rows that holds the text.
        title: Column of rows that holds a title, where there is one.
        not_read: Filled with what could not be read; None: that is logged, a warning each.

    Yields:
        The documents, file by file.

    Raises:
        InputError: No such file, one that is named itself cannot be read, or no document is found at all.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("notes.md").write_text("# Passages\n\nThey are cut at headings.\n")
        >>> [document.title for document in read_documents("*.md")]
        ['Passages']
    """
    for documents in read_files(paths, text, title, not_read):
        yield from documents


def read_files(
    paths: Sequence[str | os.PathLike] | str | os.PathLike,
    text: str = "text",
    title: str = "title",
    not_read: NotRead | None = None,
) -> Iterator[list[Document]]:
    """Reads documents as `read_documents` does, and yields those of a file together, at least one."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    report = NotRead() if not_read is None else not_read
    found = False
    for file in find_files(given):
        suffix = kind_of(file.path)
        if suffix is None and not file.is_named:
            report.other_kinds += 1
            continue
        found = True
        try:
            documents = _documents(file, suffix, text, title)
        except InputError as error:
            if file.is_named:
                raise
            report.problems[str(file.path)] = str(error)
            if not_read is None:
                logging.warning("not read: %s", error)
        else:
            yield documents
    if not found:
        names = ", ".join(map(str, given)) or "no path"
        others = f", only {report.other_kinds} files of other kinds" if report.other_kinds else ""
        raise InputError(f"{names}: there are no documents{others}; expected {', '.join(SUFFIXES)}")


def kind_of(path: Path) -> str | None:
    """Gives the ending that says how a file is read, `.gz` left out; None for a file of another kind.

    Example:
        >>> kind_of(Path("a.TXT.gz")), kind_of(Path("a.png"))
        ('.txt', None)
    """
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    return suffix if suffix in SUFFIXES and not (suffix == ".pdf" and name.endswith(".gz")) else None


def _documents(file: FoundFile, suffix: str | None, text: str, title: str) -> list[Document]:
    path = file.path
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"{path}: its name is not UTF-8; rename it") from None
    if suffix is None:
        raise InputError(f"{path}: a document of an unknown kind; expected {', '.join(SUFFIXES)}")
    before = _state(path)
    if suffix in ROWS:
        documents = read_row_file(path, text, title)
    elif suffix == ".pdf":
        documents = read_pdf_file(path)
    elif suffix in PAGES:
        documents = read_html_file(path)
    else:
        documents = read_text_file(path, suffix == ".md")
    if _state(path) != before:
        raise InputError(f"{path}: changed while it was read; read it again when it is whole")
    if not any(document.text.strip() for document in documents):
        raise InputError(f"{path}: holds no text")
    return documents


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
