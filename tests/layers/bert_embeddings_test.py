"""The truth: the three tables added one token at a time in plain numpy, and the sinusoids by `math.sin`."""

import keras
import numpy as np
import pytest

from keras_bert.layers.bert_embeddings import BertEmbeddings, sinusoidal_positions
from tests.layer_test_case import (
    BACKEND,
    check_fit,
    check_policies,
    check_saving,
    check_symbolic,
    randomize,
    run_layer_test,
    to_numpy,
)
from tests.layers import numpy_bert

SIZES = {"vocabulary_size": 11, "hidden_size": 6, "max_positions": 5, "num_segments": 3}
TOKEN_IDS = np.array([[1, 10, 3, 0], [7, 7, 2, 5]], "int32")
SEGMENT_IDS = np.array([[0, 0, 2, 1], [2, 1, 1, 0]], "int32")


def make_layer(policy="float32", **options):
    layer = BertEmbeddings(**{**SIZES, **options}, dtype=policy)
    layer.build((None, None), (None, None))
    randomize(layer)
    return layer


def expected_sum(layer, token_ids=TOKEN_IDS, segment_ids=SEGMENT_IDS):
    sinusoidal = layer.position_embeddings is None
    positions = numpy_bert.sinusoids(5, 6) if sinusoidal else numpy_bert.read(layer.position_embeddings)
    word, token_type = (numpy_bert.read(table) for table in (layer.word_embeddings, layer.token_type_embeddings))
    return numpy_bert.embeddings(token_ids, segment_ids, word, positions, token_type)


def test_the_layer(tmp_path):
    options = {"position_type": "sinusoidal", "dropout": 0.1, "layer_norm_epsilon": 1e-3}
    arguments = {**SIZES, **options, "use_layer_norm": False, "initializer_range": 0.5}
    inputs = [TOKEN_IDS, SEGMENT_IDS]
    run_layer_test(BertEmbeddings, arguments, inputs, (2, 4, 6), tmp_path, expected_trainable_weights=2)


def test_the_layer_with_table_and_norm(tmp_path):
    layer, inputs = make_layer(), [TOKEN_IDS, SEGMENT_IDS]
    outputs = [to_numpy(layer(*inputs))]
    check_symbolic(layer, inputs, [(2, 4, 6)])
    check_saving(layer, inputs, outputs, tmp_path)
    check_policies(layer, inputs, outputs)
    if BACKEND != "numpy":
        check_fit(layer, inputs, outputs)


@pytest.mark.parametrize("position_type", ["absolute", "sinusoidal"])
@pytest.mark.parametrize("use_layer_norm", [True, False])
def test_against_numpy(position_type, use_layer_norm):
    layer = make_layer(position_type=position_type, use_layer_norm=use_layer_norm, layer_norm_epsilon=0.3)
    expected = expected_sum(layer)
    if use_layer_norm:
        expected = numpy_bert.layer_norm(expected, *numpy_bert.read_norm(layer.layer_norm), 0.3)
    np.testing.assert_allclose(to_numpy(layer(TOKEN_IDS, SEGMENT_IDS)), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, {"word_embeddings", "position_embeddings", "token_type_embeddings", "gamma", "beta"}),
        ({"position_type": "sinusoidal"}, {"word_embeddings", "token_type_embeddings", "gamma", "beta"}),
        ({"use_layer_norm": False}, {"word_embeddings", "position_embeddings", "token_type_embeddings"}),
    ],
)
def test_weights(options, names):
    layer = make_layer(**options)
    assert {weight.name for weight in layer.trainable_weights} == names
    assert layer.word_embeddings.shape == (11, 6)
    assert layer.token_type_embeddings.shape == (3, 6)
    if "position_embeddings" in names:
        assert layer.position_embeddings.shape == (5, 6)


def test_the_tables_start_from_a_truncated_normal():
    layer = BertEmbeddings(200, 50, max_positions=200, num_segments=200, initializer_range=0.5)
    layer.build((None, None), (None, None))
    tables = [to_numpy(table) for table in layer.trainable_weights if table.name.endswith("_embeddings")]
    assert len(tables) == 3
    for table in tables:
        # Cut at two standard deviations, the normal distribution keeps 0.8796 of its own.
        assert abs(table.std() / 0.5 - 0.8796) < 0.02
        assert np.abs(table).max() <= 1


def test_under_mixed_precision_sum_and_norm_are_in_float32():
    # 256 + 1/4 in the tables: bfloat16 would lose the quarter before the norm could see it.
    layer = BertEmbeddings(4, 4, dtype="mixed_bfloat16")
    layer.build((None, None), (None, None))
    for weight in layer.weights:
        weight.assign(np.full(weight.shape, 1.0 if weight.name == "gamma" else 0.0))
    layer.word_embeddings.assign(256 + np.tile([0.0, 0.25, 0.5, 0.25], (4, 1)))
    outputs = to_numpy(layer(np.array([[3]], "int32"), np.array([[0]], "int32")))[0, 0]
    root = np.sqrt(2)
    np.testing.assert_allclose(outputs, [-root, 0, root, 0], atol=0.01)


def test_segments_and_positions_do_matter():
    layer = make_layer()
    base = to_numpy(layer(TOKEN_IDS, SEGMENT_IDS))
    assert np.abs(base - to_numpy(layer(TOKEN_IDS, SEGMENT_IDS[::-1]))).max() > 0.1
    same = to_numpy(layer(np.full((1, 4), 3, "int32"), np.zeros((1, 4), "int32")))[0]
    assert min(np.abs(same[0] - same[place]).max() for place in (1, 2, 3)) > 0.1


def test_dropout_acts_in_training_only():
    keras.utils.set_random_seed(0)
    layer = make_layer(dropout=0.5)
    plain = to_numpy(layer(TOKEN_IDS, SEGMENT_IDS))
    np.testing.assert_array_equal(plain, to_numpy(make_layer()(TOKEN_IDS, SEGMENT_IDS)))
    trained = to_numpy(layer(TOKEN_IDS, SEGMENT_IDS, training=True))
    kept = trained != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(trained[kept], 2 * plain[kept], rtol=1e-6)


@pytest.mark.parametrize(("rows", "size"), [(5, 6), (40, 7)])
def test_sinusoids(rows, size):
    table = sinusoidal_positions(rows, size)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, numpy_bert.sinusoids(rows, size), atol=1e-6)


@pytest.mark.parametrize("position_type", ["absolute", "sinusoidal"])
def test_the_longest_input_fits_and_one_more_token_is_refused(position_type):
    layer = make_layer(position_type=position_type)
    ids = np.zeros((1, 6), "int32")
    assert layer(ids[:, :5], ids[:, :5]).shape == (1, 5, 6)
    with pytest.raises(ValueError, match="the input has 6 tokens, the position table 5 rows"):
        layer(ids, ids)


@pytest.mark.parametrize("position_type", ["absolute", "sinusoidal"])
@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow traces without knowing the length")
def test_a_length_known_at_run_time_only_is_refused_too(position_type):
    import tensorflow as tf

    layer = make_layer(position_type=position_type)
    unknown = tf.TensorSpec((None, None), "int32")
    call = tf.function(lambda *inputs: layer(*inputs), input_signature=[unknown, unknown])
    np.testing.assert_allclose(call(TOKEN_IDS, SEGMENT_IDS), to_numpy(layer(TOKEN_IDS, SEGMENT_IDS)), atol=1e-6)
    ids = np.zeros((1, 6), "int32")
    # Nothing in the graph checks it: the sum of the embeddings fails, and its message has both lengths.
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1,6,6\] vs\. \[5,6\]"):
        call(ids, ids)


def test_bad_arguments():
    with pytest.raises(ValueError, match="one of absolute, sinusoidal, received: 'relative_key'"):
        BertEmbeddings(**SIZES, position_type="relative_key")


@pytest.mark.parametrize("position_type", ["absolute", "sinusoidal"])
def test_positions_begin_anew_in_each_example(position_type):
    layer = make_layer(position_type=position_type, use_layer_norm=False)
    row = [
        np.concatenate(parts)[None]
        for parts in ((TOKEN_IDS[0, :3], TOKEN_IDS[1]), (SEGMENT_IDS[0, :3], SEGMENT_IDS[1]))
    ]
    found = to_numpy(layer(*row, np.array([[1, 1, 1, 2, 2, 2, 2]], "int32")))
    expected = expected_sum(layer)
    np.testing.assert_allclose(found[0], np.concatenate([expected[0, :3], expected[1]]), atol=2e-6)
