"""Added tokens: entries of a vocabulary that are found in a text as they are written, as Hugging Face finds them."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.ragged_rows import row_ids, splits_of
from keras_bert.text.regex_parts import WHITE_SPACE, split_at
from keras_bert.text.vocabulary import SPECIAL_TOKENS, is_spare

# What the `regex` crate calls \w: letters, marks, decimal digits, connectors, joiners, and circled letters.
_WORD = (
    r"\p{L}\p{M}\p{Nl}\p{Nd}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}"
    r"\x{1f170}-\x{1f189}"
)
# The ideographs that the library's `BertNormalizer` puts between blanks, so that they are no neighbours of a word.
_IDEOGRAPH = (
    r"\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{20000}-\x{2a6df}\x{2a700}-\x{2b81f}\x{2b920}-\x{2ceaf}"
    r"\x{f900}-\x{faff}\x{2f800}-\x{2fa1f}"
)


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """An entry of a vocabulary that is found in a text before the text is cut into words.

    Where several could begin at a place, the longest is found. What is found becomes its id, and the texts before and
    behind it are tokenized each by itself.

    Attributes:
        content: The token, as it stands in the vocabulary and in the text.
        single_word: Found only where no letter, digit or mark stands on either side.
        lstrip: Takes the white space before it along.
        rstrip: Takes the white space behind it along.
        normalized: Found in the normalized text, itself normalized; a token that is not is found before, as written.
            None: not where it is special.
        special: Left out by `detokenize`.

    Example:
        >>> AddedToken("<e1>", normalized=False).content
        '<e1>'

    References:
        huggingface/tokenizers, tokenizers/src/tokenizer/added_vocabulary.rs
    """

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | None = None
    special: bool = False

    @property
    def in_normalized_text(self) -> bool:
        """Whether it is looked for in the normalized text."""
        return not self.special if self.normalized is None else self.normalized


def read_added_tokens(tokens: Sequence[Any], ids: Mapping[str, int]) -> tuple[AddedToken, ...]:
    """Makes added tokens of what a caller or a file gives.

    Args:
        tokens: Strings, `AddedToken`s, or mappings with its attributes, as `tokenizer.json` has them in `added_tokens`.
        ids: The vocabulary.

    Returns:
        The tokens, in the order of their ids.

    Raises:
        InputError: One is no entry of the vocabulary, has another id than there, is there twice or is none of these.
    """
    if isinstance(tokens, str | bytes | Mapping):
        raise InputError(f"added_tokens is a {type(tokens).__name__}; it must be a list of tokens")
    found: dict[str, AddedToken] = {}
    for token in tokens:
        token = AddedToken(token) if isinstance(token, str) else token
        if isinstance(token, Mapping):
            token = _from_fields(token, ids)
        if not isinstance(token, AddedToken):
            raise InputError(f"added_tokens: {token!r:.80} is neither a string nor an AddedToken nor its fields")
        if not token.content or token.content not in ids:
            raise InputError(f"added_tokens: {token.content!r:.80} is no entry of the vocabulary")
        if token.content in found:
            raise InputError(f"added_tokens: {token.content!r:.80} is there twice")
        found[token.content] = dataclasses.replace(token, normalized=token.in_normalized_text)
    # transformers lists BERT's own special tokens everywhere; what says nothing new is left out.
    told = [token for token in found.values() if token.content not in SPECIAL_TOKENS or not _as_usual(token)]
    return tuple(sorted(told, key=lambda token: ids[token.content]))


def special_in_text(tokens: Sequence[AddedToken], wanted: bool) -> list[AddedToken]:
    """Gives the tokens that count in a text: BERT's own special ones only where these are wanted, and then all."""
    others = [token for token in tokens if token.content not in SPECIAL_TOKENS]
    if not wanted:
        return others
    own = {token: AddedToken(token, special=True) for token in SPECIAL_TOKENS}
    return [*(own | {token.content: token for token in tokens if token.content in own}).values(), *others]


def beyond_the_model(tokens: Sequence[AddedToken], vocabulary: Sequence[str]) -> frozenset[str]:
    """Gives the tokens that the vocabulary has for being added only: those at its end, which no piece of a word is.

    Names of spare rows stand there too, behind them and between.
    """
    added = {token.content for token in tokens} - set(SPECIAL_TOKENS)
    last = len(vocabulary)
    while last and (vocabulary[last - 1] in added or is_spare(vocabulary[last - 1])):
        last -= 1
    return frozenset(added.intersection(vocabulary[last:]))


class Segments(NamedTuple):
    """The segments of some texts.

    Attributes:
        texts: string (segments,), empty for an added token.
        token: int32 (segments,), the id of an added token, or -1.
        starts: int64 (segments,), the first byte of each in its text.
        ends: int64 (segments,), the byte behind it.
        row_splits: int64 (batch + 1,), where each text begins among the segments.
    """

    texts: tf.Tensor
    token: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor
    row_splits: tf.Tensor

    def merge(self, pieces: tf.RaggedTensor, tokens: tf.Tensor) -> tf.RaggedTensor:
        """Puts what the segments were cut into, and the added tokens between, into the rows of the texts.

        Args:
            pieces: (segments, (pieces)).
            tokens: (segments,), what stands for an added token.

        Returns:
            (batch, (pieces and tokens)).
        """
        added = self.token >= 0
        alone = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(tokens, added), tf.cast(added, tf.int64), validate=False
        )
        both = tf.concat([pieces, alone], 1)
        return tf.RaggedTensor.from_row_splits(both.values, tf.gather(both.row_splits, self.row_splits), validate=False)


def whole(text: tf.Tensor) -> Segments:
    """Makes of each text one segment: for tokenizers without added tokens."""
    count = tf.size(text, tf.int64)
    none, lengths = tf.fill([count], -1), tf.cast(tf.strings.length(text), tf.int64)
    return Segments(text, none, tf.zeros_like(lengths), lengths, tf.range(count + 1))


class AddedTokenFinder:
    """Finds added tokens in texts, in the graph. A plain object, which Keras does not track.

    Args:
        tokens: The tokens.
        ids: The vocabulary.
        normalize: From strings, a tensor, to normalized ones, where the texts are normalized.
        ideographs_apart: An ideograph beside a token makes it no part of a word.

    Raises:
        InputError: With `ideographs_apart`, a normalized token begins or ends with a blank.
    """

    def __init__(
        self,
        tokens: Sequence[AddedToken],
        ids: Mapping[str, int],
        normalize: Callable[[tf.Tensor], tf.Tensor] | None = None,
        ideographs_apart: bool = False,
    ):
        self._ideographs_apart = ideographs_apart
        contents = [token.content.encode() for token in tokens]
        if normalize is not None:
            contents = normalize(tf.constant(contents, tf.string)).numpy().tolist()
        if ideographs_apart:
            _refuse_blanks_at_edges(tokens, contents)
        known: dict[bytes, AddedToken] = {}
        for content, token in zip(contents, tokens, strict=True):
            if content:  # of the same normalized ones the first counts
                known.setdefault(content, token)
        # RE2 takes the first alternative that fits, so that the longest come first.
        longest_first = sorted(known, key=len, reverse=True)
        self._pattern = "|".join(re.escape(content.decode()) for content in longest_first)
        # Found again by hashes, sorted: nothing is as large as parts times tokens.
        hashes = _hash(tf.constant(longest_first, tf.string)).numpy()
        order = np.argsort(hashes)
        assert len(set(hashes.tolist())) == len(hashes), "64-bit hashes of some thousand strings differ"
        self._hashes = hashes[order]
        self._contents = np.array(longest_first, object)[order]
        chosen = [known[longest_first[index]] for index in order]
        self._ids = np.array([ids[token.content] for token in chosen], np.int32)
        self._single_word, self._lstrip, self._rstrip = (
            np.array([getattr(token, name) for token in chosen], bool) for name in ("single_word", "lstrip", "rstrip")
        )

    def __call__(self, text: tf.Tensor) -> Segments:
        """Cuts texts, string (batch,), at the tokens that stand in them."""
        texts, rows, starts, ends, row_splits = split_at(text, self._pattern)
        slot = tf.minimum(tf.searchsorted(self._hashes, _hash(texts)), len(self._hashes) - 1)
        found = tf.gather(self._contents, slot) == texts
        if self._single_word.any():
            found &= ~tf.gather(self._single_word, slot) | self._stands_alone(texts, rows)
            # What stands inside a word is text again, one with the text on both sides.
            follows = tf.concat([[False], (rows[1:] == rows[:-1]) & ~found[1:] & ~found[:-1]], 0)[: tf.size(rows)]
            number = tf.cumsum(tf.cast(~follows, tf.int32)) - 1
            first = ~follows
            texts = tf.strings.unsorted_segment_join(texts, number, tf.reduce_sum(tf.cast(first, tf.int32)))
            rows, starts, slot, found = (tf.boolean_mask(values, first) for values in (rows, starts, slot, found))
            ends = starts + tf.cast(tf.strings.length(texts), tf.int64)
            counts = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, tf.size(text))
            row_splits = splits_of(counts)
        texts = tf.where(found, "", texts)
        if self._rstrip.any():
            wanted = _shifted(found & tf.gather(self._rstrip, slot), rows, 1)
            shorter = tf.where(wanted, tf.strings.regex_replace(texts, f"^[{WHITE_SPACE}]+", ""), texts)
            taken = tf.cast(tf.strings.length(texts) - tf.strings.length(shorter), tf.int64)
            texts, starts = shorter, starts + taken
            ends += tf.concat([taken[1:], [0]], 0)[: tf.size(taken)]
        if self._lstrip.any():
            wanted = _shifted(found & tf.gather(self._lstrip, slot), rows, -1)
            shorter = tf.where(wanted, tf.strings.regex_replace(texts, f"[{WHITE_SPACE}]+$", ""), texts)
            taken = tf.cast(tf.strings.length(texts) - tf.strings.length(shorter), tf.int64)
            texts, ends = shorter, ends - taken
            starts -= tf.concat([[0], taken[:-1]], 0)[: tf.size(taken)]
        return Segments(texts, tf.where(found, tf.gather(self._ids, slot), -1), starts, ends, row_splits)

    def _stands_alone(self, texts: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Says of each part whether the one before it does not end with a letter or the like, nor the next begin so."""
        ends = tf.strings.regex_full_match(texts, f"(?s).*[{_WORD}]")
        begins = tf.strings.regex_full_match(texts, f"(?s)[{_WORD}].*")
        if self._ideographs_apart:
            ends &= ~tf.strings.regex_full_match(texts, f"(?s).*[{_IDEOGRAPH}]")
            begins &= ~tf.strings.regex_full_match(texts, f"(?s)[{_IDEOGRAPH}].*")
        return ~_shifted(ends, rows, 1) & ~_shifted(begins, rows, -1)


def finder(tokens: Sequence[AddedToken], *arguments: Any) -> Callable[[tf.Tensor], Segments]:
    """Makes what cuts texts at some tokens, see `AddedTokenFinder`; `whole`, which is fast, if there are none."""
    return AddedTokenFinder(tokens, *arguments) if tokens else whole


def spans_of(segments: Segments, starts: tf.RaggedTensor, ends: tf.RaggedTensor) -> tuple[Any, Any]:
    """Makes places in segments, (segments, (pieces)), places in the texts, (batch, (pieces and tokens))."""
    base = tf.gather(segments.starts, row_ids(starts.row_splits))
    return (
        segments.merge(starts.with_values(starts.values + base), segments.starts),
        segments.merge(ends.with_values(ends.values + base), segments.ends),
    )


def _from_fields(fields: Mapping[str, Any], ids: Mapping[str, int]) -> AddedToken:
    names = {field.name for field in dataclasses.fields(AddedToken)}
    unknown = set(fields) - names - {"id", "__type"}
    flags = {name: fields[name] for name in names & set(fields)}
    content = flags.get("content")
    right = isinstance(content, str) and all(
        isinstance(flag, bool) or (flag is None and name == "normalized")
        for name, flag in flags.items()
        if name != "content"
    )
    if unknown or not right:
        raise InputError(
            f"added_tokens: {dict(fields)!r:.120}: expected content, a string, and true or false for single_word, "
            "lstrip, rstrip, normalized, special"
        )
    if "id" in fields and ids.get(str(content)) != fields["id"]:
        raise InputError(
            f"added_tokens: {content!r:.80} has id {fields['id']}, but {ids.get(str(content))} in the vocabulary"
        )
    return AddedToken(**flags)


def _refuse_blanks_at_edges(tokens: Sequence[AddedToken], normalized: Sequence[bytes]) -> None:
    """Refuses what the library would find in the blanks that its `BertNormalizer` puts around ideographs."""
    for token, content in zip(tokens, normalized, strict=True):
        if content.strip(b" ") != content:
            raise InputError(
                f"added_tokens: {token.content!r:.80} has a blank at its edge and is looked for in normalized text, "
                "where ideographs get blanks around them that no text has: give it normalized=False, or no blank and "
                "lstrip or rstrip"
            )


def _as_usual(token: AddedToken) -> bool:
    """Whether a special token has the settings that it has unless told otherwise, or none at all."""
    return token in (
        AddedToken(token.content, normalized=True),
        AddedToken(token.content, normalized=False, special=True),
    )


def _hash(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(texts, np.iinfo(np.int64).max)


def _shifted(flags: tf.Tensor, rows: tf.Tensor, by: int) -> tf.Tensor:
    """Gives each part the flag of the one before it (`by` 1) or behind it (-1) in its row, else False."""
    same_row = rows[1:] == rows[:-1]
    parts = [[False], flags[:-1] & same_row] if by == 1 else [flags[1:] & same_row, [False]]
    return tf.concat(parts, 0)[: tf.size(flags)]
