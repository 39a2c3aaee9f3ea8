"""The passages of an index that is being written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from keras_bert.escaping import to_json
from keras_bert.retrieval.documents.document import Document
from keras_bert.retrieval.passages.cut import Cut
from keras_bert.retrieval.passages.passage import Passage
from keras_bert.retrieval.storage.passage_store import DOCUMENTS, ENDS, FILE, passage_fields
from keras_bert.retrieval.storage.pieces import Pieces
from keras_bert.retrieval.storage.snapshot import Snapshot


class Draft:
    """Writes passages into a folder, file by file; at the end of the block they are all there.

    Args:
        folder: Where to write; it is there.

    Attributes:
        files: What each file of documents holds: `file`, `digest`, `first` passage, `passages`, `documents`.
        kept: Numbers, in the index before, of the passages that were taken from there.
        texts: Texts of the others, which all stand behind these.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = (folder / FILE).open("wb")
        self._ends: list[int] = []
        self._of_document: list[int] = []
        self._ids: list[np.ndarray] = []
        self._documents = 0
        self.files: list[dict[str, Any]] = []
        self.kept: list[int] = []
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        """Begins to write."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the files."""
        self._lines.close()
        if error is None:
            np.save(self._folder / ENDS, np.array(self._ends, np.int64))
            np.save(self._folder / DOCUMENTS, np.array(self._of_document, np.int32))

    def __len__(self) -> int:
        """How many passages there are by now."""
        return len(self._ends)

    @property
    def documents(self) -> int:
        """How many documents there are by now."""
        return self._documents

    def keep(self, snapshot: Snapshot, entry: Mapping[str, Any]) -> None:
        """Takes the passages of a file as they are in an index; all such come before new ones."""
        numbers = range(entry["first"], entry["first"] + entry["passages"])
        self.files.append({**entry, "first": len(self)})
        if numbers:
            before = snapshot.passages.documents[numbers.start : numbers.stop]
            for number, document in zip(numbers, before - before[0], strict=True):
                self._write(snapshot.passages.line(number), self._documents + int(document), snapshot.pieces[number])
        self._documents += entry["documents"]
        self.kept += numbers

    def add(self, documents: Sequence[Document], cuts: Sequence[Sequence[Cut]], digest: str) -> None:
        """Writes the passages of a file.

        Args:
            documents: The documents of the file.
            cuts: The passages of each.
            digest: Of all that the file holds.
        """
        counts = {"first": len(self), "passages": sum(map(len, cuts)), "documents": len(documents)}
        self.files.append({"file": documents[0].file, "digest": digest, **counts})
        for document, found in zip(documents, cuts, strict=True):
            places = document.byte_places(np.array([(cut.start, cut.end) for cut in found], np.int64).reshape(-1, 2))
            for cut, (start, end) in zip(found, places.tolist(), strict=True):
                text, page = document.text[cut.start : cut.end], document.page_of(cut.start)
                source = (document.title, document.file, start, end, document.in_file, page, document.line)
                fields = passage_fields(Passage(text, *source, document=0))
                self._write(to_json(fields).encode(), self._documents, cut.ids)
                self.texts.append(text)
            self._documents += 1

    def pieces(self) -> Pieces:
        """Gives the tokens of all passages."""
        return Pieces.of(self._ids)

    def _write(self, line: bytes, document: int, ids: np.ndarray) -> None:
        self._lines.write(line + b"\n")
        self._ends.append((self._ends[-1] if self._ends else 0) + len(line) + 1)
        self._of_document.append(document)
        self._ids.append(ids)
