"""The truth: the sum of the embeddings, by hand."""

import numpy as np
from keras import ops

from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.word_shift import shifted_words
from tests.layer_test_case import randomize, to_numpy
from tests.layers import numpy_bert

IDS = np.array([[1, 4, 0], [7, 2, 2]], "int32")


def test_the_shift_is_added_before_the_normalization():
    layer = BertEmbeddings(11, 6, max_positions=5)
    layer.build((None, None), (None, None))
    randomize(layer)
    tables = [numpy_bert.read(table) for table in (layer.word_embeddings, layer.position_embeddings)]
    total = tables[0][IDS] + tables[1][:3] + numpy_bert.read(layer.token_type_embeddings)[0]
    shift = np.random.default_rng(0).normal(size=(2, 3, 6)).astype("float32")
    before = to_numpy(layer(IDS, 0 * IDS))
    with shifted_words(ops.convert_to_tensor(shift)):
        found = to_numpy(layer(IDS, 0 * IDS))
    np.testing.assert_allclose(found, to_numpy(layer.layer_norm(ops.convert_to_tensor(total + shift))), atol=1e-5)
    np.testing.assert_array_equal(to_numpy(layer(IDS, 0 * IDS)), before)


def test_rows_of_several_texts_are_flattened_as_the_encoder_sees_them():
    layer = BertEmbeddings(11, 6, max_positions=5, use_layer_norm=False)
    before = to_numpy(layer(IDS, 0 * IDS))
    shift = np.arange(36, dtype="float32").reshape(1, 2, 3, 6)
    with shifted_words(ops.convert_to_tensor(shift)):
        np.testing.assert_allclose(to_numpy(layer(IDS, 0 * IDS)), before + shift[0], rtol=1e-6)
    with shifted_words(None):
        np.testing.assert_array_equal(to_numpy(layer(IDS, 0 * IDS)), before)
