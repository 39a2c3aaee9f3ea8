"""The embedder of an index: opened when it is needed, and only if it is the one that made the vectors."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks import BertEmbedder
from keras_bert.tasks.embedding.embedded_windows import embed_texts
from keras_bert.tasks.embedding.prompts import DOCUMENT_NAMES, QUERY_NAMES


class Meaning:
    """An embedder, or the name of one.

    Args:
        embedder: The embedder; a folder, `minilm` or another handle, which is opened at first use; None: what `made`
            says, if that is `minilm` or a folder here.
        made: What an index says of the model that made its vectors; None for a new index.
        processes: How many embed passages, see `embed_texts`.

    Example:
        >>> Meaning("minilm").queries(["a question"]).shape  # doctest: +SKIP
        (1, 384)
    """

    def __init__(
        self,
        embedder: BertEmbedder | str | Path | None = None,
        made: Mapping[str, str] | None = None,
        processes: int = 1,
    ) -> None:
        self._given = embedder
        self._processes = processes
        self._made = dict(made) if made else None
        self._opened: BertEmbedder | None = None
        self._lock = threading.Lock()

    @property
    def embedder(self) -> BertEmbedder:
        """The embedder.

        Raises:
            InputError: It cannot be opened, is not the one that made the vectors, or would have to be fetched and was
                named by the index alone.
        """
        with self._lock:
            if self._opened is None:
                given = self._given if self._given is not None else self._handle()
                opened = given if isinstance(given, BertEmbedder) else BertEmbedder.from_preset(given)
                if self._made and opened.fingerprint() != self._made.get("fingerprint"):
                    raise InputError(
                        f"the index was made with another model than {_name(given)} (the model then: "
                        f"{self._made.get('handle')}); name that one, or index the documents again"
                    )
                self._opened = opened
            return self._opened

    def facts(self) -> dict[str, str]:
        """Gives what an index remembers of the model."""
        if self._made is None:
            prompt = self.embedder.prompts.text(self.embedder.prompts.for_search(DOCUMENT_NAMES))
            name = _name(self._given)
            self._made = {"handle": name, "fingerprint": self.embedder.fingerprint(), "prompt": prompt}
        return dict(self._made)

    def queries(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Embeds queries, behind the model's prompt for them if it has one: float32 (texts, size)."""
        prompt = self.embedder.prompts.for_search(QUERY_NAMES)
        return self.embedder.embed(list(texts), batch_size, prompt)

    def passages(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Embeds passages, behind the model's prompt for them if it has one, and says how far it is.

        Args:
            texts: The passages; of equal ones one is computed.
            batch_size: Texts a batch.

        Returns:
            float32 (texts, size).

        Raises:
            InputError: The model puts another prompt before passages than it did when the index was made.
        """
        prompt = self.embedder.prompts.for_search(DOCUMENT_NAMES)
        before = self.embedder.prompts.text(prompt)
        if self._made and before != self._made.get("prompt"):
            raise InputError(
                f"the index was made with the prompt {self._made.get('prompt')!r:.80} before passages, and the model "
                f"has {before!r:.80}; open the model with its prompts, or index the documents again"
            )
        handle = None if isinstance(self._given, BertEmbedder) else self._given or self._handle()
        return embed_texts(self.embedder, texts, batch_size, prompt, processes=self._processes, handle=handle)

    def _handle(self) -> str:
        handle = (self._made or {}).get("handle", "")
        # A folder may be called `hf:` and hold what makes a handle look like a path.
        if handle == "minilm" or (handle and "://" not in handle and Path(handle).is_dir()):
            return handle
        raise InputError(
            f"the index was made with {handle or 'a model without a name'}, which is not a folder here, and is not "
            "fetched because an index says so; name it yourself (embedder=..., --embedder)"
        )


def _name(embedder: Any) -> str:
    if isinstance(embedder, BertEmbedder):
        return ""
    return str(Path(embedder).resolve()) if Path(embedder).is_dir() else str(embedder)
