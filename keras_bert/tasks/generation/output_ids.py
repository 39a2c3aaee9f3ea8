"""Which entries of the vocabulary a model may write, and their numbers among them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.graph import as_written
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import SPECIAL_TOKENS


class OutputIds:
    """A shortlist of the vocabulary; the others' logits are never computed.

    Args:
        tokenizer: The vocabulary.
        output_ids: Ids that may come; the special tokens are added. None: all.

    Raises:
        InputError: An id outside of the vocabulary.

    Example:
        >>> short = OutputIds(tokenizer, [7, 2005])  # doctest: +SKIP
        >>> short.place(tf.constant([2005])).numpy().tolist()  # doctest: +SKIP
        [6]
    """

    def __init__(self, tokenizer: TokenLayer, output_ids: Sequence[int] | None = None) -> None:
        size = tokenizer.vocabulary_size
        special = [id_ for id_, entry in enumerate(tokenizer.get_vocabulary()) if entry in SPECIAL_TOKENS]
        every = range(size) if output_ids is None else sorted({*special, *map(int, output_ids)})
        if len(every) and not 0 <= every[0] <= every[-1] < size:
            raise InputError(f"output_ids: {every[0]} to {every[-1]}; the vocabulary has the ids 0 to {size - 1}")
        self.is_all = output_ids is None
        self._ids = np.array(every, "int32")
        # What is not among them counts as unknown.
        self._places = np.full(size, np.searchsorted(self._ids, tokenizer.unk_token_id), "int32")
        self._places[self._ids] = np.arange(len(self._ids), dtype="int32")
        self._held = frozenset(self._ids.tolist())

    def __len__(self) -> int:
        return len(self._ids)

    def tolist(self) -> list[int] | None:
        """Returns the ids, ascending; None for all."""
        return None if self.is_all else self._ids.tolist()

    def has(self, id_: int) -> bool:
        """Tells whether an id may come."""
        return id_ in self._held

    def place(self, ids: Any) -> Any:
        """Turns ids, int32 of any shape, ragged or not, into their numbers here; of others into that of `[UNK]`."""
        return ids if self.is_all else tf.gather(self._places, ids)

    def ids(self, places: Any) -> Any:
        """Turns numbers, int32 of any shape, back into ids."""
        return places if self.is_all else tf.gather(self._ids, places)

    def places_of(self, ids: Iterable[Any]) -> list[Any]:
        """Turns ids, and sequences of ids, that a program knows into numbers; leaves out what can never come."""
        found = []
        for item in ids:
            word = item if isinstance(item, list | tuple) else [item]
            if all(self.has(id_) for id_ in word):
                places = self._places[list(word)].tolist()
                found.append(places if isinstance(item, list | tuple) else places[0])
        return found


def ids_in(tokenizer: TokenLayer, texts: tf.data.Dataset) -> list[int]:
    """Lists the ids that texts hold: the shortlist `vocabulary="targets"`.

    Args:
        tokenizer: The vocabulary.
        texts: Data set of strings, string ().

    Returns:
        The ids, ascending.

    Example:
        >>> ids_in(tokenizer, rows.map(lambda row: row["target"]))  # doctest: +SKIP
        [5, 7, 2005]
    """
    held = np.zeros(tokenizer.vocabulary_size, bool)
    for ids in texts.batch(1024).map(
        as_written(lambda text: tokenizer(text).flat_values), num_parallel_calls=tf.data.AUTOTUNE
    ):
        held[ids.numpy()] = True
    return np.flatnonzero(held).tolist()
