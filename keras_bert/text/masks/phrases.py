"""`PhraseMatcher`: finds the phrases of a list among the tokens of a batch, in the TensorFlow graph."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.word_begins import goes_on


class PhraseMatcher:
    """Covers rows of tokens with phrases from left to right, always by the longest that fits.

    For a list of words this is forward maximum matching, the classic way to cut Chinese text into words. A phrase
    is matched by its tokens, from the start of a word to the end of one: "new york" is not found in "new yorker".
    All phrases are walked down at once, as a trie, from all positions, and the cover is found by pointer doubling,
    so the number of ops grows with the longest phrase and with log2(tokens), not with the rows or the phrases.

    Args:
        phrases: The phrases, or the path of a UTF-8 file with one on each line.
        tokenizer: Cuts the phrases as it cuts the text.

    Call arguments:
        token_ids: int32 (batch, tokens).
        usable: bool (batch, tokens); no phrase goes over a token where it is False.

    Returns:
        bool (batch, tokens): True inside a phrase, behind its first token: there it goes on.

    Raises:
        InputError: The file cannot be read, or there is no phrase of two tokens or more.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "new", "york", "city", "is"]
        >>> matcher = PhraseMatcher(["New York", "New York City"], BertTokenizer(entries))
        >>> matcher(tf.constant([[5, 6, 8, 5, 6, 7]]), tf.fill([1, 6], True)).numpy().astype(int).tolist()
        [[0, 1, 0, 0, 1, 1]]
    """

    def __init__(self, phrases: Sequence[str] | str | PathLike, tokenizer: Any) -> None:
        source = str(phrases) if isinstance(phrases, str | PathLike) else "phrases"
        texts = read_phrases(phrases) if isinstance(phrases, str | PathLike) else [str(phrase) for phrase in phrases]
        vocabulary = tokenizer.get_vocabulary()
        self._tokenizer = tokenizer
        self._first, self._keys, self._nodes, self._ends = _trie(_ids(texts, tokenizer, vocabulary, source), vocabulary)

    def __call__(self, token_ids: Any, usable: Any) -> tf.Tensor:
        """Covers rows with phrases; see the class."""
        # One column behind each row, so that no phrase runs into the next row when all stand in one line.
        tokens = tf.reshape(tf.pad(tf.where(usable, token_ids, -1), [[0, 0], [0, 1]], constant_values=-1), [-1])
        width = tf.shape(token_ids)[1] + 1
        place = tf.range(tf.size(tokens))
        column = place % width
        inner = tf.reshape(tf.pad(goes_on(self._tokenizer, token_ids) & usable, [[0, 0], [0, 1]]), [-1])
        following = tf.where(column < width - 1, place + self._lengths(tokens, inner), place)
        starts = _reached(tf.cast(column == 0, tf.int32), following, width)
        inside = tf.reshape(starts == 0, [-1, width])[:, :-1]
        return tf.ensure_shape(inside, token_ids.shape)

    def _lengths(self, tokens: tf.Tensor, inner: tf.Tensor) -> tf.Tensor:
        """The tokens of the longest phrase that begins at each place, 1 where there is none: int32 (places,).

        Args:
            tokens: int32 (places,), -1 for none.
            inner: bool (places,), the token goes on with the word of the one before.
        """
        ends, keys, nodes = tf.constant(self._ends), tf.constant(self._keys), tf.constant(self._nodes)
        entries = len(self._first)

        def step(length: Any, places: Any, node: Any, best: Any) -> tuple:
            token = tf.gather(tokens, places + length)
            behind_word = ~tf.gather(inner, places + length)
            found = tf.boolean_mask(places, tf.gather(ends, node) & behind_word)
            best = tf.tensor_scatter_nd_update(best, found[:, None], tf.fill([tf.size(found)], length))
            key = tf.cast(node, tf.int64) * entries + tf.cast(token, tf.int64)
            slot = tf.minimum(tf.searchsorted(keys, key), len(self._keys) - 1)
            alive = (tf.gather(keys, slot) == key) & (token >= 0)
            return length + 1, places[alive], tf.gather(nodes, slot)[alive], best

        node = tf.where(inner | (tokens < 0), 0, tf.gather(tf.constant(self._first), tf.maximum(tokens, 0)))
        places = tf.cast(tf.where(node > 0)[:, 0], tf.int32)
        start = (tf.constant(1), places, tf.gather(node, places), tf.ones_like(tokens))
        some, every = tf.TensorShape([None]), tokens.shape
        return tf.while_loop(
            lambda length, places, node, best: tf.size(places) > 0,
            step,
            start,
            shape_invariants=(tf.TensorShape([]), some, some, every),
        )[-1]


def read_phrases(path: str | PathLike) -> list[str]:
    """Reads a file of phrases, one a line.

    Raises:
        InputError: It cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot read the phrases: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; a file of phrases is UTF-8, one phrase a line") from None


def _ids(texts: list[str], tokenizer: Any, vocabulary: Sequence[str], source: str) -> list[tuple[int, ...]]:
    """Gives the ids of the phrases that have two tokens or more and none unknown; says how many have not."""
    texts = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    spoken = [text.encode("utf-8", "surrogatepass") for text in texts]
    if isinstance(tokenizer, BytePairTokenizer):
        spoken += [b" " + text for text in spoken]  # other tokens behind a blank than at the start of a text
    special = {vocabulary.index(token) for token in SPECIAL_TOKENS}
    rows = {tuple(ids) for ids in tokenizer.tokenize(spoken).to_list()} if spoken else set()
    unknown = {ids for ids in rows if special.intersection(ids)}
    if unknown:
        logging.warning("%s: %d of %d phrases have tokens that the vocabulary lacks", source, len(unknown), len(rows))
    phrases = sorted(ids for ids in rows - unknown if len(ids) > 1)
    if not phrases:
        raise InputError(f"{source}: none of its {len(texts)} phrases has two tokens or more that the vocabulary knows")
    return phrases


def _trie(phrases: list[tuple[int, ...]], vocabulary: Sequence[str]) -> tuple[np.ndarray, ...]:
    """Makes a trie of token ids.

    Returns:
        first: int32 (vocabulary,), the node behind each first token, 0 = none.
        keys, nodes: sorted int64 and int32 (edges,): from node · vocabulary + token to the node it leads to.
        ends: bool (nodes,): a phrase ends here.
    """
    children: dict[int, int] = {}
    ends = {}
    for ids in phrases:
        node = 0
        for token in ids:
            node = children.setdefault(node * len(vocabulary) + token, len(children) + 1)
        ends[node] = True
    keys = np.array(sorted(children), np.int64)
    nodes = np.array([children[key] for key in keys], np.int32)
    first = np.zeros(len(vocabulary), np.int32)
    at_root = keys < len(vocabulary)
    first[keys[at_root]] = nodes[at_root]
    return first, keys, nodes, np.isin(np.arange(len(children) + 1), list(ends))


def _reached(seeds: tf.Tensor, following: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Marks what is reached from the seeds by jumps, by pointer doubling: int32 (places,) in, 1 = reached, out.

    After k rounds everything within 2^k jumps is marked, and `following` is a jump of 2^k steps.
    """

    def step(jumps: Any, reached: Any, following: Any) -> tuple:
        further = tf.math.unsorted_segment_max(reached, following, tf.size(reached))
        return 2 * jumps, tf.maximum(reached, further), tf.gather(following, following)

    start = (tf.constant(1), seeds, following)
    return tf.while_loop(lambda jumps, reached, following: jumps < width, step, start)[1]
