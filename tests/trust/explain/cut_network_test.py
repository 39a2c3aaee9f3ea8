"""A network that is cut at its word vectors gives what the whole one gives."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks import BertEmbedder
from keras_bert.trust.explain.cut_network import cut_at_words
from keras_bert.trust.explain.scorer import Scorer, scorer_of
from tests.tasks import tiny
from tests.tasks.tiny_questions import answerer
from tests.tasks.tiny_tags import tagger

TASKS = {
    "classifier": tiny.classifier,
    "mean": lambda: tiny.classifier(pooling="mean"),
    "pre_ln": lambda: tiny.classifier(config=tiny.config(norm_first=True, position_embedding_type="sinusoidal")),
    "regressor": tiny.regressor,
    "tagger": tagger,
    "answerer": answerer,
    "embedder": lambda: tiny.embedder(modules=[{"kind": "Dense", "units": 8}]),
}


@pytest.mark.parametrize("name", TASKS)
def test_outputs_are_the_same_bit_for_bit(name: str):
    model = TASKS[name]()
    texts = (["good film", "is it good"], ["a dull book", "fine"]) if name == "answerer" else (tiny.TEXTS,)
    inputs = {key: tensor.numpy() for key, tensor in model.preprocessor(*texts).items()}
    expected = model(inputs, training=False).numpy()
    vectors = model.encoder.embeddings(inputs["token_ids"], inputs["segment_ids"])
    network = cut_at_words(model)
    given = [vectors, *(tf.constant(inputs[key]) for key in network.names)]
    found = network.outputs(given, training=False).numpy()
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(Scorer(model).outputs(inputs), expected, atol=1e-5)


def test_a_regressor_is_cut_before_its_activation():
    model = tiny.regressor(activation="sigmoid")
    inputs = {key: tensor.numpy() for key, tensor in model.preprocessor(tiny.TEXTS).items()}
    logits = Scorer(model).outputs(inputs)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), model(inputs).numpy(), atol=1e-6)


def test_weights_are_shared_and_a_compiled_model_stays_so():
    model = tiny.classifier()
    model.compile()
    scorer = scorer_of(model)
    assert scorer_of(model) is scorer
    assert model.compiled
    inputs = {key: tensor.numpy() for key, tensor in model.preprocessor(["good film"]).items()}
    before = scorer.outputs(inputs)
    model.classifier.bias.assign(model.classifier.bias + 1.0)
    np.testing.assert_allclose(scorer.outputs(inputs), before + 1.0, atol=1e-6)


def test_a_model_of_half_precision_is_explained_in_float32():
    model = tiny.classifier(dtype="mixed_bfloat16")
    whole = tiny.classifier()
    whole.set_weights(model.get_weights())
    first, second = (each.explain(["the film was bad"], target="negative")[0] for each in (model, whole))
    assert first["score"] == pytest.approx(second["score"], abs=1e-5)
    assert first["gap"] < 0.01
    assert [word["value"] for word in first["words"]] == pytest.approx([word["value"] for word in second["words"]])


def test_a_prompt_that_is_not_pooled():
    model: BertEmbedder = tiny.embedder(
        prompts={"query": "the good "}, default_prompt="query", include_prompt=False, normalize=True
    )
    (found,) = model.explain([("a dull book", "bad film")])
    assert [word["text"] for word in found["words"]] == ["a", "dull", "book", "bad", "film"]
    assert [(word["start"], word["end"]) for word in found["words"]] == [(0, 1), (2, 6), (7, 11), (0, 3), (4, 8)]
    assert found["score"] == pytest.approx(found["answer"]["similarity"], abs=1e-5)
    assert found["gap"] < 0.01
