"""What every exported model does: texts in, packed rows through the engine, one answer for each text."""

import concurrent.futures
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.runtime.engine import Engine
from keras_bert.runtime.packing import Packed, pack, pad, shorten
from keras_bert.runtime.tokenizer import TextTokenizer

Given = str | bytes | Sequence[Any] | Mapping[str, Any]


class RuntimeModel:
    """An exported model; subclasses are the tasks. Their `answer` may be called from several threads at a time.

    Args:
        settings: The fields of `answering.json`.
        tokenizer: The tokenizer.
        engine: What runs the graph.
    """

    def __init__(self, settings: Mapping[str, Any], tokenizer: TextTokenizer, engine: Engine) -> None:
        self.settings = dict(settings)
        self.tokenizer = tokenizer
        self.engine = engine

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row, such as `("text", "text_pair")`."""
        return tuple(self.settings.get("text_fields") or ("text",))

    @property
    def max_length(self) -> int:
        """Tokens of a row at most."""
        return self.settings["max_length"]

    def answer(self, texts: Iterable[Given], batch_size: int | None = None) -> list[Any]:
        """Answers texts, as `answer` of the task in Python does.

        Args:
            texts: Strings, or UTF-8 in bytes; pairs of these for tasks on pairs; or dicts with the texts by name.
            batch_size: Rows that run together; None: as many as are fastest.

        Returns:
            One answer for each text, in their order.

        Raises:
            InputError: Not a list, or one of the texts is not what the task takes.
        """
        raise NotImplementedError

    # -- texts in ----------------------------------------------------------------------------------------------

    def _listed(self, texts: Any, instead: str = "texts; for one text write answer([text])") -> list[Any]:
        """Makes a list of what a caller gave."""
        if isinstance(texts, str | bytes | Mapping) or not isinstance(texts, Iterable):
            raise InputError(f"answer takes a list of {instead}")
        return list(texts)

    def _parts(self, index: int, text: Any) -> tuple[str | bytes, ...]:
        """Returns the strings of one row."""
        fields = self.text_fields
        if isinstance(text, Mapping):
            missing = [name for name in fields if name not in text]
            if missing:
                raise InputError(f"text {index}: the task takes {' and '.join(fields)}, {missing[0]} is not there")
            text = tuple(text[name] for name in fields)
        parts = (text,) if isinstance(text, str | bytes) else tuple(text) if isinstance(text, Iterable) else (text,)
        if len(parts) != len(fields) or not all(isinstance(part, str | bytes) for part in parts):
            expected = "a string" if len(fields) == 1 else "a pair of strings"
            raise InputError(f"text {index}: expected {expected}, received: {text!r:.80}")
        return parts

    def _pack(self, first: str | bytes, second: str | bytes | None = None) -> Packed:
        """Tokenizes, cuts and packs a text or a pair."""
        tokenizer = self.tokenizer
        ids = [tokenizer.ids(text, self.max_length) for text in (first, second) if text is not None]
        sizes = shorten(len(ids[0]), len(ids[1]) if len(ids) > 1 else None, self.max_length, self._truncation)
        return pack(tokenizer.cls, tokenizer.sep, *(part[:size] for part, size in zip(ids, sizes, strict=False)))

    @property
    def _truncation(self) -> str:
        return self.settings.get("truncation", "longest_first")

    # -- rows through the engine ---------------------------------------------------------------------------------

    def _run(
        self,
        rows: Sequence[Packed],
        batch_size: int | None,
        more: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]] | None = None,
    ) -> list[dict[str, np.ndarray]]:
        """Runs rows, those of like length together.

        Args:
            rows: The rows.
            batch_size: Rows at a time; None: as many as are fastest.
            more: Makes further inputs of those of a batch.

        Returns:
            The outputs of each row; of padding too, where there is one for each token.
        """
        size = self.engine.best_batch if batch_size is None else batch_size
        if not isinstance(size, int) or size < 1:
            raise InputError(f"batch_size is {batch_size!r}; it must be 1 or more")
        # The longest first: memory that is made for it does for all that follow.
        order = sorted(range(len(rows)), key=lambda index: -len(rows[index].ids))
        chunks = [order[begin : begin + size] for begin in range(0, len(order), size)]
        found: list[dict[str, np.ndarray]] = [{} for _ in rows]

        def run(chunk: Sequence[int]) -> None:
            inputs = pad([rows[index] for index in chunk], self.tokenizer.pad)
            outputs = self.engine({**inputs, **(more(inputs) if more else {})})
            for place, index in enumerate(chunk):
                found[index] = {name: values[place] for name, values in outputs.items()}

        if self.engine.callers > 1 and len(chunks) > 1:
            with concurrent.futures.ThreadPoolExecutor(self.engine.callers) as pool:
                list(pool.map(run, chunks))
        else:
            for chunk in chunks:
                run(chunk)
        return found
