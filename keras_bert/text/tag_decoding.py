"""The likeliest sequence of labels that breaks no rule, in the TensorFlow graph."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.text.ragged_rows import row_ids

_LONG = 512  # words; of a longer row stretches are searched side by side
_AT_ONCE = 2**18  # words that are searched together, padding included, but for a single row
_FEW = 3  # predecessors of a label that are looked at one by one


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

    return tf.ensure_shape(
        tf.cond(tf.reduce_any(broken), lambda: _mended(scores, greedy, broken, allowed), lambda: greedy), [None]
    )


def _mended(scores: tf.RaggedTensor, labels: tf.Tensor, broken: tf.Tensor, allowed: np.ndarray) -> tf.Tensor:
    """Searches the rows that break a rule, those of like length together, so that little of them is padding.

    Args:
        scores: As for `best_path`.
        labels: int32 (words,), those of the other rows.
        broken: bool (rows,).
        allowed: As for `best_path`.

    Returns:
        int32 (words,), the labels of all rows.
    """
    number = tf.boolean_mask(tf.range(scores.nrows()), broken)
    lengths = tf.gather(scores.row_lengths(), number)
    order = tf.argsort(lengths)
    number, lengths = tf.gather(number, order), tf.gather(lengths, order)
    count = tf.size(number)

    def step(begin: Any, labels: Any) -> tuple:
        # Rows and their longest one both grow, so those that fit are the first of the rest.
        padded = tf.cast(tf.range(1, count - begin + 1), tf.int64) * lengths[begin:]
        end = begin + tf.maximum(tf.reduce_sum(tf.cast(padded <= _AT_ONCE, tf.int32)), 1)
        rows, sizes = number[begin:end], tf.cast(lengths[begin:end], tf.int32)
        starts = tf.gather(scores.row_starts(), rows)
        places = tf.ragged.range(starts, starts + lengths[begin:end])
        chosen = places.with_values(tf.gather(scores.values, places.values))
        path = _viterbi(chosen.to_tensor(shape=[None, None, len(allowed) - 1]), sizes, allowed)
        found = tf.boolean_mask(path, tf.sequence_mask(sizes, tf.shape(path)[1]))
        return end, tf.tensor_scatter_nd_update(labels, places.values[:, None], found)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]))
    start = (tf.constant(0), labels)
    return tf.while_loop(lambda begin, _: begin < count, step, start, shapes, parallel_iterations=1)[1]


def _is_broken(labels: tf.RaggedTensor, allowed: np.ndarray) -> tf.Tensor:
    """Says of each row whether it breaks a rule: bool (rows,)."""
    outside = tf.fill([labels.nrows(), 1], len(allowed) - 1)
    framed = tf.concat([outside, labels, outside], 1)
    before, behind = framed[:, :-1], framed[:, 1:]
    bad = tf.logical_not(tf.gather_nd(tf.constant(allowed), tf.stack([before.values, behind.values], 1)))
    return tf.math.unsorted_segment_max(tf.cast(bad, tf.int32), row_ids(before.row_splits), labels.nrows()) > 0


def _viterbi(scores: tf.Tensor, lengths: tf.Tensor, allowed: np.ndarray) -> tf.Tensor:
    """Searches rows of padded scores, float32 (rows, words, labels), words at least 1; returns int32 (rows, words).

    A search goes word by word. Of a long row some hundred stretches go side by side: first what each makes of every
    label that the one before may end with, then, stretch by stretch, with which they do, then the path in each. A
    million words take seconds so, where one after the other they take half a minute.
    """
    rules = _Rules(allowed)
    rows, words = tf.shape(scores)[0], tf.shape(scores)[1]
    root = tf.cast(tf.math.ceil(tf.sqrt(tf.cast(words, tf.float32))), tf.int32)
    size = tf.where(words <= _LONG, words, root)  # words of a stretch
    count = (words + size - 1) // size
    padded = tf.pad(scores, [[0, 0], [0, count * size - words], [0, 1]], constant_values=-np.inf)
    by_word = tf.transpose(tf.reshape(padded, [rows * count, size, rules.states]), [1, 0, 2])
    real = tf.transpose(tf.reshape(tf.range(count * size) < lengths[:, None], [rows * count, size]))

    outside = tf.one_hot(tf.fill([rows], rules.states - 1), rules.states, 0.0, -np.inf)
    starts, ends = tf.cond(
        count > 1,
        lambda: _between_stretches(_transfers(by_word, real, rules), outside, rules, count),
        lambda: (outside, tf.zeros([rows], tf.int32)),
    )

    def forward(word: Any, total: Any, origins: Any) -> tuple:
        best, origin = rules.best_before(total)
        following = tf.gather(best, rules.group_of, axis=-1) + by_word[word]
        return word + 1, _level(tf.where(real[word][:, None], following, total)), origins.write(word, origin)

    start = (0, starts, tf.TensorArray(tf.int32, size, clear_after_read=False))
    _, total, origins = tf.while_loop(lambda word, *_: word < size, forward, start)
    ends = tf.where(count > 1, ends, tf.argmax(total + rules.end, axis=-1, output_type=tf.int32))

    def backward(word: Any, label: Any, path: Any) -> tuple:
        before = tf.gather(origins.read(word), tf.gather(rules.group_of, label), batch_dims=1)
        return word - 1, tf.where(real[word], before, label), path.write(word, label)

    state = (size - 1, ends, tf.TensorArray(tf.int32, size))
    path = tf.while_loop(lambda word, *_: word >= 0, backward, state)[2]
    path = tf.reshape(tf.transpose(tf.ensure_shape(path.stack(), [None, None])), [rows, count * size])
    return path[:, :words]


def _transfers(by_word: tf.Tensor, real: tf.Tensor, rules: "_Rules") -> tf.Tensor:
    """Finds the best total of each stretch for each label before it and each at its end.

    Args:
        by_word: float32 (words, stretches, states).
        real: bool (words, stretches), False for padding.
        rules: The rules.

    Returns:
        float32 (stretches, states, states), each stretch up to a constant.
    """
    words, stretches = tf.shape(by_word)[0], tf.shape(by_word)[1]
    eye = tf.eye(rules.states, batch_shape=[stretches])

    def step(word: Any, total: Any) -> tuple:
        best = tf.gather(rules.best_before(total)[0], rules.group_of, axis=-1) + by_word[word][:, None]
        total = tf.where(real[word][:, None, None], best, total)
        return word + 1, total - tf.reduce_max(total, axis=[1, 2], keepdims=True)

    return tf.while_loop(lambda word, _: word < words, step, (0, tf.where(eye > 0, 0.0, -np.inf)))[1]


def _between_stretches(
    transfers: tf.Tensor, outside: tf.Tensor, rules: "_Rules", count: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds what each stretch begins with, float32 (stretches, states), and the label that it ends with, int32."""
    rows = tf.shape(outside)[0]
    transfers = tf.reshape(transfers, [rows, count, rules.states, rules.states])

    def forward(stretch: Any, total: Any, starts: Any) -> tuple:
        following = tf.reduce_max(total[:, :, None] + transfers[:, stretch], axis=1)
        return stretch + 1, _level(following), starts.write(stretch, total)

    start = (0, outside, tf.TensorArray(tf.float32, count, clear_after_read=False))
    _, total, starts = tf.while_loop(lambda stretch, *_: stretch < count, forward, start)

    def backward(stretch: Any, label: Any, ends: Any) -> tuple:
        into = tf.gather(tf.transpose(transfers[:, stretch], [0, 2, 1]), label, batch_dims=1)
        before = tf.argmax(starts.read(stretch) + into, axis=-1, output_type=tf.int32)
        return stretch - 1, before, ends.write(stretch, label)

    last = tf.argmax(total + rules.end, axis=-1, output_type=tf.int32)
    ends = tf.while_loop(
        lambda stretch, *_: stretch >= 0, backward, (count - 1, last, tf.TensorArray(tf.int32, count))
    )[2].stack()
    starts = tf.transpose(tf.ensure_shape(starts.stack(), [None, None, rules.states]), [1, 0, 2])
    return tf.reshape(starts, [-1, rules.states]), tf.reshape(tf.transpose(tf.ensure_shape(ends, [None, None])), [-1])


def _level(total: tf.Tensor) -> tf.Tensor:
    """Sets the highest total of each row to 0, so that sums over a book keep their digits."""
    return total - tf.reduce_max(total, axis=-1, keepdims=True)


class _Rules:
    """What may follow what, for totals (..., states): a state for each label, and the last for "outside".

    Labels that may follow the same ones are a group: their best predecessor is found once, among all, or among the few
    that there are (`I-X` follows `B-X` and `I-X` only).

    Args:
        allowed: As for `best_path`.
    """

    def __init__(self, allowed: np.ndarray):
        self.states = len(allowed)
        groups, group_of = np.unique(allowed[:, :-1].T, axis=0, return_inverse=True)
        few = groups.sum(1) <= _FEW
        groups, rank = groups[np.argsort(few, kind="stable")], np.argsort(np.argsort(few, kind="stable"))
        self.group_of = np.append(rank[group_of.reshape(-1)], 0).astype(np.int32)
        self._many = np.where(groups[: len(few) - few.sum()], 0.0, -np.inf).astype(np.float32)
        # The predecessors of each group, as many for each; behind the states there is one that never is best.
        self._before = np.full((few.sum(), _FEW), self.states, np.int32)
        for row, group in zip(self._before, groups[len(self._many) :], strict=True):
            row[: group.sum()] = np.flatnonzero(group)
        self.end = np.append(np.where(allowed[:-1, -1], 0.0, -np.inf), -np.inf).astype(np.float32)

    def best_before(self, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Finds the best total that each group may follow, float32 (..., groups), and its state, int32."""
        every = total[..., None, :] + self._many
        near = tf.gather(tf.concat([total, tf.fill(tf.shape(total[..., :1]), -np.inf)], -1), self._before, axis=-1)
        chosen = tf.one_hot(tf.argmax(near, axis=-1), _FEW, True, False)
        return (
            tf.concat([tf.reduce_max(every, -1), tf.reduce_max(near, -1)], -1),
            tf.concat(
                [
                    tf.argmax(every, axis=-1, output_type=tf.int32),
                    tf.reduce_sum(tf.where(chosen, self._before, 0), axis=-1),
                ],
                -1,
            ),
        )
