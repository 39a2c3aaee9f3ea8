"""Texts with `[MASK]` in them: to inputs with the places of the masks, in the graph, and back with words put in."""

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.vocabulary import MASK_TOKEN

MAX_MASKS = 64
"""Masks of one text that are answered. Each costs a row of the vocabulary's size, and a text that is nothing but masks
must not take a server's memory."""


def masked_inputs(text: Any, preprocessor: BertPreprocessor) -> dict[str, tf.Tensor]:
    """Makes inputs of texts in which `[MASK]` stands for a word; other special tokens are plain text.

    Args:
        text: string (batch,).
        preprocessor: The model's; what is longer than its `max_length` is cut off, masks too.

    Returns:
        The encoder's inputs, int32 (batch, tokens), `mask_positions` int32 (batch, masks), as wide as the text with
        the most of them needs and at least 1, at most `MAX_MASKS`, and `mask_count` int32 (batch,).
    """
    tokenizer = preprocessor.tokenizer
    parts = tf.strings.split(text, MASK_TOKEN)  # ragged (batch, (parts))
    # As in Hugging Face's tokenizers a mask stands for the blank before it too, which byte-pair tokens would show.
    ids = tokenizer.tokenize(tf.strings.regex_replace(parts.values, r"\s+$", ""))
    is_last = tf.scatter_nd(parts.row_limits()[:, None] - 1, tf.ones_like(parts.row_limits()), [ids.nrows()])
    masks = tf.RaggedTensor.from_row_lengths(
        tf.fill([ids.nrows() - parts.nrows()], tokenizer.mask_token_id), 1 - is_last, validate=False
    )
    joined = parts.with_values(tf.concat([ids, masks], axis=1)).merge_dims(1, 2)[:, : preprocessor.max_length - 2]
    column = tf.ones([parts.nrows(), 1], tf.int32)
    token_ids = tf.concat([column * tokenizer.cls_token_id, joined, column * tokenizer.sep_token_id], axis=1)
    padded = preprocessor.pad({"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids)})
    return {**padded, **mask_places(padded["token_ids"], tokenizer.mask_token_id)}


def mask_places(token_ids: Any, mask_token_id: int) -> dict[str, tf.Tensor]:
    """Finds the masks of each row: `mask_positions` and `mask_count`, see `masked_inputs`."""
    token_ids = tf.convert_to_tensor(token_ids)
    places = tf.where(token_ids == mask_token_id)
    rows = tf.RaggedTensor.from_value_rowids(places[:, 1], places[:, 0], tf.shape(token_ids, tf.int64)[0])
    rows = rows[:, :MAX_MASKS]
    width = tf.maximum(tf.reduce_max(rows.row_lengths()), 1)
    return {
        "mask_positions": tf.cast(rows.to_tensor(0, shape=tf.stack([-1, width])), tf.int32),
        "mask_count": tf.cast(rows.row_lengths(), tf.int32),
    }


def count_masks(texts: Iterable[bytes]) -> list[int]:
    """Counts the masks of each text.

    Raises:
        InputError: A text has none, or more than `MAX_MASKS`.
    """
    masks = [text.count(MASK_TOKEN.encode()) for text in texts]
    for index, count in enumerate(masks):
        if not 1 <= count <= MAX_MASKS:
            raise InputError(
                f"text {index}: has {count or 'no'} {MASK_TOKEN}; write {MASK_TOKEN} where a word is to be found, "
                f"{MAX_MASKS} times at most"
            )
    return masks


def target_ids(tokenizer: TokenLayer, targets: Sequence[str]) -> list[int]:
    """Finds the tokens of words that are to be chosen from, each once.

    Args:
        tokenizer: The model's.
        targets: Words, as they would stand within a text; or entries of the vocabulary, such as `##s`.

    Raises:
        InputError: Not a list of strings, an empty one, or one of them is no single token.
    """
    if isinstance(targets, str | bytes) or not len(targets) or not all(isinstance(word, str) for word in targets):
        raise InputError(f"targets is a list of words, received: {targets!r:.80}")
    known, found = {token: index for index, token in enumerate(tokenizer.get_vocabulary())}, {}
    for word, ids in zip(targets, tokenizer.tokenize([f" {word}" for word in targets]).to_list(), strict=True):
        if len(ids) == 1 and ids[0] != tokenizer.unk_token_id:
            found[ids[0]] = word
        elif word in known:
            found[known[word]] = word
        else:
            pieces = " ".join(tokenizer.id_to_token(index) for index in ids) or "nothing"
            raise InputError(f"targets: {word!r} is not one token of the vocabulary, but {pieces}")
    return list(found)


def filled(text: str, index: int, word: str) -> str:
    """Puts a word where the mask number `index` stands.

    Args:
        text: A text with masks.
        index: Counted from 0.
        word: What a token adds to a text (`text_of` of the tokenizer): without a blank before it, it goes on with
            the word that stands before.

    Example:
        >>> filled("The [MASK] is [MASK].", 0, " city")
        'The city is [MASK].'
        >>> filled("Two book [MASK].", 0, "s")
        'Two books.'
    """
    parts = text.split(MASK_TOKEN)
    before, after = MASK_TOKEN.join(parts[: index + 1]), MASK_TOKEN.join(parts[index + 1 :])
    return (before if word.startswith(" ") else before.rstrip()) + word.removeprefix(" ") + after
