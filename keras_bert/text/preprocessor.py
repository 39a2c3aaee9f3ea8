"""`BertPreprocessor`: one text or a pair of texts to BERT's inputs: packed, truncated, padded."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_bert.arguments import CALL_ARGUMENTS, LAYER_ARGUMENTS, check_arguments, refuse_unknown
from keras_bert.errors import InputError
from keras_bert.preset_hook import open_part
from keras_bert.text.long_texts import CUT, WINDOWS, LongTexts, group_windows
from keras_bert.text.markers import tokenize_with_markers
from keras_bert.text.token_layer import TokenLayer, as_strings

TRUNCATIONS = ("longest_first", "only_first", "only_second")
PADDINGS = ("longest", "max_length")


@keras.saving.register_keras_serializable(package="keras_bert")
class BertPreprocessor(keras.layers.Layer):
    """Makes BERT's inputs of text: `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`.

    Args:
        tokenizer: splits the texts: a `BertTokenizer` or a `BytePairTokenizer`.
        max_length: tokens in a row at most, special tokens included.
        truncation: what is cut when a pair is too long. `"longest_first"` takes tokens off the end of the longer
            text one by one, off the second when they are equal, as BERT does; `"only_first"` and `"only_second"`
            shorten that text, and the other one only when nothing is left of it. A single text is cut at its end.
        pad_to_multiple_of: the width of a batch is a multiple of this, but never over `max_length`.
        padding: `"longest"`: as wide as the longest row of the batch needs; `"max_length"`: always `max_length`.
        markers: entries of the vocabulary that become their ids where they are written in a text, such as `<e1>`.
        long_texts: what becomes of a text that is too long: `"cut"`, its end is left out; `"head_tail"`, its middle;
            `"windows"`, it becomes several windows, of a pair each with the first text, of which at most half a row is
            kept, and a part of the second one.
        head_tokens: see `LongTexts`, as the following two.
        window_stride: tokens from the begin of a window to that of the next.
        max_windows: windows of a text at most.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        text: string (batch,), a list of strings, or a scalar; or all of the input as a mapping with `"text"` and
            perhaps `"text_pair"` (other keys are passed over), or as a tuple `(text, text_pair)`.
        text_pair: the second texts, as many; None for single texts.

    Returns:
        dict of int32 (batch, tokens), (tokens,) for scalars: `token_ids`; `segment_ids`: 0 for the first text with
        its special tokens, 1 for the second with its `[SEP]`, 0 for padding; `padding_mask`: 1 for a token, 0 for
        padding. With windows (batch, windows, tokens), (windows, tokens) for scalars.

    Raises:
        InputError: an argument is none of the above, or `max_length` leaves no room for a token.

    Example:
        >>> entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bread"]
        >>> preprocess = BertPreprocessor(BertTokenizer(entries), max_length=16)
        >>> inputs = preprocess(["good bread"], ["bread"])
        >>> inputs["token_ids"].numpy().tolist()
        [[2, 5, 6, 3, 6, 3, 0, 0]]
        >>> inputs["segment_ids"].numpy().tolist()
        [[0, 0, 0, 0, 1, 1, 0, 0]]

    References:
        github.com/google-research/bert, run_classifier.py: `convert_single_example`, `_truncate_seq_pair`
    """

    def __init__(
        self,
        tokenizer: TokenLayer,
        max_length: int = 512,
        truncation: str = "longest_first",
        pad_to_multiple_of: int = 8,
        padding: str = "longest",
        markers: Sequence[str] = (),
        long_texts: str = CUT,
        head_tokens: float | None = None,
        window_stride: int | None = None,
        max_windows: int | None = None,
        **kwargs: Any,
    ):
        check_arguments(BertPreprocessor, kwargs, LAYER_ARGUMENTS)
        super().__init__(**kwargs)
        if truncation not in TRUNCATIONS:
            raise InputError(f"truncation is {truncation!r}; it must be one of {', '.join(TRUNCATIONS)}")
        if padding not in PADDINGS:
            raise InputError(f"padding is {padding!r}; it must be one of {', '.join(PADDINGS)}")
        if max_length < 3:
            raise InputError(f"max_length is {max_length}; [CLS], one token and [SEP] need at least 3")
        if pad_to_multiple_of < 1:
            raise InputError(f"pad_to_multiple_of is {pad_to_multiple_of}; it must be at least 1")
        for marker in markers:
            tokenizer.token_to_id(marker)
        self.long_texts = LongTexts(long_texts, head_tokens, window_stride, max_windows)
        self.long_texts.check_room(max_length)
        if long_texts == WINDOWS and truncation != TRUNCATIONS[0]:
            raise InputError(f"truncation={truncation!r} cuts a pair, and long_texts='windows' cuts none; leave it out")
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.truncation = truncation
        self.pad_to_multiple_of = pad_to_multiple_of
        self.padding = padding
        self.markers = tuple(markers)
        self.supports_jit = False
        self.build(None)  # there are no variables

    def __call__(self, text: Any, text_pair: Any = None, **kwargs: Any) -> Any:
        """Makes BERT's inputs; see the class. Only symbolic Keras tensors need Keras' own way of calling a layer."""
        refuse_unknown("a call of BertPreprocessor", kwargs, ("text", "text_pair", *CALL_ARGUMENTS))
        text, text_pair = _texts(text, text_pair)
        if isinstance(text, keras.KerasTensor):
            pair = () if text_pair is None else (text_pair,)
            return super().__call__(text, *pair, **kwargs)
        return self.call(text, text_pair)

    @classmethod
    def from_preset(
        cls, handle: Any, max_length: int | None = None, *, pad_vocabulary: bool = False, **options: Any
    ) -> "BertPreprocessor":
        """Opens the tokenizer of a checkpoint of any known format, with the settings that are saved with it.

        Args:
            handle: As `BertTokenizer.from_preset` takes it, with the config of a model.
            max_length: Longest input in tokens; None takes the saved one, else as many as the model has positions.
            pad_vocabulary: See `keras_bert.checkpoints.open_checkpoint`.
            **options: Further arguments of the constructor, in place of the saved ones.

        Raises:
            InputError: The checkpoint does not open, or brings no tokenizer.

        Example:
            >>> BertPreprocessor.from_preset("minilm")(["a gripping film"])["token_ids"]  # doctest: +SKIP
        """
        return open_part("preprocessor", handle, max_length=max_length, pad_vocabulary=pad_vocabulary, **options)

    def call(self, text: Any, text_pair: Any = None) -> dict[str, tf.Tensor]:
        """Makes BERT's inputs; see the class."""
        return self.pad(self.pack(text, text_pair))

    def pack(self, text: Any, text_pair: Any = None) -> dict[str, tf.RaggedTensor]:
        """Tokenizes, truncates and puts the special tokens: the first half of a call.

        Args:
            text: as in a call.
            text_pair: as in a call.

        Returns:
            dict of int32 RaggedTensors (batch, (tokens)), tensors (tokens,) for scalars: `token_ids`, `segment_ids`.
            With windows also `lengths`, int64 (batch, (windows)): the windows of a text lie one after the other.

        Raises:
            InputError: there are not as many second texts as first ones, or there is no room for a pair.
        """
        text, text_pair = _texts(text, text_pair)
        text = as_strings(text)
        text_pair = None if text_pair is None else as_strings(text_pair)
        if text_pair is not None and not text.shape.is_compatible_with(text_pair.shape):
            raise InputError(f"text has shape {text.shape} and text_pair {text_pair.shape}; they must be alike")
        if text.shape.rank == 0:
            packed = self.pack(text[tf.newaxis], None if text_pair is None else text_pair[tf.newaxis])
            return {name: rows.values for name, rows in packed.items()}
        if text.shape.rank != 1:
            raise InputError(f"text has shape {text.shape}; it must be a string or strings (batch,)")
        first = self._tokenize(text)
        room = self.max_length - 2
        if text_pair is None:
            if self.long_texts.how == WINDOWS:
                return self._windows([], first, tf.fill(tf.shape(first.row_lengths()), room))
            lengths = tf.minimum(first.row_lengths(), room)
            first = self.long_texts.shortened(first, lengths)
            return self.join([first.values], [first.row_starts()], [lengths])
        if self.max_length < 5:
            raise InputError(f"max_length is {self.max_length}; a pair of texts needs at least 5")
        second = self._tokenize(text_pair)
        if self.long_texts.how == WINDOWS:
            kept = tf.minimum(first.row_lengths(), (room - 1) // 2)
            return self._windows([(first, kept)], second, room - 1 - kept)
        lengths = self._shorten(first.row_lengths(), second.row_lengths(), room - 1)
        first, second = (self.long_texts.shortened(*each) for each in zip((first, second), lengths, strict=True))
        return self.join([first.values, second.values], [first.row_starts(), second.row_starts()], lengths)

    def _windows(self, before: list[tuple[tf.RaggedTensor, tf.Tensor]], body: tf.RaggedTensor, size: Any) -> dict:
        """Packs windows of texts: those `before` them, each with the tokens that are kept, stand in each window."""
        windows = self.long_texts.windows(body.row_lengths(), size)
        starts = [tf.gather(rows.row_starts(), windows.row) for rows, _ in before]
        kept = [tf.gather(lengths, windows.row) for _, lengths in before]
        at = tf.gather(body.row_starts(), windows.row) + tf.cast(windows.start, tf.int64)
        packed = self.join(
            [*(rows.values for rows, _ in before), body.values],
            [*starts, at],
            [*kept, tf.cast(windows.length, tf.int64)],
        )
        return group_windows(packed, windows.row, body.nrows(tf.int32))

    def tokens_left_out(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Counts the tokens of each text, or of both of a pair, that the model does not read.

        Args:
            text: string (batch,), or a list of strings.
            text_pair: the second texts, as many; None for single texts.

        Returns:
            int64 (batch,).
        """
        rows = [self._tokenize(as_strings(each)) for each in (text, text_pair) if each is not None]
        first, *others = (each.row_lengths() for each in rows)
        room = self.max_length - 1 - len(rows)
        if self.long_texts.how != WINDOWS:
            return tf.maximum(tf.add_n([first, *others]) - room, 0)
        kept = tf.minimum(first, room // 2) if others else tf.zeros_like(first)
        body = others[0] if others else first
        windows = self.long_texts.windows(body, room - kept)
        ends = tf.cast(windows.start + windows.length, tf.int64)
        read = tf.math.unsorted_segment_max(ends, windows.row, tf.size(body))
        return body - read + (first - kept if others else 0)

    def pad(self, packed: Mapping[str, tf.RaggedTensor]) -> dict[str, tf.Tensor]:
        """Pads packed rows to a rectangle: the second half of a call.

        Args:
            packed: what `pack` gives, or a batch of such rows.

        Returns:
            dict of int32 (batch, tokens): `token_ids`, `segment_ids`, `padding_mask`; (tokens,) for one row. With
            windows (batch, windows, tokens), as many windows as the row with most of them has.
        """
        token_ids, segment_ids = packed["token_ids"], packed["segment_ids"]
        if not isinstance(token_ids, tf.RaggedTensor):
            rows = {name: tf.RaggedTensor.from_tensor(values[tf.newaxis]) for name, values in packed.items()}
            return {name: batch[0] for name, batch in self.pad(rows).items()}
        if "lengths" in packed:
            return self._pad_windows(packed)
        lengths = token_ids.row_lengths()
        if self.padding == "max_length":
            width = tf.constant(self.max_length, tf.int64)
            shape = [None, self.max_length]
        else:
            step = self.pad_to_multiple_of
            longest = tf.maximum(tf.reduce_max(lengths), 1)  # a batch without rows has the lowest integer as maximum
            width = tf.minimum((longest + step - 1) // step * step, self.max_length)
            shape = tf.stack([-1, width])
        return {
            "token_ids": token_ids.to_tensor(self.tokenizer.pad_token_id, shape=shape),
            "segment_ids": segment_ids.to_tensor(0, shape=shape),
            "padding_mask": tf.cast(tf.range(width) < lengths[:, tf.newaxis], tf.int32),
        }

    def _pad_windows(self, packed: Mapping[str, tf.RaggedTensor]) -> dict[str, tf.Tensor]:
        lengths = packed["lengths"]
        windows = {
            name: tf.RaggedTensor.from_row_lengths(packed[name].values, lengths.values, validate=False)
            for name in ("token_ids", "segment_ids")
        }
        none = {"token_ids": self.tokenizer.pad_token_id}
        return {
            name: lengths.with_values(padded).to_tensor(none.get(name, 0)) for name, padded in self.pad(windows).items()
        }

    def _tokenize(self, text: tf.Tensor) -> tf.RaggedTensor:
        return tokenize_with_markers(self.tokenizer, text, self.markers) if self.markers else self.tokenizer(text)

    def _shorten(self, first: tf.Tensor, second: tf.Tensor, room: int) -> list[tf.Tensor]:
        """Shares out `room` tokens: int64 (batch,) lengths in, lengths kept out."""
        if self.truncation == "only_first":
            second = tf.minimum(second, room)
            return [tf.minimum(first, room - second), second]
        if self.truncation == "only_second":
            first = tf.minimum(first, room)
            return [first, tf.minimum(second, room - first)]
        # BERT's loop in closed form: the longer one is cut until they are equal, then the second and the first in
        # turn, so the first keeps the odd token.
        return [
            tf.minimum(first, tf.maximum(room - second, room - room // 2)),
            tf.minimum(second, tf.maximum(room - first, room // 2)),
        ]

    def join(self, values: list[tf.Tensor], starts: list[tf.Tensor], lengths: list[tf.Tensor]) -> dict:
        """Puts rows together from slices of tokens: `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`; cuts nothing.

        Args:
            values: int32 (tokens,), the tokens to take the first texts from, and those of the second texts.
            starts: For each of these int64 (rows,), where in it a row's text begins; rows may share tokens.
            lengths: For each int64 (rows,), how many tokens the row takes.

        Returns:
            As `pack`, for rows.
        """
        # A row is a list of ranges of the pool, which one op counts out and one gather reads: few ops, since at
        # batch 1 starting them is what costs. What lies behind the first texts in the pool is segment 1.
        tokenizer = self.tokenizer
        pool = tf.concat([[tokenizer.cls_token_id, tokenizer.sep_token_id], *values, [tokenizer.sep_token_id]], 0)
        zeros = tf.zeros_like(starts[0])
        behind_first = tf.size(values[0], tf.int64) + 2
        begins = [zeros, starts[0] + 2, zeros + 1]
        sizes = [zeros + 1, lengths[0], zeros + 1]
        if len(values) == 2:
            begins += [starts[1] + behind_first, zeros + tf.size(pool, tf.int64) - 1]
            sizes += [lengths[1], zeros + 1]
        begins, sizes = tf.reshape(tf.stack(begins, 1), [-1]), tf.reshape(tf.stack(sizes, 1), [-1])
        places = tf.ragged.range(begins, begins + sizes)
        splits = places.row_splits[:: 2 * len(values) + 1]
        segment_ids = tf.cast(places.values >= behind_first, tf.int32)
        return {
            "token_ids": tf.RaggedTensor.from_row_splits(tf.gather(pool, places.values), splits, validate=False),
            "segment_ids": tf.RaggedTensor.from_row_splits(segment_ids, splits, validate=False),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """What is saved with a model: all but the width, which is a matter of the device."""
        markers = {"markers": list(self.markers)} if self.markers else {}
        return {
            "max_length": self.max_length,
            "truncation": self.truncation,
            **markers,
            **self.long_texts.settings,
        }

    def compute_output_spec(self, text: Any, text_pair: Any = None) -> dict[str, keras.KerasTensor]:
        """Describes the result for symbolic string tensors."""
        text, _ = _texts(text, text_pair)
        width = self.max_length if self.padding == "max_length" else None
        shape = (*text.shape, *((None,) if self.long_texts.how == WINDOWS else ()), width)
        names = ("token_ids", "segment_ids", "padding_mask")
        return {name: keras.KerasTensor(shape, dtype="int32") for name in names}

    def get_config(self) -> dict[str, Any]:
        """Gives the constructor's arguments, the tokenizer with its vocabulary."""
        return {
            **super().get_config(),
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "max_length": self.max_length,
            "truncation": self.truncation,
            "pad_to_multiple_of": self.pad_to_multiple_of,
            "padding": self.padding,
            "markers": list(self.markers),
            **self.long_texts.settings,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BertPreprocessor":
        """Makes the layer anew from `get_config`."""
        return cls(**{**config, "tokenizer": keras.saving.deserialize_keras_object(config["tokenizer"])})


def _texts(text: Any, text_pair: Any) -> tuple[Any, Any]:
    """Takes a mapping or a tuple apart."""
    if isinstance(text, Mapping):
        if "text" not in text:
            raise InputError(f"no 'text' among the input's keys: {', '.join(map(str, text))}")
        return text["text"], text.get("text_pair")
    if isinstance(text, tuple):
        if text_pair is not None or len(text) > 2:
            raise InputError("a tuple as input holds the text and the second text, and nothing stands beside it")
        return text if len(text) == 2 else (text[0], None)
    return text, text_pair
