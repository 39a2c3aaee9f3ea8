"""Windows of tokens: laid out by hand; outputs come back to their pieces."""

import numpy as np
import tensorflow as tf

from keras_bert.tasks.tagging.windows import cut_into_windows, run_by_length, run_in_chunks
from tests.tasks import tiny

IDS = tf.ragged.constant([[5, 6, 7, 8, 9, 10], [], [11, 12]], tf.int32)
CLS, SEP = 2, 3


def test_windows_by_hand():
    """Four pieces a window, a new one every two; the middle of the text is in both."""
    windows = cut_into_windows(IDS, tiny.preprocessor(6), 2)
    assert windows.inputs["token_ids"].to_list() == [
        [CLS, 5, 6, 7, 8, SEP],
        [CLS, 7, 8, 9, 10, SEP],
        [CLS, SEP],
        [CLS, 11, 12, SEP],
    ]
    assert windows.piece.to_list() == [[-1, 0, 1, 2, 3, -1], [-1, 2, 3, 4, 5, -1], [-1, -1], [-1, 6, 7, -1]]
    assert windows.window.numpy().tolist() == [0, 0, 0, 1, 1, 1, 3, 3]
    assert windows.place.numpy().tolist() == [1, 2, 3, 2, 3, 4, 1, 2]


def test_neighbours_of_a_document_share_windows():
    windows = cut_into_windows(IDS, tiny.preprocessor(6), 2, tf.constant([7, 8, 8], tf.int64))
    assert windows.inputs["token_ids"].to_list()[2:] == [[CLS, 11, 12, SEP]]
    one = cut_into_windows(IDS, tiny.preprocessor(12), 2, tf.constant([7, 7, 7], tf.int64))
    assert one.inputs["token_ids"].to_list() == [[CLS, *range(5, 13), SEP]]
    assert one.place.numpy().tolist() == list(range(1, 9))


def test_outputs_find_their_pieces():
    """The function gives each token its id; both ways of running give each piece its own."""
    preprocessor = tiny.preprocessor(6)
    windows = cut_into_windows(IDS, preprocessor, 2)

    def function(inputs):
        return tf.cast(inputs["token_ids"], tf.float32)[..., None]

    wanted = IDS.values.numpy()
    np.testing.assert_array_equal(run_by_length(function, windows, preprocessor, 2)[:, 0], wanted)
    for chunk in (1, 3, 4, 64):
        outputs = run_in_chunks(function, preprocessor.pad(windows.inputs), chunk)
        found = tf.gather_nd(outputs, tf.stack([windows.window, windows.place], 1))
        np.testing.assert_array_equal(found[:, 0], wanted)


def test_no_texts():
    windows = cut_into_windows(IDS[:0], tiny.preprocessor(6), 2)
    outputs = run_in_chunks(
        lambda inputs: tf.zeros([*inputs["token_ids"].shape, 3]), tiny.preprocessor(6).pad(windows.inputs)
    )
    assert (windows.window.shape, outputs.shape[0], outputs.shape[2]) == ((0,), 0, 3)
