"""How like an attacked sentence is to the caller's, by the vectors of an embedder."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.trust.attack.sentence import Texts


class SentenceSimilarity:
    """Compares texts by the cosine of their vectors.

    Args:
        embedder: A `BertEmbedder`.
        least: Cosine that an attacked text has at least, -1 to 1. TextFooler asks for 0.5 of another encoder; a
            sentence and its opposite may well have 0.9 here.
        batch_size: Texts a batch.

    Raises:
        InputError: The model makes no vectors, or `least` is no cosine.
    """

    def __init__(self, embedder: Any, least: float, batch_size: int = 32) -> None:
        if not hasattr(embedder, "embed"):
            name = type(embedder).__name__
            raise InputError(f"sentences are compared by a BertEmbedder; a {name} makes no vectors of them")
        if not -1 <= least <= 1:
            raise InputError(f"similarity {least:g}: expected a cosine, from -1 to 1")
        self._embedder = embedder
        self.least = least
        self._batch_size = batch_size
        self._callers: dict[str, np.ndarray] = {}

    def of(self, pairs: Sequence[tuple[Texts, Texts]]) -> np.ndarray:
        """Compares rows as they were and as they would be.

        Args:
            pairs: The texts of a row before and after. Vectors of the first are kept for the next call.

        Returns:
            float64 (pairs,), the lowest cosine of the texts of a row.
        """
        texts = {text for pair in pairs for texts in pair for text in texts}
        new = sorted(texts - self._callers.keys())
        vectors = dict(self._callers)
        if new:
            found = np.asarray(self._embedder.embed(new, self._batch_size), "float64")
            found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
            vectors |= dict(zip(new, found, strict=True))
        self._callers |= {text: vectors[text] for before, _ in pairs for text in before}
        return np.array(
            [min(float(vectors[a] @ vectors[b]) for a, b in zip(before, after, strict=True)) for before, after in pairs]
        )
