"""Functions with constant weights give what the model gives, and hold no variable."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving import Signature, frozen, write_saved_model
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_answers_are_the_same_and_nothing_is_variable(policy: str):
    model = tiny.classifier(dtype=policy)
    (signature,) = frozen(model, {"serving_default": model.signatures()["serving_default"]}).values()
    function = tf.function(signature.function).get_concrete_function(**signature.inputs)
    assert not function.variables
    texts = tf.constant(tiny.TEXTS)
    scores = function(text=texts)["scores"].numpy()
    tolerance = 1e-6 if policy == "float32" else 1e-2
    np.testing.assert_allclose(scores, model.answer_strings(texts)["scores"].numpy(), atol=tolerance)


def test_later_training_does_not_change_it():
    model = tiny.classifier()
    (signature,) = frozen(model, {"serving_default": model.signatures()["serving_default"]}).values()
    function = tf.function(signature.function).get_concrete_function(**signature.inputs)
    before = function(text=tf.constant(["good"]))["scores"].numpy()
    for variable in model.trainable_variables:
        variable.assign(variable + 0.5)
    np.testing.assert_array_equal(function(text=tf.constant(["good"]))["scores"].numpy(), before)


def test_a_table_stays_a_variable_with_the_value_of_now():
    model = tiny.classifier()
    table = model.encoder.embeddings.word_embeddings
    variable = tf.Variable(table.value)
    signatures = {"serving_default": model.signatures()["serving_default"]}
    (signature,) = frozen(model, signatures, [(table, variable)]).values()
    function = tf.function(signature.function).get_concrete_function(**signature.inputs)
    assert [id(used) for used in function.variables] == [id(variable)]
    before = model.answer_strings(tf.constant(tiny.TEXTS))["scores"].numpy()
    table.assign(table + 0.5)
    np.testing.assert_allclose(function(text=tf.constant(tiny.TEXTS))["scores"].numpy(), before, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_frozen_export_holds_the_word_table_once_and_outside_of_its_graph(tmp_path, dtype: str):
    model = tiny.classifier(dtype=dtype)
    model.export(tmp_path / "model", freeze=True)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    (variable,) = loaded.signatures["serving_default"].variables
    np.testing.assert_array_equal(variable.numpy(), model.encoder.embeddings.word_embeddings.numpy())


def test_a_table_that_is_a_products_matrix_is_a_constant(tmp_path):
    model = writer()
    model.export(tmp_path / "model", freeze=True)
    assert not tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"].variables


def test_a_function_without_weights_gets_none(tmp_path):
    model = tiny.classifier()
    double = Signature(lambda x: {"y": 2 * x}, {"x": tf.TensorSpec([None], tf.float32, name="x")})
    write_saved_model(tmp_path / "double", model, {"serving_default": double}, {}, freeze=True)
    loaded = tf.saved_model.load(str(tmp_path / "double"))
    assert loaded.signatures["serving_default"](x=tf.constant([1.5]))["y"].numpy().tolist() == [3.0]
    assert not loaded.signatures["serving_default"].variables
    assert sum(file.stat().st_size for file in (tmp_path / "double").rglob("*") if file.is_file()) < 10_000


def test_weights_that_do_not_fit_into_a_graph(monkeypatch):
    """All functions are in one graph: what each of them needs counts."""
    model = tiny.classifier()
    default = model.signatures()["serving_default"]
    size = sum(weight.value.dtype.size * weight.value.shape.num_elements() for weight in model.variables)
    monkeypatch.setattr(sys.modules["keras_bert.serving.frozen"], "MOST_BYTES", size)
    assert set(frozen(model, {"once": default})) == {"once"}
    with pytest.raises(
        InputError, match=r"the weights, 0\.0 GiB in 2 functions, do not fit into a graph, which ends at 2 GiB; export"
    ):
        frozen(model, {"once": default, "twice": default})
    monkeypatch.setattr(sys.modules["keras_bert.serving.frozen"], "MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"the weights, 0\.0 GiB, do not fit into a graph"):
        frozen(model, {"once": default})
