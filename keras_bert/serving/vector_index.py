"""An index of vectors in a folder: which rows are nearest to a query."""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import atomic_folder
from keras_bert.foreign_files import parse_json, read_json
from keras_bert.serving.compared_vectors import regular
from keras_bert.serving.near_vectors import NearVectors

_FORMAT = 2


class VectorIndex:
    """Vectors with what they stand for, searched by their similarity.

    `"exact"` compares a query with every vector. `"approximate"` walks a graph of neighbours (HNSW, by faiss), which
    takes milliseconds among millions of rows, and may miss a row now and then. Rows with the same vector are one
    place there: a graph whose neighbours are all copies leads nowhere else. What the graph does not find, when asked
    for each of its own vectors, is compared one by one, so that every row finds itself; of more than one vector in 200
    that would be so, as among thousands that are nearly the same, all are compared, and `method` is `"exact"`.

    Args:
        vectors: float32 (rows, size).
        rows: What each stands for: a dict of strings, `text` among them.
        model: What the vectors were made with: a handle and a fingerprint, which are kept and compared.
        method: One of `METHODS`; None takes `"exact"` up to 5,000 rows.
        similarity: How vectors are compared, see `similarity.similarity`.

    Raises:
        InputError: There are no rows, or not as many as vectors; vectors hold NaN or infinity; faiss is needed and not
            installed.

    Example:
        >>> index = VectorIndex(np.eye(3), [{"text": "x"}, {"text": "y"}, {"text": "z"}], {})
        >>> scores, numbers = index.search(np.array([[0.1, 2.0, 0.0]]), 2)
        >>> numbers.tolist()
        [[1, 0]]
    """

    def __init__(
        self,
        vectors: np.ndarray,
        rows: Sequence[Mapping[str, str]],
        model: Mapping[str, str],
        method: str | None = None,
        similarity: str = "cosine",
    ) -> None:
        if len(vectors) != len(rows) or not len(rows):
            raise InputError(f"{len(vectors)} vectors for {len(rows)} rows; expected as many, at least 1")
        self.rows = list(rows)
        self.model = dict(model)
        self._near = NearVectors(vectors, method, similarity)

    @property
    def method(self) -> str:
        """How it is searched: `"exact"` or `"approximate"`."""
        return self._near.method

    @property
    def similarity(self) -> str:
        """How vectors are compared."""
        return self._near.similarity

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return self._near.size

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Finds the nearest rows.

        Args:
            queries: float (queries, size).
            k: Rows a query; fewer if there are not as many.

        Returns:
            Similarities float32 and numbers of rows int64, both (queries, k), the nearest first; rows that are as near
            in their order. Where an approximate search found fewer, the numbers end in -1.

        Raises:
            InputError: The queries have another size, or hold NaN or infinity, or k is not positive.
        """
        return self._near.search(queries, k)

    def save(self, folder: str | Path, overwrite: bool = False) -> None:
        """Writes the index, whole or not at all: `index.json`, `rows.jsonl`, `vectors.npy` or `vectors.faiss`.

        Args:
            folder: Where to write.
            overwrite: Replace a folder that holds something.

        Raises:
            InputError: The folder holds something and `overwrite` is False, or the disk is full.
        """
        facts = {"format": _FORMAT, **self._near.facts(), "model": self.model}
        with atomic_folder(folder, overwrite) as temporary:
            (temporary / "index.json").write_text(to_json(facts, indent=2) + "\n", encoding="utf-8")
            with (temporary / "rows.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(to_json(row) + "\n" for row in self.rows)
            self._near.save(temporary)

    @classmethod
    def open(cls, folder: str | Path) -> "VectorIndex":
        """Opens an index that `save` wrote.

        Raises:
            InputError: There is none, it is damaged, or it needs faiss.
        """
        path = Path(folder)
        try:
            if (facts := read_json(path / "index.json")) is None:
                raise FileNotFoundError(errno.ENOENT, "", "index.json")
            if facts["format"] != _FORMAT:
                raise InputError(
                    f"{folder}: an index of format {facts['format']}; this version reads {_FORMAT}: "
                    "index the rows again, --rows --overwrite"
                )
            lines = regular(path / "rows.jsonl").read_bytes().split(b"\n")[:-1]
            index = cls.__new__(cls)
            index.rows = [parse_json(line, f"rows.jsonl, line {number}") for number, line in enumerate(lines, 1)]
            if not all(isinstance(row, dict) and isinstance(row.get("text"), str) for row in index.rows):
                raise ValueError("rows.jsonl: a row that is no object with a text")
            index.model = {str(name): str(value) for name, value in facts["model"].items()}
            index._near = NearVectors.open(path, {**facts, "rows": len(index.rows), "size": facts["size"]})
            count = facts["rows"]
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise InputError(
                f"{folder}: no index there (no {missing}); keras-bert search --rows=... makes one"
            ) from None
        except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError, OSError) as error:
            if isinstance(error, InputError) and str(error).startswith(str(folder)):
                raise
            reason = (str(error).splitlines() or ["no values"])[0]
            raise InputError(f"{folder}: the index is damaged ({reason:.200})") from None
        if not index.rows or len(index.rows) != count:
            raise InputError(f"{folder}: the index is damaged: {len(index.rows)} rows of {count}")
        return index
