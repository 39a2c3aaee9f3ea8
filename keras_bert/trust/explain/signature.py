"""`explain` as a function of a SavedModel: integrated gradients in the graph, with places in bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.signature import Signature
from keras_bert.tasks import BertClassifier, BertRegressor
from keras_bert.tasks.base.long_texts import refuse_long_texts
from keras_bert.tasks.base.task import BertTask
from keras_bert.text.alignment import cut_into_pieces, word_spans
from keras_bert.text.long_texts import HEAD_TAIL, WINDOWS
from keras_bert.text.ragged_rows import row_ids
from keras_bert.trust.explain.cut_network import cut_at_words

STEPS = 50
"""Steps of the integral; the graph does not double them, and says the gap."""

_TOKENS_AT_ONCE = 2048


def explain_signature(task: BertTask) -> dict[str, Signature]:
    """Makes the signature `explain` of an export: `task.export(folder, more=explain_signature)`.

    It takes what `serving_default` takes, and explains the likeliest class, or the number of a regressor, by integrated
    gradients from `[PAD]`. It gives, for each text, `label` string (of a classifier), `score` and `baseline_score`
    float32 (the logits), `gap` float32, all (batch,); and for each word `word` string, `start` and `end` int32 (bytes),
    `value` float32, `field` int32 (0 for the text, 1 for the second one), all (batch, most words of a text), empty and
    0 beyond `count` int32 (batch,).

    Args:
        task: A classifier or a regressor.

    Returns:
        The signature by its name.

    Raises:
        InputError: It is another task, or reads marked entities.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> sorted(explain_signature(model))
        ['explain']
    """
    if not isinstance(task, BertClassifier | BertRegressor):
        raise InputError(f"a {type(task).__name__} has no signature explain; classifiers and regressors have")
    refuse_long_texts(task, "the signature explain", HEAD_TAIL, WINDOWS)
    if task.preprocessor.markers:
        raise InputError("a classifier of marked entities has no signature explain; use model.explain")
    network = cut_at_words(task)
    inputs = {name: tf.TensorSpec([None], tf.string, name=name) for name in task.text_fields}

    def function(**texts: Any) -> dict[str, Any]:
        return _explained(task, network, [texts[name] for name in task.text_fields])

    return {"explain": Signature(function, inputs, frozen=False)}


def _explained(task: Any, network: Any, texts: Sequence[Any]) -> dict[str, Any]:
    preprocessor = task.preprocessor
    packed = preprocessor.pack(*texts)
    inputs = preprocessor.pad(packed)
    lengths, segments = packed["token_ids"].row_lengths(), packed["segment_ids"]
    of_second = tf.math.unsorted_segment_sum(segments.values, row_ids(segments.row_splits), tf.size(lengths))
    second = tf.cast(of_second, tf.int64) - 1  # without its [SEP]
    kept = [lengths - 2] if len(texts) == 1 else [lengths - second - 3, second]
    fields = [
        _Field(preprocessor.tokenizer, text, count, offset)
        for text, count, offset in zip(texts, kept, (tf.ones_like(kept[0]), kept[0] + 2), strict=False)
    ]
    shape = tf.shape(inputs["token_ids"], tf.int64)
    is_word = tf.add_n([tf.scatter_nd(field.at, tf.ones_like(field.at[:, 0]), shape) for field in fields]) > 0
    replaced = tf.where(is_word, preprocessor.tokenizer.pad_token_id, inputs["token_ids"])
    embed = task.encoder.embeddings
    examples = [inputs["padding_mask"]] if task.encoder.packing else []
    text, base = (
        tf.cast(embed(ids, inputs["segment_ids"], *examples, training=False), tf.float32)
        for ids in (inputs["token_ids"], replaced)
    )
    others = [inputs[name] for name in network.names]
    outputs = network.outputs([text, *others], training=False)
    chosen = tf.argmax(outputs, axis=1, output_type=tf.int32)
    score = tf.gather(outputs, chosen, batch_dims=1)
    baseline_score = tf.gather(network.outputs([base, *others], training=False), chosen, batch_dims=1)
    of_tokens = _integral(network, text, base, others, chosen)
    rows = [field.by_word(of_tokens, number) for number, field in enumerate(fields)]
    words = {name: tf.concat([row[name] for row in rows], 1) for name in rows[0]}
    total = tf.math.unsorted_segment_sum(
        words["value"].values, row_ids(words["value"].row_splits), tf.size(score, tf.int64)
    )
    difference = score - baseline_score
    least = 1e-4 * tf.maximum(tf.abs(score), 1.0)
    names = {"label": tf.gather(tf.constant(task.labels), chosen)} if isinstance(task, BertClassifier) else {}
    return {
        **names,
        "score": score,
        "baseline_score": baseline_score,
        "gap": tf.abs(total - difference) / tf.maximum(tf.abs(difference), least),
        **{name: ragged.to_tensor() for name, ragged in words.items()},
        "count": tf.cast(words["start"].row_lengths(), tf.int32),
    }


class _Field:
    """The tokens and words of one text of each row, of which the row holds the first tokens."""

    def __init__(self, tokenizer: Any, text: Any, kept: Any, offset: Any) -> None:
        pieces = cut_into_pieces(tokenizer, text)
        row = row_ids(pieces.ids.row_splits)
        place = tf.range(tf.size(row, tf.int64)) - tf.gather(pieces.ids.row_starts(), row)
        is_kept = place < tf.gather(kept, row)
        chosen = is_kept & pieces.in_word
        self._word = tf.boolean_mask(tf.cumsum(tf.cast(pieces.begins_word, tf.int64)) - 1, chosen)
        self.at = tf.boolean_mask(tf.stack([row, place + tf.gather(offset, row)], 1), chosen)
        first_piece, self._row, self._starts, self._ends = word_spans(pieces)
        self._is_kept = tf.gather(is_kept, first_piece)
        self._text = text

    def by_word(self, of_tokens: tf.Tensor, number: int) -> dict[str, tf.RaggedTensor]:
        """Adds up what the tokens of a word have, float32 (batch, tokens): ragged (batch, (words)) by name."""
        values = tf.math.unsorted_segment_sum(
            tf.gather_nd(of_tokens, self.at), self._word, tf.size(self._row, tf.int64)
        )
        row, starts, ends, values = (
            tf.boolean_mask(part, self._is_kept) for part in (self._row, self._starts, self._ends, values)
        )
        starts, ends = tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)
        word = tf.strings.substr(tf.gather(self._text, row), starts, ends - starts)
        field = tf.fill(tf.shape(starts), number)
        found = {"word": word, "start": starts, "end": ends, "value": values, "field": field}
        return {
            name: tf.RaggedTensor.from_value_rowids(part, row, tf.size(self._text, tf.int64))
            for name, part in found.items()
        }


def _integral(network: Any, text: Any, base: Any, others: Sequence[Any], chosen: Any) -> tf.Tensor:
    """Integrates gradients on the way from baselines to texts: float32 (batch, tokens), see `integrated_gradients`."""
    nodes, counts = (part.astype(np.float32) for part in np.polynomial.legendre.leggauss(STEPS))
    at, weights = tf.constant((nodes + 1) / 2), tf.constant(counts / 2)
    way, shape = text - base, tf.shape(text)
    step = tf.clip_by_value(_TOKENS_AT_ONCE // tf.maximum(shape[0] * shape[1], 1), 1, STEPS)

    def add(begin: Any, sums: Any) -> tuple[Any, Any]:
        part = at[begin : begin + step]
        count = tf.size(part)
        versions = base[None] + part[:, None, None, None] * way[None]
        versions = tf.reshape(versions, [count * shape[0], shape[1], text.shape[-1]])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(versions)
            tiled = [tf.tile(tensor, [count, 1]) for tensor in others]
            outputs = network.outputs([versions, *tiled], training=False)
            values = tf.gather(outputs, tf.tile(chosen, [count]), batch_dims=1)
            values = tf.reshape(values, [count, shape[0]])
            total = tf.reduce_sum(values * weights[begin : begin + step, None])
        gradient = tf.reshape(tape.gradient(total, versions), tf.concat([[count], shape], 0))
        return begin + step, sums + tf.reduce_sum(gradient, 0)

    start = (tf.constant(0), tf.zeros_like(text))
    invariants = (tf.TensorShape([]), tf.TensorShape([None, None, text.shape[-1]]))
    sums = tf.while_loop(
        lambda begin, _: begin < STEPS, add, start, shape_invariants=invariants, parallel_iterations=1
    )[1]
    return tf.reduce_sum(way * sums, -1)
