"""Windows over long texts. The truth: the loops of Google's run_squad.py, written out here."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.windows import Windows, best_window, sliding_windows


def spans_of(length, size, stride):
    """run_squad.py, `convert_examples_to_features`."""
    spans, start = [], 0
    while start < length:
        taken = min(length - start, size)
        spans.append((start, taken))
        if start + taken == length:
            break
        start += min(taken, stride)
    return spans or [(0, 0)]


def best_of(spans, position):
    """run_squad.py, `_check_is_max_context`; scores in hundredths, which floats would not hold exactly."""
    best, best_score = None, None
    for number, (start, length) in enumerate(spans):
        if start <= position < start + length:
            score = 100 * min(position - start, start + length - 1 - position) + length
            if best_score is None or score > best_score:
                best, best_score = number, score
    return best


def listed(windows):
    return list(zip(*(tensor.numpy().tolist() for tensor in windows), strict=True))


def test_windows_are_those_of_google():
    rng = np.random.default_rng(0)
    for _ in range(40):
        rows = rng.integers(0, 6)
        lengths = rng.integers(0, 40, rows)
        sizes, strides = rng.integers(1, 12, rows), rng.integers(1, 14, rows)
        expected = [(row, *span) for row in range(rows) for span in spans_of(lengths[row], sizes[row], strides[row])]
        windows = sliding_windows(lengths, sizes, strides)
        assert {tensor.dtype for tensor in windows} == {tf.int32}
        assert listed(windows) == expected


def test_one_size_and_one_stride_hold_for_every_row():
    assert listed(sliding_windows([7, 0, 4], 4, 3)) == [(0, 0, 4), (0, 3, 4), (1, 0, 0), (2, 0, 4)]
    assert listed(sliding_windows([3], 4, 100)) == [(0, 0, 3)]
    assert listed(sliding_windows([9], 4, 100)) == [(0, 0, 4), (0, 4, 4), (0, 8, 1)], "no token falls between"
    assert listed(sliding_windows([], 4, 3)) == []


def test_every_token_has_the_window_with_most_context():
    rng = np.random.default_rng(1)
    for _ in range(20):
        lengths = rng.integers(0, 50, 4)
        size = int(rng.integers(1, 15))
        stride = int(rng.integers(1, size + 1))
        windows, expected, first = sliding_windows(lengths, size, stride), [], 0
        for length in lengths:
            spans = spans_of(length, size, stride)
            expected.append([first + best_of(spans, position) for position in range(length)])
            first += len(spans)
        assert best_window(windows, lengths).to_list() == expected


def test_both_work_in_a_graph_of_unknown_shapes():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.int32)])
    def both(lengths, sizes):
        windows = sliding_windows(lengths, sizes, 2)
        return tuple(windows), best_window(windows, lengths)

    windows, best = both(tf.constant([5, 0], tf.int64), tf.constant([4, 3]))
    assert listed(Windows(*windows)) == [(0, 0, 4), (0, 2, 3), (1, 0, 0)]
    assert best.to_list() == [[0, 0, 0, 1, 1], []]


@pytest.mark.parametrize(("size", "stride", "name"), [(0, 1, "size"), (3, 0, "stride"), (3, -1, "stride")])
def test_windows_without_tokens_are_refused(size, stride, name):
    with pytest.raises(InputError, match=f"{name} is {size if name == 'size' else stride}; a window needs 1"):
        sliding_windows([4], size, stride)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} of windows"):
        sliding_windows([4], tf.constant([size]), tf.constant([stride]))
