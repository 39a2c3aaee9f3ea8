"""Byte-pair merges of whole batches of words, in graph: integers and sorted arrays, no table and no cache.

KerasHub has an in-graph byte-pair tokenizer too. It drops the Devanagari digit six, keeps every word it has ever seen,
and merges strings: 0.1 MB of English and 0.007 MB of Chinese a second where the words are new (docs/pretraining.md).
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.ragged_rows import row_ids, splits_of

_NONE = np.iinfo(np.int32).max  # the rank of a pair that no rule merges


class BytePairs:
    """The merge rules of a byte-level BPE vocabulary.

    In every word the pair of neighbours with the lowest rule is merged, again and again, until no rule fits. All
    words of a batch go side by side, and in each word all pairs at once that the order cannot matter to: those with
    the lowest rule, and those whose two parts no lower rule can take away, whatever is merged beside them before.
    So a long word, such as a Chinese clause, takes a few rounds and not one a merge.

    Args:
        vocabulary: the entries in the order of their ids, written in the characters of `byte_characters`.
        merges: the rules in the order of their rank, two entries with a blank between.

    Raises:
        InputError: an entry for one of the 256 bytes is missing, or a rule is broken.
    """

    def __init__(self, vocabulary: Sequence[str], merges: Sequence[str]):
        ids = {token: index for index, token in enumerate(vocabulary)}
        missing = [character for character in byte_characters() if character not in ids]
        if missing:
            raise InputError(
                f"vocabulary: no entry for {len(missing)} of the 256 bytes ({' '.join(missing[:4])} ...); it is not of "
                "a byte-level BPE"
            )
        rules: dict[int, int] = {}  # left id * size + right id → rank
        products = np.zeros(len(merges), np.int32)
        lowest_use: dict[int, int] = {}  # id → the first rule that it is a part of
        # The first rule that takes a piece to the left of it, whose last byte is known, and likewise to the right.
        from_left: dict[int, int] = {}  # last byte * size + right id → rank
        from_right: dict[int, int] = {}  # left id * 256 + first byte → rank
        byte_of = {character: byte for byte, character in enumerate(byte_characters())}
        first_bytes = [byte_of.get(token[0], 0) for token in vocabulary]
        last_bytes = [byte_of.get(token[-1], 0) for token in vocabulary]
        for rank, merge in enumerate(merges):
            left, right, product = _parse(merge, rank, ids)
            key = left * len(ids) + right
            if key in rules:
                raise InputError(f"merges, rule {rank + 1}: {merge!r} is already rule {rules[key] + 1}")
            rules[key] = rank
            products[rank] = product
            for part in (left, right):
                lowest_use.setdefault(part, rank)
            from_left.setdefault(last_bytes[left] * len(ids) + right, rank)
            from_right.setdefault(left * 256 + first_bytes[right], rank)
        # What a rule makes may be part of a rule that comes before it, where two rules make the same entry. Then the
        # order of the places counts too, and they are merged one by one.
        one_by_one = np.array([lowest_use.get(p, _NONE) <= rank for rank, p in enumerate(products.tolist())], bool)
        self._size = len(ids)
        self._any_one_by_one = bool(one_by_one.any())
        with tf.init_scope(), tf.device("CPU:0"):
            self._byte_ids = tf.constant([ids[character] for character in byte_characters()], tf.int32)
            self._first_bytes = tf.constant(first_bytes, tf.int64)
            self._last_bytes = tf.constant(last_bytes, tf.int64)
            self._rules, self._from_left, self._from_right = map(_table, (rules, from_left, from_right))
            self._products = tf.constant(np.append(products, 0).astype(np.int32))
            self._one_by_one = tf.constant(np.append(one_by_one, False))

    def encode(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Merges the bytes of words.

        Args:
            words: string (words,).

        Returns:
            int32 RaggedTensor (words, (pieces)).
        """
        distinct, places = tf.unique(words, tf.int64)
        lengths = tf.strings.length(distinct)
        symbols = tf.gather(self._byte_ids, tf.cast(_bytes(distinct), tf.int32))
        rows = row_ids(splits_of(lengths))
        _, symbols, rows = tf.while_loop(
            lambda going, symbols, rows: going,
            lambda going, symbols, rows: self._merge(symbols, rows, tf.size(distinct)),
            (tf.constant(True), symbols, rows),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None])),
        )
        pieces = tf.RaggedTensor.from_value_rowids(
            symbols, tf.cast(rows, tf.int64), tf.size(distinct, tf.int64), validate=False
        )
        return tf.gather(pieces, places)

    def _merge(self, symbols: tf.Tensor, rows: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Merges the best pair of each word: int32 (symbols,) and the word that each belongs to."""
        left, right = tf.cast(symbols[:-1], tf.int64), tf.cast(symbols[1:], tf.int64)
        before, inside = rows[:-1], rows[:-1] == rows[1:]

        def lookup(table: tuple[tf.Tensor, tf.Tensor], key: tf.Tensor) -> tf.Tensor:
            place = tf.searchsorted(table[0], key)
            return tf.where(inside & (tf.gather(table[0], place) == key), tf.gather(table[1], place), _NONE)

        rank = lookup(self._rules, left * self._size + right)
        best = tf.math.unsorted_segment_min(rank, before, count)
        chosen = (rank != _NONE) & (rank == tf.gather(best, before))
        # In a run such as "aaa" the places overlap: every second one counts.
        index = tf.range(tf.size(rank))
        starts = chosen & ~tf.concat([tf.zeros_like(chosen[:1]), chosen[:-1]], 0)
        run = tf.maximum(tf.cumsum(tf.cast(starts, tf.int32)) - 1, 0)
        first = tf.concat([tf.boolean_mask(index, starts), [0]], 0)
        chosen &= (index - tf.gather(first, run)) % 2 == 0
        rule = tf.minimum(rank, tf.size(self._products) - 1)
        if self._any_one_by_one:
            leftmost = tf.math.unsorted_segment_min(tf.where(chosen, index, _NONE), before, count)
            chosen &= ~tf.gather(self._one_by_one, rule) | (index == tf.gather(leftmost, before))
        # What a rule makes only higher rules take (the others are one by one), so these pairs would come up unchanged.
        none = tf.fill([tf.minimum(tf.size(rank), 1)], _NONE)
        from_left = lookup(self._from_left, tf.gather(self._last_bytes, symbols[:-1]) * self._size + right)
        from_right = lookup(self._from_right, left * 256 + tf.gather(self._first_bytes, symbols[1:]))
        untouched = (tf.concat([none, from_left[:-1]], 0) > rank) & (tf.concat([from_right[1:], none], 0) > rank)
        chosen |= (rank != _NONE) & untouched & ~tf.gather(self._one_by_one, rule)
        end = tf.zeros_like(symbols[:1], tf.bool)
        merged = tf.concat([tf.where(chosen, tf.gather(self._products, rule), symbols[:-1]), symbols[-1:]], 0)
        kept = ~tf.concat([end, chosen], 0)
        return tf.reduce_any(chosen), tf.boolean_mask(merged, kept), tf.boolean_mask(rows, kept)


def _bytes(words: tf.Tensor) -> tf.Tensor:
    """All bytes of all words, uint8 (bytes,)."""
    return tf.io.decode_raw(tf.strings.reduce_join(words), tf.uint8)


def _table(ranks: dict[int, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Sorted keys and their values, with a key behind that no pair has."""
    keys = sorted(ranks)
    return tf.constant([*keys, np.iinfo(np.int64).max], tf.int64), tf.constant([*map(ranks.get, keys), _NONE], tf.int32)


def _parse(merge: str, rank: int, ids: dict[str, int]) -> tuple[int, int, int]:
    """Gives the ids of a rule's two parts and of what it makes."""
    left, blank, right = str(merge).partition(" ")
    if not blank or not left or not right or " " in right:
        raise InputError(f"merges, rule {rank + 1}: {merge!r} is no rule; expected two entries with a blank between")
    for token in (left, right, left + right):
        if token not in ids:
            raise InputError(f"merges, rule {rank + 1}: {merge!r} needs {token!r}, which is not in the vocabulary")
    return ids[left], ids[right], ids[left + right]
