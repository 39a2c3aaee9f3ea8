"""Attention: probabilities as the encoder gives them, and rollout by hand."""

import numpy as np
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertEmbedder
from keras_bert.trust.explain.attention import rolled_out
from keras_bert.trust.explain.scorer import Scorer
from tests.tasks import tiny


@pytest.mark.parametrize("unpad", [False, True])
def test_probabilities_are_those_of_an_encoder_that_gives_them(model: BertClassifier, unpad: bool):
    inputs = {name: tensor.numpy() for name, tensor in model.preprocessor(["good film", "a very dull book"]).items()}
    config = {**model.encoder.get_config(), "output_attentions": True}
    shows = BertEncoder.from_config(config)
    shows.set_weights(model.encoder.get_weights())
    expected = [part.numpy() for part in shows(inputs)["attentions"]]
    model.encoder.unpad = unpad
    try:
        found = Scorer(model).attention(inputs)
    finally:
        model.encoder.unpad = False
    lengths = inputs["padding_mask"].sum(1)
    for row, length in enumerate(lengths):
        given = found[:, row, :, :length]
        np.testing.assert_allclose(given, np.stack(expected)[:, row, :, :length], atol=1e-6)


def test_rollout_by_hand():
    attention = np.array([[[[[0.5, 0.5], [1.0, 0.0]]]], [[[[0.0, 1.0], [0.25, 0.75]]]]])
    lower = np.array([[0.75, 0.25], [0.5, 0.5]])
    upper = np.array([[0.5, 0.5], [0.125, 0.875]])
    np.testing.assert_allclose(rolled_out(attention)[0], upper @ lower)


def test_shares_add_up_to_one(model: BertClassifier):
    texts = [text for text in tiny.TEXTS if text != "book"]
    for method in ("rollout", "attention"):
        for found in model.explain(texts, method):
            assert sum(word["value"] for word in found["words"]) + found["rest"] == pytest.approx(1)
            assert min(word["value"] for word in found["words"]) > 0
            assert (found["score"], found["gap"], found["baseline"]) == (None, None, None)
    inputs = {name: tensor.numpy() for name, tensor in model.preprocessor(texts).items()}
    rows = rolled_out(Scorer(model).attention(inputs)).sum(-1)
    np.testing.assert_allclose(rows, 1, atol=1e-6)


def test_maps_of_chosen_layers_and_heads(model: BertClassifier):
    (found,) = model.explain(["good books!"], "attention", layers=[1, 2], heads=[3])
    (page,) = found["maps"]
    tokens = [(token["text"], token["field"], token["start"], token["end"]) for token in page["tokens"]]
    # The place is that of the word, of which "books" has two pieces.
    book = ("text", 5, 10)
    assert tokens[:4] == [("[CLS]", None, 0, 0), ("good", "text", 0, 4), ("book", *book), ("##s", *book)]
    assert (page["layers"], page["heads"]) == ([1, 2], [3])
    weights = np.array(page["weights"])
    assert weights.shape == (2, 1, len(tokens), len(tokens))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-3)
    inputs = {name: tensor.numpy() for name, tensor in model.preprocessor(["good books!"]).items()}
    expected = Scorer(model).attention(inputs)[:, 0, 2, : len(tokens), : len(tokens)]
    np.testing.assert_allclose(weights[:, 0], expected, atol=1e-4)
    # [CLS] gives to "books" what it gives to its pieces.
    shares = [word["value"] for word in found["words"]]
    assert shares[1] == pytest.approx(expected[:, 0, 2:4].sum(-1).mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [3]}, r"layers=\[3\]: the model has 2 layers, from 1 to 2"),
        ({"heads": [0]}, r"heads=\[0\]: the model has 4 heads, from 1 to 4"),
        ({"heads": []}, r"heads=\[\]: the model has 4 heads"),
    ],
)
def test_layers_that_are_none(model: BertClassifier, options, message: str):
    with pytest.raises(InputError, match=message):
        model.explain(["good"], "attention", **options)


def test_the_words_that_a_mean_looks_from():
    """Of a vector that is a mean every token looks, and of two texts each half."""
    model: BertEmbedder = tiny.embedder()
    (found,) = model.explain([("good film", "a dull book")], "rollout")
    for field in ("text", "text_pair"):
        of_text = sum(word["value"] for word in found["words"] if word["field"] == field)
        assert 0 < of_text < 0.5
    assert sum(word["value"] for word in found["words"]) + found["rest"] == pytest.approx(1)
