"""Documents that are rows of a table or lines of JSON."""

from pathlib import Path

from keras_bert.data.sources.read import open_source
from keras_bert.data.sources.source import utf8
from keras_bert.errors import InputError
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.text_files import title_of


def read_row_file(path: Path, text: str, title: str) -> list[Document]:
    """Reads the rows of a `.csv`, `.tsv`, `.jsonl` or `.json` file, each a document; rows without text are left out.

    Places count the field's own text, not the file, in which it is written with quotation marks and escapes.

    Args:
        path: The file.
        text: Column of the text.
        title: Column of the title, where there is one; a row without one has the name of the file.

    Raises:
        InputError: The file cannot be read, or has no such column; or a value is no text.
    """
    source = open_source(path, [text], optional=[title])
    found = []
    for number, (value, name) in source.rows:
        content = utf8(source, number, text, value).decode()
        heading = utf8(source, number, title, name).decode() if name is not None else ""
        if content.strip():
            heading = " ".join(heading.split()) or title_of(path)
            found.append(Document(str(path), heading, content, in_file=False, line=number))
    if not found:
        raise InputError(f"{path}: holds no text in {text!r}")
    return found
