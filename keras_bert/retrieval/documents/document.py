"""A document: its text, its title, and where each of its characters stands."""

from dataclasses import dataclass, field

import numpy as np

from keras_bert.text.character_offsets import bytes_of


@dataclass(frozen=True)
class Document:
    """A text out of a file.

    Attributes:
        file: The file, an absolute path.
        title: What it is called: its own title, or the name of the file.
        text: Its text, as it stands in the file, or as it was taken out of it.
        in_file: Whether the text stands in the file as it is, in UTF-8, so that places count the bytes of the file
            (for `.gz`, the unpacked one). Otherwise (web pages, PDF, rows) they count the bytes of `text` in UTF-8.
        first_byte: Where the text begins in the file: 3 behind a byte-order mark.
        line: Number of the line (of a JSON array, the row) that it stands in, from 1; None for a whole file.
        pages: First character of each page; empty where there are none.

    Example:
        >>> document = Document("/notes/a.txt", "a", "né un", first_byte=3)
        >>> document.byte_places(np.array([0, 2, 3])).tolist()
        [3, 6, 7]
    """

    file: str
    title: str
    text: str
    in_file: bool = True
    first_byte: int = 0
    line: int | None = None
    pages: tuple[int, ...] = field(default=())

    def byte_places(self, characters: np.ndarray) -> np.ndarray:
        """Turns places in characters of `text` into bytes, see `in_file`: int64, as many."""
        if self.text.isascii():
            return np.asarray(characters, np.int64) + self.first_byte
        return bytes_of(self.text.encode(), characters) + self.first_byte

    def page_of(self, character: int) -> int | None:
        """Gives the page that a character is on, from 1; None where there are none."""
        return int(np.searchsorted(self.pages, character, side="right")) if self.pages else None
