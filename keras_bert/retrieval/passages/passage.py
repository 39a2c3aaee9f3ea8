"""A passage of a document, and a passage that was found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    Attributes:
        text: Its text, exactly as it stands in the document's text.
        title: What the document is called.
        file: The document's file, an absolute path.
        start: Its first byte in the file, or, where not `in_file`, in the text that was taken out of it, in UTF-8.
        end: The byte behind its last.
        in_file: Whether places count the bytes of the file (`.txt`, `.md`) or of the text (web pages, PDF, rows).
        page: The page that it begins on, from 1; None where there are none.
        line: The line of the file that holds the document, from 1; None where the document is the whole file.
        document: Number of the document in the index.

    Example:
        >>> passage = Passage("To dry hay, turn it.", "Hay", "/notes/hay.md", 7, 27, True, None, None, 0)
        >>> passage.end - passage.start == len(passage.text.encode())
        True
    """

    text: str
    title: str
    file: str
    start: int
    end: int
    in_file: bool
    page: int | None
    line: int | None
    document: int


@dataclass(frozen=True)
class Found:
    """A passage that was found for a query.

    Attributes:
        passage: It.
        score: How well it fits; what the number means depends on how it was searched, the higher the better.
        number: Of the passage in the index.

    Example:
        >>> passage = Passage("To dry hay, turn it.", "Hay", "/notes/hay.md", 7, 27, True, None, None, 0)
        >>> Found(passage, score=4.2, number=3).passage.title
        'Hay'
    """

    passage: Passage
    score: float
    number: int
