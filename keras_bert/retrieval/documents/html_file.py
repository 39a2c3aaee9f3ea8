"""The text of a web page, as a reader sees it."""

import importlib
import re
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.file_bytes import page_text, read_bytes
from keras_bert.retrieval.documents.text_files import title_of

# What is no text to read.
_SILENT = ("script", "style", "noscript", "template", "svg", "title", "iframe", "object")
# What begins a line of its own (HTML standard, section 15.3, `display: block` and the like); others stand in a line.
_BLOCKS = (
    *(
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
    ),
    *("figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p"),
    *("pre", "section", "summary", "table", "tr", "ul"),
)
_MARK = "\x00"  # parts blocks; no page text holds it


def read_html_file(path: Path) -> list[Document]:
    """Reads a web page: its text without scripts and styles, blocks apart by empty lines, and its title.

    Nothing of it is executed, fetched or kept as markup. Places count the text that was taken out.

    Raises:
        InputError: It cannot be read, is in an encoding that it does not name, or beautifulsoup4 is not installed.
    """
    try:
        soup = importlib.import_module("bs4").BeautifulSoup
    except ModuleNotFoundError:
        raise InputError(f"{path}: web pages need beautifulsoup4; pip install 'bert-for-keras[documents]'") from None
    page = soup(page_text(path, read_bytes(path)), "html.parser")
    heading = page.title or page.find("h1")
    title = _one_line(heading.get_text()) if heading else ""
    return [Document(str(path), title or title_of(path), _text(page), in_file=False)]


def _text(page: Any) -> str:
    for part in page(_SILENT):
        part.decompose()
    for part in page("br"):
        part.replace_with("\n")
    for part in page(("td", "th")):
        part.insert_after(" ")
    for part in page(_BLOCKS):
        part.insert_before(_MARK)
        part.insert_after(_MARK)
    blocks = (_lines(block) for block in page.get_text().split(_MARK))
    return "\n\n".join(block for block in blocks if block)


def _lines(block: str) -> str:
    return "\n".join(line for part in block.split("\n") if (line := _one_line(part)))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
