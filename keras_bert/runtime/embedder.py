"""Vectors of texts."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.runtime.model import Given, RuntimeModel
from keras_bert.runtime.packing import Packed


class Embedder(RuntimeModel):
    """A `BertEmbedder`."""

    def answer(self, texts: Iterable[Given], batch_size: int | None = None, prompt: str | None = None) -> list[Any]:
        """Answers each text with a dict with its `embedding`, a list of numbers; see `embed`."""
        return [{"embedding": vector} for vector in self.embed(texts, batch_size, prompt).tolist()]

    def embed(self, texts: Iterable[Given], batch_size: int | None = None, prompt: str | None = None) -> np.ndarray:
        """Turns texts into vectors.

        Args:
            texts: As for every task.
            batch_size: Rows that run together; None: as many as are fastest.
            prompt: Name of the prompt to put before them; None takes the model's default, "" none.

        Returns:
            float32 (texts, size).

        Raises:
            InputError: As `answer`, or there is no such prompt.
        """
        before = self._prompt(prompt)
        rows = [self._pack(_join(before, *self._parts(i, text))) for i, text in enumerate(self._listed(texts))]
        outputs = self._run(rows, batch_size, None if self.settings["include_prompt"] else self._behind(before))
        vectors = [output["sentence_embedding"][: self.settings["size"]] for output in outputs]
        return np.array(vectors, np.float32).reshape(len(rows), self.settings["size"])

    def _prompt(self, name: str | None) -> str:
        prompts = self.settings["prompts"]
        name = self.settings.get("default_prompt") if name is None else name
        if not name:
            return ""
        if name not in prompts:
            raise InputError(f"there is no prompt {name!r}; the model has: {', '.join(prompts) or 'none'}")
        return prompts[name]

    def _behind(self, prompt: str) -> Any:
        """Makes what gives the mask of the tokens behind a prompt, `[CLS]` being of it."""
        packed: Packed | None = self._pack(prompt) if prompt else None
        skipped = len(packed.ids) - 1 if packed else 0

        def mask(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            tokens = inputs["attention_mask"]
            return {"pooling_mask": tokens * (np.arange(tokens.shape[1]) >= skipped).astype(np.int32)}

        return mask


def _join(prompt: str, text: str | bytes) -> str | bytes:
    return prompt.encode() + text if isinstance(text, bytes) else prompt + text
