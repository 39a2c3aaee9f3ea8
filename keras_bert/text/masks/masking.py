"""`TokenMasker`: hides tokens for the masked-word objective, in the TensorFlow graph, anew for each seed."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.masks.phrases import PhraseMatcher
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.word_begins import goes_on

UNITS = ("token", "word")


class TokenMasker:
    """Chooses tokens, hides them, and says where they stood and what they were.

    What is hidden together is a group: a token, a whole word, a phrase. Of each row the groups are taken in random
    order while they fit into `rate` times its tokens (special tokens counted, rounded, at least 1); a group that
    does not fit is passed over, later ones may. Of the tokens taken, `mask_share` become `[MASK]`, `random_share`
    any other entry that is not special, the rest stay as they are; each token is drawn by itself.

    Args:
        tokenizer: The tokenizer of the inputs, for its vocabulary and to cut the phrases.
        rate: Share of a row's tokens that is taken.
        max_predictions: Tokens taken of a row at most; None for no such bound.
        unit: `"token"`, or `"word"`: a piece with those after it that go on with its word.
        phrases: Hide these as a whole: a list, or a file with one on each line. For Chinese, a list of words: then
            the words that forward maximum matching finds are hidden as a whole.
        mask_share: Share of the tokens taken that become `[MASK]`.
        random_share: Share of the tokens taken that become a random token.

    Call arguments:
        inputs: dict of int32 (batch, tokens): `token_ids`, `segment_ids`, `padding_mask`.
        seed: int (2,); the same seed and inputs give the same masks.

    Returns:
        The inputs with other `token_ids`, and (batch, predictions), as wide as the row with the most of them needs,
        at least 1: `mask_positions` int32, in rising order; `mask_labels` int32, the ids that stood there;
        `mask_weights` float32, 1, or 0 for an empty slot, where position and label are 0.

    Raises:
        InputError: A number is outside its range, or the phrases cannot be used.

    Example:
        >>> from keras_bert.text.word_piece.tokenizer import BertTokenizer
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bread"]
        >>> masker = TokenMasker(BertTokenizer(entries), rate=0.25, mask_share=1.0, random_share=0.0)
        >>> ids = tf.constant([[2, 5, 6, 3]])
        >>> masked = masker({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}, seed=(0, 1))
        >>> int(tf.reduce_sum(tf.cast(masked["token_ids"] == 4, tf.int32)))
        1

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3.1; whole words and the order in which groups are taken:
        github.com/google-research/bert, create_pretraining_data.py, `create_masked_lm_predictions`; phrases:
        Sun et al. 2019, arXiv:1904.09223, and for Chinese words Cui et al. 2019, arXiv:1906.08101. Unlike Google's
        program, a word does not go on over a special token, and special tokens are not drawn as random ones.
    """

    def __init__(
        self,
        tokenizer: Any,
        rate: float = 0.15,
        max_predictions: int | None = None,
        unit: str = "token",
        phrases: Sequence[str] | str | PathLike | None = None,
        mask_share: float = 0.8,
        random_share: float = 0.1,
    ) -> None:
        if not 0 < rate <= 1:
            raise InputError(f"rate is {rate}; it must be over 0 and at most 1")
        if max_predictions is not None and max_predictions < 1:
            raise InputError(f"max_predictions is {max_predictions}; it must be at least 1")
        if unit not in UNITS:
            raise InputError(f"unit is {unit!r}; it must be one of {', '.join(UNITS)}")
        if mask_share < 0 or random_share < 0 or mask_share + random_share > 1:
            raise InputError(f"mask_share={mask_share}, random_share={random_share}: shares are 0 or more, 1 together")
        vocabulary = tokenizer.get_vocabulary()
        self.rate = rate
        self.max_predictions = max_predictions
        self.unit = unit
        self.mask_share = mask_share
        self.random_share = random_share
        self._mask_id = tokenizer.mask_token_id
        self._special = np.isin(vocabulary, SPECIAL_TOKENS)
        self._tokenizer = tokenizer
        self._ordinary = np.flatnonzero(~self._special).astype(np.int32)
        self._phrases = None if phrases is None else PhraseMatcher(phrases, tokenizer)

    def __call__(self, inputs: Mapping[str, Any], seed: Any) -> dict[str, tf.Tensor]:
        """Hides tokens; see the class."""
        token_ids = tf.convert_to_tensor(inputs["token_ids"], tf.int32)
        padding_mask = tf.convert_to_tensor(inputs["padding_mask"], tf.int32)
        order_seed, share_seed, token_seed = tf.unstack(tf.random.split(tf.cast(seed, tf.int64), 3))
        usable = (padding_mask > 0) & ~tf.gather(tf.constant(self._special), token_ids)
        groups = tf.cumsum(tf.cast(~self._goes_on(token_ids, usable), tf.int32), axis=1) - 1
        taken = usable & self._take(groups, usable, self._budget(padding_mask), order_seed)

        draw = tf.random.stateless_uniform(tf.shape(token_ids), share_seed)
        others = tf.random.stateless_uniform(tf.shape(token_ids), token_seed, 0, len(self._ordinary), tf.int32)
        is_random = draw < self.mask_share + self.random_share
        hidden = tf.where(is_random, tf.gather(tf.constant(self._ordinary), others), token_ids)
        hidden = tf.where(draw < self.mask_share, self._mask_id, hidden)

        return {**inputs, "token_ids": tf.where(taken, hidden, token_ids), **_slots(taken, token_ids)}

    def _goes_on(self, token_ids: tf.Tensor, usable: tf.Tensor) -> tf.Tensor:
        """Says which tokens belong to the group of the token before: bool (batch, tokens)."""
        found = tf.zeros_like(usable)
        if self.unit == "word":
            found = goes_on(self._tokenizer, token_ids)
        if self._phrases is not None:
            found |= self._phrases(token_ids, usable)
        before = tf.pad(usable[:, :-1], [[0, 0], [1, 0]])
        return found & usable & before

    def _budget(self, padding_mask: tf.Tensor) -> tf.Tensor:
        """How many tokens may be taken of each row: int32 (batch,)."""
        tokens = tf.reduce_sum(tf.cast(padding_mask > 0, tf.float64), axis=1)
        budget = tf.maximum(tf.cast(tf.round(self.rate * tokens), tf.int32), 1)
        return budget if self.max_predictions is None else tf.minimum(budget, self.max_predictions)

    def _take(self, groups: tf.Tensor, usable: tf.Tensor, budget: tf.Tensor, seed: Any) -> tf.Tensor:
        """Takes groups in random order while they fit.

        One round takes all groups before the first that does not fit, and drops those that are larger than what is
        left then: they never will. So there are at most as many rounds as sizes of groups.

        Args:
            groups: int32 (batch, tokens), the number of each token's group in its row.
            usable: bool (batch, tokens).
            budget: int32 (batch,), tokens to take at most.
            seed: Of the order.

        Returns:
            bool (batch, tokens).
        """
        rows, width = tf.unstack(tf.shape(groups))
        cell = groups + tf.range(rows)[:, None] * width
        sizes = tf.math.unsorted_segment_sum(tf.cast(usable, tf.int32), cell, rows * width)
        keys = tf.random.stateless_uniform([rows, width], seed)
        order = tf.argsort(keys, axis=1)
        sizes = tf.gather(tf.reshape(sizes, [rows, width]), order, batch_dims=1)

        def step(left: Any, budget: Any, taken: Any) -> tuple:
            fits = tf.cumsum(left, axis=1) <= budget[:, None]
            first = tf.cast(tf.math.cumprod(tf.cast(fits, tf.int32), axis=1), tf.bool) & (left > 0)
            budget -= tf.reduce_sum(tf.where(first, left, 0), axis=1)
            return tf.where(first | (left > budget[:, None]), 0, left), budget, taken | first

        start = (sizes, budget, tf.zeros([rows, width], tf.bool))
        _, _, taken = tf.while_loop(lambda left, budget, taken: tf.reduce_any(left > 0), step, start)
        rank = tf.argsort(order, axis=1)
        return tf.gather(tf.gather(taken, rank, batch_dims=1), groups, batch_dims=1)


def _slots(taken: tf.Tensor, token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
    """Lists the tokens taken of each row, padded to the longest list."""
    counts = tf.reduce_sum(tf.cast(taken, tf.int32), axis=1)
    width = tf.maximum(tf.reduce_max(counts), 1)  # a batch without rows has the lowest integer as maximum
    shape = tf.stack([-1, width])
    places = tf.where(taken)

    def padded(values: tf.Tensor) -> tf.Tensor:
        rows = tf.RaggedTensor.from_row_lengths(tf.cast(values, tf.int32), counts, validate=False)
        return rows.to_tensor(0, shape=shape)

    return {
        "mask_positions": padded(places[:, 1]),
        "mask_labels": padded(tf.gather_nd(token_ids, places)),
        "mask_weights": tf.cast(tf.range(width) < counts[:, None], tf.float32),
    }
