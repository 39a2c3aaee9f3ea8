"""The number that is explained as a function of the word vectors: its values, and sums of its gradients."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.graph import graph_function
from keras_bert.tasks.base.export_formats import in_dtype
from keras_bert.tasks.base.task import BertTask
from keras_bert.trust.explain.cut_network import cut_at_words
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.readout import read_out

BASELINES = ("[PAD]", "[MASK]", "zero")
"""What stands in the place of a word that is not there: a token, or no vector at all; its place is embedded still."""

_TOKENS_AT_ONCE = 4096  # of BERT-base, forward and backward, 3 GB


class Scorer:
    """Computes what a task gives for word vectors, in float32.

    All explanations are made of three questions: the vectors of a text and of its baseline, the explained number where
    some words are there and others not, and its gradient on the way from the baseline to the text.

    Args:
        task: The task; its weights are shared where it computes in float32, and copied where it does not.
    """

    def __init__(self, task: BertTask) -> None:
        task = in_dtype(task, "float32")
        self._network = cut_at_words(task)
        self._embeddings, self._is_packing = task.encoder.embeddings, task.encoder.packing
        self._ids = {"[PAD]": task.tokenizer.pad_token_id, "[MASK]": task.tokenizer.mask_token_id}
        self.blocks, self.heads = len(task.encoder.blocks), task.encoder.config.num_attention_heads
        ids = tf.TensorSpec([None, None], tf.int32)
        vectors = tf.TensorSpec([None, None, task.encoder.config.hidden_size], tf.float32)
        self._inputs = [ids] * len(self._network.names)
        self._vectors = vectors
        self._embed = graph_function(self._embedded, input_signature=[self._inputs])
        self._place = graph_function(self._embeddings.without_words, input_signature=[ids])
        self._outputs = graph_function(
            lambda vectors, inputs: self._network.outputs([vectors, *inputs], training=False),
            input_signature=[vectors, self._inputs],
        )
        self._attend = graph_function(
            lambda inputs: self._network.attention(self._named(inputs), training=False), input_signature=[self._inputs]
        )
        self._functions: dict[tuple[str, str], Any] = {}

    def vectors(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embeds inputs, int32 (rows, tokens) by name: float32 (rows, tokens, size)."""
        return self._embed(self._listed(inputs)).numpy()

    def baseline_vectors(self, reading: Reading, baseline: str) -> np.ndarray:
        """Embeds a text in which every word is replaced, and nothing else: float32 (rows, tokens, size).

        Args:
            reading: The text.
            baseline: One of `BASELINES`.
        """
        inputs, is_word = dict(reading.inputs), reading.owner >= 0
        if baseline in self._ids:
            inputs["token_ids"] = np.where(is_word, np.int32(self._ids[baseline]), inputs["token_ids"])
            return self.vectors(inputs)
        places = self._place(tf.constant(inputs["segment_ids"])).numpy()
        return np.where(is_word[..., None], places, self.vectors(inputs))

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Computes the task's outputs: float32 (rows, ...)."""
        listed = self._listed(inputs)
        return self._outputs(self._embed(listed), listed).numpy()

    def attention(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Computes who looks at whom: float32 (blocks, rows, heads, tokens, tokens)."""
        # Keras gives a list of one as the one.
        return np.stack([block.numpy() for block in tf.nest.flatten(self._attend(self._listed(inputs)))])

    def values(self, reading: Reading, text: np.ndarray, baseline: np.ndarray, is_there: np.ndarray) -> np.ndarray:
        """Computes the explained number where some tokens are there and others are not.

        Args:
            reading: The text.
            text: float32 (rows, tokens, size), its vectors.
            baseline: float32 (rows, tokens, size), those in place of tokens that are not there.
            is_there: bool (versions, rows, tokens).

        Returns:
            float64 (versions,).
        """
        function = self._function("values", reading.readout.kind)
        rest = (self._listed(reading.inputs), *reading.readout[1:])
        chunks = self._chunks(len(is_there), text.shape)
        found = [function(text, baseline, is_there[chunk], *rest).numpy() for chunk in chunks]
        return np.concatenate(found).astype(np.float64)

    def integral(
        self, reading: Reading, text: np.ndarray, baseline: np.ndarray, at: Any, weights: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Adds up gradients of the explained number on the straight way from the baseline to the text.

        Args:
            reading: The text.
            text: float32 (rows, tokens, size), its vectors.
            baseline: float32 (rows, tokens, size).
            at: float (places,), places on the way, from 0 to 1.
            weights: float (places,), what the gradient at each place counts.

        Returns:
            float64 (rows, tokens), for each token Σ over size of (text - baseline) · Σ weights · gradient; and float64
            (places,), the number itself at each place.
        """
        function = self._function("integral", reading.readout.kind)
        rest = (self._listed(reading.inputs), *reading.readout[1:])
        at, weights = np.asarray(at, np.float32), np.asarray(weights, np.float32)
        sums, values = np.zeros(text.shape[:2]), []
        for chunk in self._chunks(len(at), text.shape):
            part, value = function(text, baseline, at[chunk], weights[chunk], *rest)
            sums += part.numpy()
            values.append(value.numpy())
        return sums, np.concatenate(values).astype(np.float64)

    def _embedded(self, inputs: Sequence[Any]) -> Any:
        named = self._named(inputs)
        examples = [named["padding_mask"]] if self._is_packing else []
        return self._embeddings(named["token_ids"], named["segment_ids"], *examples, training=False)

    def _named(self, inputs: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self._network.names, inputs, strict=True))

    def _listed(self, inputs: Mapping[str, np.ndarray]) -> list[tf.Tensor]:
        return [tf.constant(inputs[name], tf.int32) for name in self._network.names]

    def _chunks(self, count: int, shape: tuple[int, ...]) -> list[slice]:
        size = max(1, _TOKENS_AT_ONCE // max(1, shape[0] * shape[1]))
        return [slice(begin, begin + size) for begin in range(0, max(count, 1), size)]

    def _function(self, name: str, kind: str) -> Any:
        """Returns a graph function for a kind of readout, made once."""
        if (name, kind) not in self._functions:
            rank = len(self._network.outputs.output.shape)
            places = tf.TensorSpec([None, rank], tf.int32)
            numbers = tf.TensorSpec([None], tf.float32)
            last = [self._inputs, places, numbers]
            if name == "values":
                signature = [self._vectors, self._vectors, tf.TensorSpec([None, None, None], tf.bool), *last]
            else:
                signature = [self._vectors, self._vectors, numbers, numbers, *last]
            method = self._values if name == "values" else self._integral

            def function(*arguments: Any) -> Any:
                return method(kind, *arguments)

            self._functions[name, kind] = graph_function(function, input_signature=signature)
        return self._functions[name, kind]

    def _values(
        self, kind: str, text: Any, baseline: Any, is_there: Any, inputs: Any, places: Any, weights: Any
    ) -> tf.Tensor:
        versions = tf.where(is_there[..., None], text[None], baseline[None])
        return self._read(kind, _flat(versions), tf.shape(is_there)[0], tf.shape(text)[0], inputs, places, weights)

    def _integral(
        self, kind: str, text: Any, baseline: Any, at: Any, counts: Any, inputs: Any, places: Any, weights: Any
    ) -> tuple[tf.Tensor, tf.Tensor]:
        way, shape = text - baseline, tf.shape(text)
        versions = _flat(baseline[None] + at[:, None, None, None] * way[None])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(versions)
            values = self._read(kind, versions, tf.size(at), shape[0], inputs, places, weights)
            total = tf.reduce_sum(values * counts)
        gradient = tf.reshape(tape.gradient(total, versions), tf.concat([[-1], shape], 0))
        return tf.reduce_sum(way * tf.reduce_sum(gradient, 0), -1), values

    def _read(
        self, kind: str, versions: Any, count: Any, rows: Any, inputs: Any, places: Any, weights: Any
    ) -> tf.Tensor:
        tiled = [tf.tile(tensor, [count, 1]) for tensor in inputs]
        outputs = self._network.outputs([versions, *tiled], training=False)
        return read_out(kind, outputs, rows, places, weights)


def _flat(versions: tf.Tensor) -> tf.Tensor:
    """Makes one batch of all versions of a text: (versions · rows, tokens, size)."""
    shape = tf.shape(versions)
    return tf.reshape(versions, [shape[0] * shape[1], shape[2], versions.shape[-1]])


_SCORERS: "weakref.WeakKeyDictionary[Any, Scorer]" = weakref.WeakKeyDictionary()


def scorer_of(task: BertTask) -> Scorer:
    """Returns the scorer of a task: the same one for each call, but where weights have to be copied."""
    if task.encoder.dtype_policy.name != "float32":
        return Scorer(task)
    if task not in _SCORERS:
        _SCORERS[task] = Scorer(task)
    return _SCORERS[task]
