"""The truth: the table is the embeddings' own variable, for values, gradients and saving."""

import keras
import numpy as np
import pytest

from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.word_table import WordTable
from tests.layer_test_case import BACKEND, to_numpy

IDS = np.array([[1, 2, 0]], "int32")


def make(dtype="float32"):
    embeddings = BertEmbeddings(5, 4, max_positions=3, dtype=dtype)
    embeddings.build((None, None), (None, None))
    return embeddings, WordTable(embeddings, dtype=dtype, name="table")


def test_the_table_is_the_embeddings_own():
    embeddings, table = make()
    np.testing.assert_array_equal(to_numpy(table(IDS)), to_numpy(embeddings.word_embeddings))
    embeddings.word_embeddings.assign(np.ones((5, 4)))
    assert to_numpy(table(IDS)).sum() == 20
    assert not table.weights


def test_in_half_precision():
    _, table = make("mixed_bfloat16")
    assert keras.backend.standardize_dtype(table(IDS).dtype) == "bfloat16"


@pytest.mark.skipif(BACKEND == "numpy", reason="no training without gradients")
def test_training_reaches_the_embeddings():
    embeddings, table = make()
    ids = keras.Input((None,), dtype="int32")
    product = keras.ops.matmul(embeddings(ids, ids * 0), keras.ops.transpose(table(ids)))
    model = keras.Model(ids, product)
    model.compile("sgd", "mse")
    before = to_numpy(embeddings.word_embeddings)
    model.fit(IDS, np.ones((1, 3, 5), "float32"), verbose=0)
    assert (to_numpy(embeddings.word_embeddings) != before)[4].all()  # a word that the input has not
    assert len(model.trainable_weights) == len(embeddings.trainable_weights)


def test_the_config_is_complete():
    _, table = make("mixed_bfloat16")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(table))
    assert again.get_config() == table.get_config()
    assert again.compute_output_shape((None, None)) == table.compute_output_shape((None, None)) == (5, 4)
