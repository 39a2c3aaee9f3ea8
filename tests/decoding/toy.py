"""A small left-to-right model of numbers for the tests of decoding, and all that it can write, counted in NumPy."""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.decoding import Start

ENTRIES, SIZE, END, FIRST = 6, 5, 2, 1


class Toy:
    """Logits of the next token from all tokens before: a recurrence, and a sum over a cache that grows.

    Rows differ by their `source`, a vector.
    """

    def __init__(self, rows: int = 3, seed: int = 0, entries: int = ENTRIES) -> None:
        rng = np.random.default_rng(seed)
        self.entries = entries
        self.inner, self.table = rng.normal(0, 1, (SIZE, SIZE)), rng.normal(0, 1.5, (entries, SIZE))
        self.out = rng.normal(0, 1.5, (SIZE, entries))
        self.source = rng.normal(0, 1, (rows, SIZE)).astype("float32")

    def step(self, ids: Any, time: Any, source: Any, state: Any) -> tuple[Any, Any]:
        here = tf.gather(tf.constant(self.table, tf.float32), ids) + source[:, None]
        here += 0.1 * tf.cast(time, tf.float32)
        hidden = tf.tanh(tf.einsum("rbi,ij->rbj", state["hidden"], tf.constant(self.inner, tf.float32)) + here)
        cache = tf.concat([state["cache"], hidden[:, :, None]], axis=2)
        logits = tf.einsum("rbi,ij->rbj", hidden + tf.reduce_sum(cache, axis=2), tf.constant(self.out, tf.float32))
        return logits, {"hidden": hidden, "cache": cache}

    def first(self) -> Start:
        """What a search begins with."""
        rows, source = len(self.source), tf.constant(self.source)
        state = {"hidden": tf.zeros([rows, 1, SIZE]), "cache": tf.zeros([rows, 1, 0, SIZE])}
        logits, state = self.step(tf.fill([rows, 1], FIRST), -1, source, state)
        return Start(logits[:, 0], source, state, growing={"hidden": -1, "cache": 2})

    def log_p(self, row: int, tokens: tuple[int, ...]) -> np.ndarray:
        """The log-probability of each token of a sequence, given those before."""
        hidden, total, found, last = np.zeros(SIZE), np.zeros(SIZE), [], FIRST
        for time, token in enumerate(tokens):
            hidden = np.tanh(hidden @ self.inner + self.table[last] + self.source[row] + 0.1 * (time - 1))
            total = total + hidden
            logits = (hidden + total) @ self.out
            found.append(logits[token] - np.log(np.exp(logits - logits.max()).sum()) - logits.max())
            last = token
        return np.array(found)

    def all_sequences(self, longest: int) -> list[tuple[int, ...]]:
        """Every sequence that ends, or is as long as may be."""
        others = [token for token in range(self.entries) if token != END]
        ended = [(*body, END) for size in range(longest) for body in itertools.product(others, repeat=size)]
        return [*ended, *itertools.product(others, repeat=longest)]


def sequences(result: dict[str, Any], row: int) -> list[tuple[int, ...]]:
    """The sequences of a row as a search gives them, ends included, padding left out."""
    found = []
    for ids, length in zip(result["ids"][row].numpy(), result["lengths"][row].numpy(), strict=True):
        end = length + 1 if length < len(ids) and ids[length] == END else length
        found.append(tuple(ids[:end].tolist()))
    return found
