"""Many texts as vectors, some at a time, in this process or in several."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from keras_bert.errors import InputError
from keras_bert.serving.in_processes import in_processes
from keras_bert.tasks.embedding.embedder import BertEmbedder

_WINDOW = 2048  # texts at a time
_SAY_EVERY = 10.0  # seconds


def embed_texts(
    embedder: BertEmbedder,
    texts: Sequence[str],
    batch_size: int = 32,
    prompt: str | None = None,
    *,
    processes: int = 1,
    handle: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Embeds texts, and says now and then how far it is; of equal texts one is computed.

    Args:
        embedder: The model.
        texts: Strings.
        batch_size: Texts a batch.
        prompt: As for `BertEmbedder.embed`.
        processes: How many; of several each opens the model by itself, with its share of the processor.
        handle: What the model was opened by, for several processes: a folder, or a handle that needs no network.
        options: Further arguments that `from_preset` was given then.

    Returns:
        float32 (texts, size), in their order. A process has fewer threads, which add up in another order: the vectors
        are those of one process to 1e-6.

    Raises:
        InputError: Several processes, and nobody says by what they open the model; or one of them has gone.

    Example:
        >>> embed_texts(BertEmbedder.from_preset("minilm"), ["a film"]).shape  # doctest: +SKIP
        (1, 384)
    """
    distinct = list(dict.fromkeys(texts))
    windows = [distinct[start : start + _WINDOW] for start in range(0, len(distinct), _WINDOW)]
    if processes > 1 and handle is None:
        raise InputError("several processes each open the embedder: name it by its folder or preset, not as an object")
    if processes == 1:
        found: Iterator[np.ndarray] = (embedder.embed(window, batch_size, prompt) for window in windows)
    else:
        items = ((window, batch_size, prompt) for window in windows)
        found = in_processes(_embed, items, processes, _open, (str(handle), dict(options or {})))
    parts = [np.zeros((0, embedder.vector_size), np.float32)]
    began = said = time.monotonic()
    done = 0
    for part in found:
        parts.append(part)
        done, now = done + len(part), time.monotonic()
        if now - said > _SAY_EVERY:
            rate = done / (now - began)
            left = (len(distinct) - done) / rate
            logging.info("embedded %d of %d texts, %.0f a second, %.0f s left", done, len(distinct), rate, left)
            said = now
    places = {text: place for place, text in enumerate(distinct)}
    return np.concatenate(parts)[np.array([places[text] for text in texts], np.int64)]


_opened: list[BertEmbedder] = []  # that of a process


def _open(handle: str, options: Mapping[str, Any]) -> None:
    _opened.append(BertEmbedder.from_preset(handle, **options))


def _embed(item: tuple[list[str], int, str | None]) -> np.ndarray:
    return _opened[0].embed(*item)
