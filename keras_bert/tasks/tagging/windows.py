"""Texts of any length through a model of limited length: windows of tokens in, a vector for each token out."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.windows import best_window, sliding_windows

CHUNK = 64
"""Windows that run through the model together, so that a book takes no more memory than a chapter."""


class TokenWindows(NamedTuple):
    """Windows over texts, and where the outputs for each piece are found.

    Attributes:
        inputs: `token_ids` and `segment_ids`, int32 RaggedTensors (windows, (tokens)), special tokens included.
        piece: int32 RaggedTensor (windows, (tokens)), the piece at each place, counted through all texts; -1 for a
            special token.
        window: int32 (pieces,), the window in which each piece has the most context.
        place: int32 (pieces,), its place there.
    """

    inputs: dict[str, tf.RaggedTensor]
    piece: tf.RaggedTensor
    window: tf.Tensor
    place: tf.Tensor


def cut_into_windows(
    ids: tf.RaggedTensor, preprocessor: BertPreprocessor, stride: int, documents: Any = None
) -> TokenWindows:
    """Cuts texts into windows that the model takes, each `[CLS] pieces [SEP]`.

    Args:
        ids: int32 (texts, (pieces)).
        preprocessor: The model's; a window is as long as its `max_length` allows.
        stride: Pieces from the begin of one window to that of the next.
        documents: int64 (texts,): neighbouring texts with the same number are cut as one, so that a text has its
            neighbours as context. None: each text by itself.

    Returns:
        The windows, in the order of the texts.
    """
    splits = tf.cast(ids.row_splits, tf.int32)
    if documents is not None:
        begins = tf.concat([[True], documents[1:] != documents[:-1]], 0)[: tf.size(documents)]
        splits = tf.concat([tf.boolean_mask(splits[:-1], begins), splits[-1:]], 0)
    lengths = splits[1:] - splits[:-1]
    windows = sliding_windows(lengths, preprocessor.max_length - 2, stride)
    first = tf.gather(splits, windows.row) + windows.start
    pieces = tf.ragged.range(first, first + windows.length)
    column = tf.ones([tf.size(first), 1], tf.int32)
    tokenizer = preprocessor.tokenizer
    inside = pieces.with_values(tf.gather(ids.values, pieces.values))
    token_ids = tf.concat([column * tokenizer.cls_token_id, inside, column * tokenizer.sep_token_id], 1)
    window = best_window(windows, lengths).values
    return TokenWindows(
        {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids)},
        tf.concat([-column, pieces, -column], 1),
        window,
        tf.range(tf.size(window)) - tf.gather(first, window) + 1,
    )


def run_in_chunks(
    function: Callable[[Mapping[str, tf.Tensor]], tf.Tensor], inputs: Mapping[str, tf.Tensor], chunk: int = CHUNK
) -> tf.Tensor:
    """Runs a function over windows, some at a time.

    Args:
        function: From inputs (windows, tokens) to outputs (windows, tokens, size).
        inputs: int32 (windows, tokens).
        chunk: Windows at a time.

    Returns:
        The outputs of all windows.
    """
    count = tf.shape(next(iter(inputs.values())))[0]
    chunks = tf.maximum((count + chunk - 1) // chunk, 1)

    def step(index: Any, outputs: Any) -> tuple:
        part = {name: value[index * chunk : (index + 1) * chunk] for name, value in inputs.items()}
        return index + 1, outputs.write(index, function(part))

    start = (0, tf.TensorArray(tf.float32, chunks, infer_shape=False))
    outputs = tf.while_loop(lambda index, _: index < chunks, step, start)[1]
    return tf.ensure_shape(outputs.concat(), [None, None, None])


def run_by_length(
    function: Callable[[Mapping[str, tf.Tensor]], tf.Tensor],
    windows: TokenWindows,
    preprocessor: BertPreprocessor,
    batch_size: int,
) -> np.ndarray:
    """Runs a function over windows outside of a graph, those of like length together.

    Args:
        function: From inputs (windows, tokens) to outputs (windows, tokens, size).
        windows: The windows.
        preprocessor: Pads them.
        batch_size: Windows at a time.

    Returns:
        float32 (pieces, size), the outputs for each piece in the window in which it has the most context.
    """
    splits = windows.piece.row_splits.numpy()
    order = np.argsort(np.diff(splits), kind="stable")
    found = None
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        inputs = preprocessor.pad({name: tf.gather(rows, chosen) for name, rows in windows.inputs.items()})
        outputs = function(inputs).numpy()
        if found is None:
            found = np.zeros((splits[-1], outputs.shape[-1]), np.float32)
        for window, output in zip(chosen, outputs, strict=True):
            found[splits[window] : splits[window + 1]] = output[: splits[window + 1] - splits[window]]
    assert found is not None, "there is a window even for a text without words"
    return found[splits[windows.window.numpy()] + windows.place.numpy()]
