"""The text of a PDF, page by page."""

import importlib
import io
import itertools
import logging as standard_logging
import re
from pathlib import Path

from keras_bert.errors import InputError
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.documents.file_bytes import read_bytes
from keras_bert.retrieval.documents.text_files import title_of

_BETWEEN = "\n\n"
_HALF_SURROGATE = re.compile("[\ud800-\udfff\0]")


def read_pdf_file(path: Path) -> list[Document]:
    """Reads the text layer of a PDF; pages are apart by an empty line. Places count the text that was taken out.

    Raises:
        InputError: It cannot be read, asks for a password, holds no text (as scans do not), or pypdf is not installed.
    """
    try:
        pypdf = importlib.import_module("pypdf")
    except ModuleNotFoundError:
        raise InputError(f"{path}: PDF needs pypdf; pip install 'bert-for-keras[documents]'") from None
    data = read_bytes(path)
    # What it mends it would tell of, line by line.
    standard_logging.getLogger("pypdf").setLevel(standard_logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{path}: asks for a password; save it without one")
        pages = [_HALF_SURROGATE.sub("\ufffd", page.extract_text() or "").strip() for page in reader.pages]
        title = str((reader.metadata and reader.metadata.title) or "")
    except InputError:
        raise
    # pypdf raises errors of many kinds, its own and Python's, for files that are damaged.
    except Exception as error:  # noqa: BLE001
        raise InputError(f"{path}: cannot be read as PDF ({type(error).__name__}: {error!s:.200})") from None
    if not any(pages):
        raise InputError(
            f"{path}: a PDF of {len(pages)} pages without text; is it a scan? Run a text recognition first"
        )
    starts = itertools.accumulate((len(page) + len(_BETWEEN) for page in pages[:-1]), initial=0)
    title = " ".join(_HALF_SURROGATE.sub("\ufffd", title).split())
    return [Document(str(path), title or title_of(path), _BETWEEN.join(pages), in_file=False, pages=tuple(starts))]
