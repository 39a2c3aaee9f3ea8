"""What a sequence may hold: lengths, words, repetitions, its beginning."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

NEVER = -1e9
"""Log-probability of what must not be; finite, so that sums and quotients of it are numbers."""


class Constraints(NamedTuple):
    """Rules for the next token, applied to logits before the choice.

    Attributes:
        end: The id that ends a sequence.
        min_length: Tokens before the end at least, the end not counted: int, or int32 (rows,).
        max_length: Tokens before the end at most: int32 (rows,); where a sequence has as many, only the end may follow.
            None: no such rule; the limit of steps of a search ends sequences without an end.
        repetition_penalty: Factor p: the logit of a token that the sequence holds already is divided by p where it is
            positive, multiplied where it is negative (Keskar et al. 2019, arXiv:1909.05858, section 4.1, in the form of
            transformers' `RepetitionPenaltyLogitsProcessor`). What stands before the sequence does not count.
        no_repeat_ngram: No sequence holds the same n tokens in a row twice; 0: no such rule.
        forbidden: Ids that never come, and sequences of ids that never come one after the other.
        allowed: Ids beside which none comes but the end; None: all.
        prefix: int32 (rows, tokens), what each sequence begins with, whatever the other rules say; -1 where a row's is
            over; None: nothing given.

    Example:
        >>> Constraints(end=2, min_length=3, forbidden=(0, 1)).forbidden
        (0, 1)
    """

    end: int
    min_length: Any = 0
    max_length: Any = None
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    forbidden: Sequence[int | Sequence[int]] = ()
    allowed: Sequence[int] | None = None
    prefix: Any = None

    def per_row(self) -> dict[str, Any]:
        """Returns the rules that differ from row to row, tensors (rows, ...) by name."""
        named = {"min_length": self.min_length, "max_length": self.max_length, "prefix": self.prefix}
        return {name: value for name, value in named.items() if value is not None and not isinstance(value, int)}

    def apply(self, logits: Any, sequences: Any) -> Any:
        """Makes what must not come as good as impossible.

        Args:
            logits: float32 (rows, beams, entries); for beams logits less their log-sum-exp, as in transformers.
            sequences: The tokens so far, int32 (rows, beams, time).

        Returns:
            Float32 (rows, beams, entries).
        """
        free = logits
        rows, entries = tf.shape(logits)[0], tf.shape(logits)[2]
        time = tf.shape(sequences)[2]
        if self.repetition_penalty != 1.0:
            logits = _penalised(logits, sequences, self.repetition_penalty)
        if self.no_repeat_ngram:
            logits = _without_repeats(logits, sequences, self.no_repeat_ngram)
        if self.forbidden:
            alone = [word for word in self.forbidden if isinstance(word, int)]
            logits += NEVER * _marked(alone, entries)
            for word in self.forbidden:
                if not isinstance(word, int):
                    logits += NEVER * _last_of(word, sequences, entries)
        if self.allowed is not None:
            logits += NEVER * (1.0 - _marked([*self.allowed, self.end], entries))
        is_end = tf.one_hot(self.end, entries)
        if not (isinstance(self.min_length, int) and self.min_length == 0):
            early = tf.cast(time < tf.broadcast_to(self.min_length, [rows]), logits.dtype)
            logits += NEVER * early[:, None, None] * is_end
        if self.max_length is not None:
            late = tf.cast(time >= self.max_length, logits.dtype)
            logits += NEVER * late[:, None, None] * (1.0 - is_end)
        if self.prefix is not None:
            logits = self._begun(logits, free, time)
        return logits

    def _begun(self, logits: Any, free: Any, time: Any) -> Any:
        """Leaves only the token that the prefix has here, with its logit before all rules."""
        length = tf.shape(self.prefix)[1]
        here = tf.gather(tf.pad(self.prefix, [[0, 0], [0, 1]], constant_values=-1), tf.minimum(time, length), axis=1)
        wanted = tf.one_hot(here, tf.shape(logits)[2], on_value=True, off_value=False, dtype=tf.bool)
        return tf.where(here[:, None, None] < 0, logits, tf.where(wanted[:, None], free, NEVER))


def _marked(ids: Sequence[int], entries: Any) -> Any:
    """Returns 1 at the ids, 0 elsewhere, float32 (entries,)."""
    unique = sorted(set(ids))
    places = tf.reshape(tf.constant(unique, tf.int32), (-1, 1))
    return tf.scatter_nd(places, tf.ones([len(unique)]), [entries])


def _last_of(word: Sequence[int], sequences: Any, entries: Any) -> Any:
    """Returns 1 at the last id of a word behind sequences that end in its others, float32 (rows, beams, entries)."""
    *others, last = word
    size = len(others)
    end = tf.pad(sequences, [[0, 0], [0, 0], [size, 0]], constant_values=-1)[:, :, -size:]
    is_next = tf.reduce_all(end == tf.constant(others, tf.int32), axis=2)
    return tf.cast(is_next, tf.float32)[:, :, None] * tf.one_hot(last, entries)


def _places(sequences: Any) -> Any:
    """Returns (row, beam) of each token of sequences int32 (rows, beams, time), as int32 (rows, beams, time, 2)."""
    rows, beams, time = tf.unstack(tf.shape(sequences))
    row, beam = tf.meshgrid(tf.range(rows), tf.range(beams), indexing="ij")
    return tf.tile(tf.stack([row, beam], axis=-1)[:, :, None], (1, 1, time, 1))


def _penalised(logits: Any, sequences: Any, penalty: float) -> Any:
    held = tf.gather(logits, sequences, batch_dims=2)
    lowered = tf.where(held < 0, held * penalty, held / penalty)
    at = tf.concat([_places(sequences), sequences[..., None]], axis=-1)
    return tf.tensor_scatter_nd_update(logits, tf.reshape(at, (-1, 3)), tf.reshape(lowered, (-1,)))


def _without_repeats(logits: Any, sequences: Any, size: int) -> Any:
    """Forbids each token that would end an n-gram of which the sequence holds the same one."""
    time = tf.shape(sequences)[2]

    def forbid() -> Any:
        starts = time - size + 1  # n-grams that are complete begin here
        same = tf.ones_like(sequences[:, :, :starts], tf.bool)
        for offset in range(size - 1):
            last = sequences[:, :, time - size + 1 + offset]
            same &= sequences[:, :, offset : starts + offset] == last[:, :, None]
        after = sequences[:, :, size - 1 :]
        at = tf.boolean_mask(tf.concat([_places(after), after[..., None]], axis=-1), same)
        return tf.tensor_scatter_nd_min(logits, at, tf.fill([tf.shape(at)[0]], NEVER))

    return tf.cond(time >= size, forbid, lambda: logits)
