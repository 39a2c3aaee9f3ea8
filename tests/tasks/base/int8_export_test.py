"""SavedModels of 8 bits beside the model in float32."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from tests.tasks import tiny, tiny_questions, tiny_tags
from tests.tasks.tiny_sequences import writer


def loaded(folder):
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


@pytest.fixture(scope="module")
def model():
    return tiny.classifier(config=tiny.without_dropout())


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8") / "model"
    model.export(folder, dtype="int8", calibration=tiny.TEXTS)
    return loaded(folder)


def test_its_scores_are_near_and_its_products_are_integers(model, exported):
    scores = exported(text=tf.constant(tiny.TEXTS))["scores"].numpy()
    exact = model.answer_strings(tf.constant(tiny.TEXTS))["scores"].numpy()
    np.testing.assert_allclose(scores, exact, atol=0.02)
    assert np.abs(scores - exact).max() > 0
    definition = exported.graph.as_graph_def(add_shapes=False)
    nodes = [node for function in definition.library.function for node in function.node_def] + list(definition.node)
    assert sum(node.op == "_QuantizedMatMul" for node in nodes) >= 4 * len(model.encoder.blocks)


def test_a_text_has_the_scores_that_it_has_in_a_batch(exported):
    """The limits are constants, so neighbours and padding change nothing but the order of sums in attention."""
    together = exported(text=tf.constant(tiny.TEXTS))["scores"].numpy()
    alone = [exported(text=tf.constant([text]))["scores"].numpy()[0] for text in tiny.TEXTS]
    np.testing.assert_allclose(together, alone, atol=2e-3)


def test_the_model_itself_is_as_before(model, exported):
    """Nothing stands in for its layers once it is written, nor after an export that failed."""
    before = model.answer_strings(tf.constant(tiny.TEXTS))["scores"].numpy()
    with pytest.raises(InputError, match="calibration row 1: expected text \\(a string\\), received: 3"):
        model.export("nowhere", dtype="int8", calibration=["good", 3])
    np.testing.assert_array_equal(model.answer_strings(tf.constant(tiny.TEXTS))["scores"].numpy(), before)


@pytest.mark.parametrize("text", [b"", b"\0", b"\xff\xfe", "😀".encode() * 500, b"a " * 5000])
def test_awkward_texts_are_answered(exported, text: bytes):
    assert np.isfinite(exported(text=tf.constant([text]))["scores"].numpy()).all()


def test_no_texts_are_no_answers(exported):
    assert exported(text=tf.constant([], tf.string))["scores"].shape == (0, 3)


@pytest.mark.slow
def test_other_tasks_and_another_activation(tmp_path):
    tagger = tiny_tags.tagger()
    tagger.export(tmp_path / "tagger", dtype="int8", calibration=tiny.TEXTS)
    assert loaded(tmp_path / "tagger")(text=tf.constant(tiny.TEXTS[:2]))
    answerer = tiny_questions.answerer(config={"hidden_act": "relu"})
    rows = [{"question": "good", "context": text} for text in tiny.TEXTS]
    answerer.export(tmp_path / "answerer", dtype="int8", calibration=rows)
    assert loaded(tmp_path / "answerer")(question=tf.constant(["good"]), context=tf.constant(["bad good"]))


def test_what_cannot_be_is_said_before_anything_is_written(tmp_path, model):
    for rows in (None, [], iter(())):
        with pytest.raises(InputError, match="needs rows to find the limits of its numbers by: calibration="):
            model.export(tmp_path / "none", dtype="int8", calibration=rows)
    with pytest.raises(InputError, match="a BertSeq2Seq has no dtype='int8'"):
        writer().export(tmp_path / "none", dtype="int8", calibration=["good"])
    with pytest.raises(InputError, match="calibration is of format='saved_model' with dtype='int8' alone"):
        model.export(tmp_path / "none", calibration=["good"])
    assert not (tmp_path / "none").exists()
