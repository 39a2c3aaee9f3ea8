"""Texts longer than a model reads at once: what a caller says of them, and a network that reads them in windows."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_bert.checkpoints.mapping import Weight, variable_weight
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.flatten_windows import FlattenWindows
from keras_bert.layers.window_pooling import WINDOW_POOLINGS, WindowPooling
from keras_bert.text.long_texts import CUT, WINDOWS
from keras_bert.text.preprocessor import BertPreprocessor

SETTINGS = ("long_texts", "head_tokens", "window_stride", "max_windows")
"""Arguments of `BertPreprocessor` that `from_preset` of a task takes as well."""

_BESIDE = (*SETTINGS, "positions")

WINDOWS_AT_ONCE = 64
"""Windows that answers are computed from at once."""

_WEIGHTS = "window_pooling."


def take_long_texts(options: dict[str, Any], saved: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Takes what is said of long texts out of the options of `from_preset`.

    Args:
        options: Of `from_preset`; those taken are gone afterwards.
        saved: What `keras_bert.json` keeps.

    Returns:
        Arguments of the preprocessor, without those that are None; and the `window_pooling`, the saved one where
        nothing is said and the model reads windows.
    """
    found = {name: options.pop(name) for name in SETTINGS if options.get(name) is not None}
    for name in SETTINGS:
        options.pop(name, None)
    pooling = options.pop("window_pooling", None)
    how = found.get("long_texts") or saved.get("preprocessor", {}).get("long_texts", CUT)
    return found, (pooling or saved.get("window_pooling")) if how == WINDOWS else pooling


def without_long_texts(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of `from_preset` that are of the task, not of its preprocessor or its position table."""
    return {name: value for name, value in options.items() if name not in _BESIDE}


def with_saved(settings: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """Returns saved arguments of a preprocessor with others in their place; another way has no use for its numbers.

    Args:
        settings: Those of a caller; None where nothing is said.
        saved: Those of a folder.
    """
    said = {name: value for name, value in settings.items() if value is not None}
    if said.get("long_texts", saved.get("long_texts", CUT)) != saved.get("long_texts", CUT):
        saved = {name: value for name, value in saved.items() if name not in SETTINGS}
    return {**saved, **said}


class WindowReading:
    """How a head reads a text: as it is, or window by window.

    Args:
        encoder: The encoder.
        preprocessor: Says what becomes of long texts.
        pooling: What becomes of the vectors of a text's windows, a mode of `WindowPooling`; None: `"mean"` for windows.

    Attributes:
        inputs: The model's inputs that are others than the encoder's: int32 (batch, windows, tokens) by name; or None.
        flat: What the encoder is called with.
        mode: The mode of pooling; None without windows.
        layer: The pooling, None without windows.

    Raises:
        InputError: There is no such pooling, or there are no windows to be pooled.
    """

    def __init__(self, encoder: BertEncoder, preprocessor: BertPreprocessor, pooling: str | None) -> None:
        self.inputs: dict[str, Any] | None = None
        self.flat: dict[str, Any] = dict(encoder.input)
        self.mode: str | None = None
        self.layer: WindowPooling | None = None
        if not in_windows(preprocessor):
            if pooling is not None:
                raise InputError("window_pooling is for long_texts='windows'")
            return
        self.mode = "mean" if pooling is None else pooling
        if self.mode not in WINDOW_POOLINGS:
            raise InputError(f"window_pooling must be one of {', '.join(WINDOW_POOLINGS)}, received: {pooling!r}")
        self.inputs = {name: keras.Input(shape=(None, None), dtype="int32", name=name) for name in encoder.input}
        self.flat = {name: FlattenWindows(name=f"flat_{name}")(each) for name, each in self.inputs.items()}
        self.layer = WindowPooling(self.mode, dtype="float32", name="window_pooling")

    def pooled(self, vectors: Any) -> Any:
        """Makes one vector a text, symbolic, of the vectors of windows; gives vectors of whole texts as they are."""
        if self.layer is None or self.inputs is None:
            return vectors
        return self.layer(vectors, self.inputs["padding_mask"])

    @property
    def settings(self) -> dict[str, Any]:
        """What is saved with a model."""
        return {} if self.mode is None else {"window_pooling": self.mode}

    def weights(self) -> list[Weight]:
        """Returns the weights of the pooling under names of our own, which other packages have none for."""
        query = None if self.layer is None else self.layer.query
        return [] if query is None else [variable_weight(f"{_WEIGHTS}query", query)]


def in_windows(preprocessor: BertPreprocessor) -> bool:
    """Says whether texts become windows."""
    return preprocessor.long_texts.how == WINDOWS


def refuse_long_texts(task: Any, what: str, *ways: str) -> None:
    """Refuses a model that reads long texts in a way that something cannot follow.

    Args:
        task: The task, or its preprocessor.
        what: What it is wanted for, such as `"format='onnx'"`.
        *ways: Those that are refused, values of `long_texts`.

    Raises:
        InputError: Names the way.
    """
    preprocessor = getattr(task, "preprocessor", task)
    if (how := preprocessor.long_texts.how) in ways:
        raise InputError(f"{what} knows no long_texts={how!r}; open the model with long_texts='cut'")


def in_chunks(
    function: Callable[[dict[str, Any]], Any], inputs: Mapping[str, Any], size: int, most: int = WINDOWS_AT_ONCE
) -> Any:
    """Computes rows of windows part by part, in the graph, so that many long texts take no more memory than a few.

    Rows with as many windows come together, and what no row of a part needs is not computed.

    Args:
        function: From inputs, int32 (rows, windows, tokens) by name, to float32 (rows, size).
        inputs: Of all rows.
        size: Numbers of an output.
        most: Windows of a part at most; a row with more is a part by itself.

    Returns:
        float32 (rows, size).
    """
    lengths = tf.reduce_sum(inputs["padding_mask"], -1)  # (rows, windows)
    counts = tf.maximum(tf.reduce_sum(tf.cast(lengths > 0, tf.int32), -1), 1)
    order = tf.argsort(counts, direction="DESCENDING", stable=True)
    rows = tf.size(order)

    def part(start: tf.Tensor, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        windows = counts[order[start]]
        end = tf.minimum(start + tf.maximum(most // windows, 1), rows)
        chosen = order[start:end]
        tokens = tf.maximum(tf.reduce_max(tf.gather(lengths, chosen)), 1)
        taken = {name: tf.gather(each, chosen)[:, :windows, :tokens] for name, each in inputs.items()}
        return end, tf.concat([outputs, tf.ensure_shape(function(taken), [None, size])], 0)

    start, none = tf.constant(0), tf.zeros([0, size], tf.float32)
    shapes = (start.shape, tf.TensorShape([None, size]))
    found = tf.while_loop(lambda start, _: start < rows, part, (start, none), shapes, parallel_iterations=1)[1]
    return tf.gather(found, tf.argsort(order))
