"""Documents of which the text stands in the file: `.txt` and `.md`."""

import re
from pathlib import Path

from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.file_bytes import read_bytes, utf8_text

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*\r?$", re.MULTILINE)
_LONGEST_TITLE = 200


def read_text_file(path: Path, is_markdown: bool) -> list[Document]:
    """Reads a text file. The title is the first heading of Markdown, else the name of the file.

    Args:
        path: The file.
        is_markdown: Whether headings are looked for.

    Raises:
        InputError: It cannot be read, or is not UTF-8.
    """
    text, first = utf8_text(path, read_bytes(path))
    heading = _HEADING.search(text) if is_markdown else None
    title = heading[1].strip()[:_LONGEST_TITLE] if heading else ""
    return [Document(str(path), title or title_of(path), text, first_byte=first)]


def title_of(path: Path) -> str:
    """Gives what a file is called, without what its name ends in.

    Example:
        >>> title_of(Path("notes/garden.txt.gz"))
        'garden'
    """
    name = path.name.removesuffix(".gz") if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem
