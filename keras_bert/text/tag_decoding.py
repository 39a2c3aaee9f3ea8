"""The likeliest sequence of labels that breaks no rule, in the TensorFlow graph."""

from typing import Any

import numpy as np
import tensorflow as tf


def best_path(scores: tf.RaggedTensor, allowed: np.ndarray) -> tf.Tensor:
    """Finds for each row the allowed sequence of labels with the highest sum of scores (Viterbi).

    The scores need no training for it: each label's log-probability (or logit) counts, and transitions cost nothing or
    are forbidden. Rows whose likeliest labels are allowed already, most of a trained model's, take no search.

    Args:
        scores: float32 (rows, (words), labels).
        allowed: bool (labels + 1, labels + 1), `[before, label]`; the last row is the begin, the last column the end.

    Returns:
        int32 (words,) of all rows together, the labels.

    Example:
        >>> scores = tf.RaggedTensor.from_row_lengths([[1.0, 0.0], [0.0, 3.0]], [2])
        >>> label_1_may_not_follow_label_0 = np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]], bool)
        >>> best_path(scores, label_1_may_not_follow_label_0).numpy().tolist()
        [1, 1]

    References:
        Viterbi 1967, IEEE Trans. Inf. Theory 13(2).
    """
    greedy = tf.argmax(scores.values, axis=-1, output_type=tf.int32)
    if allowed.all():
        return greedy
    broken = _is_broken(scores.with_values(greedy), allowed)

    def search() -> tf.Tensor:
        chosen = tf.ragged.boolean_mask(scores, broken)
        lengths = tf.cast(chosen.row_lengths(), tf.int32)
        path = _viterbi(chosen.to_tensor(shape=[None, None, len(allowed) - 1]), lengths, allowed)
        places = tf.where(tf.gather(broken, scores.value_rowids()))
        return tf.tensor_scatter_nd_update(greedy, places, tf.boolean_mask(path, tf.sequence_mask(lengths)))

    return tf.ensure_shape(tf.cond(tf.reduce_any(broken), search, lambda: greedy), [None])


def _is_broken(labels: tf.RaggedTensor, allowed: np.ndarray) -> tf.Tensor:
    """Says of each row whether it breaks a rule: bool (rows,)."""
    outside = tf.fill([labels.nrows(), 1], len(allowed) - 1)
    framed = tf.concat([outside, labels, outside], 1)
    before, behind = framed[:, :-1], framed[:, 1:]
    bad = tf.logical_not(tf.gather_nd(tf.constant(allowed), tf.stack([before.values, behind.values], 1)))
    return tf.math.unsorted_segment_max(tf.cast(bad, tf.int32), before.value_rowids(), labels.nrows()) > 0


def _viterbi(scores: tf.Tensor, lengths: tf.Tensor, allowed: np.ndarray) -> tf.Tensor:
    """Searches rows of padded scores, float32 (rows, words, labels), words at least 1; returns int32 (rows, words)."""
    labels = len(allowed) - 1
    cost = tf.constant(np.where(allowed, 0.0, -np.inf), tf.float32)
    words = tf.shape(scores)[1]
    by_word = tf.transpose(scores, [1, 0, 2])
    # Padding repeats the label before it for nothing, so that all rows end at the last word.
    stay = tf.constant(np.where(np.eye(labels, dtype=bool), 0.0, -np.inf), tf.float32)

    def forward(word: Any, total: Any, origins: Any) -> tuple:
        real = (word < lengths)[:, None]
        steps = tf.where(real[..., None], cost[:-1, :-1], stay)
        paths = total[:, :, None] + steps  # (rows, before, label)
        origins = origins.write(word, tf.argmax(paths, axis=1, output_type=tf.int32))
        return word + 1, tf.reduce_max(paths, axis=1) + tf.where(real, by_word[word], 0.0), origins

    start = (1, cost[-1, :-1] + by_word[0], tf.TensorArray(tf.int32, words, clear_after_read=False))
    _, total, origins = tf.while_loop(lambda word, *_: word < words, forward, start)

    def backward(word: Any, label: Any, path: Any) -> tuple:
        path = path.write(word, label)
        return word - 1, tf.gather(origins.read(word), label, batch_dims=1), path

    last = tf.argmax(total + cost[:-1, -1], axis=-1, output_type=tf.int32)
    state = (words - 1, last, tf.TensorArray(tf.int32, words))
    _, first, path = tf.while_loop(lambda word, *_: word > 0, backward, state)
    return tf.transpose(tf.ensure_shape(path.write(0, first).stack(), [None, None]))
