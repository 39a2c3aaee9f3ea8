"""The head on one vector a text: what it computes, what it refuses, and how a checkpoint's head is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertTokenClassifier, open_task
from keras_bert.tasks.pooled.head import POOLINGS, pooled_head, problem_type_of
from tests.layer_test_case import randomize
from tests.tasks import tiny

INPUTS = tiny.preprocessor()(tiny.TEXTS)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_logits_are_linear_in_the_pooled_hidden_states(pooling: str):
    """Against numpy on the encoder's own outputs; the mean and the maximum are over real tokens only."""
    encoder = BertEncoder(tiny.config(), use_pooler=pooling == "pooler")
    outputs, head = pooled_head(encoder, 3, pooling)
    model = keras.Model(encoder.input, outputs)
    randomize(model, 0, 0.3)
    encoded = encoder(INPUTS)
    hidden, mask = encoded["sequence_output"].numpy(), INPUTS["padding_mask"].numpy()[:, :, None]
    places = np.arange(1, hidden.shape[1] + 1)[None, :, None]
    vectors = {
        "pooler": lambda: encoded["pooled_output"].numpy(),
        "cls": lambda: hidden[:, 0],
        "mean": lambda: (hidden * mask).sum(1) / mask.sum(1),
        "max": lambda: np.where(mask > 0, hidden, -np.inf).max(1),
        "mean_sqrt_len_tokens": lambda: (hidden * mask).sum(1) / np.sqrt(mask.sum(1)),
        "weightedmean": lambda: (hidden * mask * places).sum(1) / (mask * places).sum(1),
        "lasttoken": lambda: hidden[np.arange(len(hidden)), mask[:, :, 0].sum(1) - 1],
    }
    expected = vectors[pooling]() @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(model(INPUTS).numpy(), expected, atol=1e-5)


def test_dropout_is_before_the_head_and_in_training_only():
    encoder = BertEncoder(
        tiny.config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.5)
    )
    model = keras.Model(encoder.input, pooled_head(encoder, 3, "pooler")[0])
    randomize(model, 0, 0.3)
    np.testing.assert_array_equal(model(INPUTS), model(INPUTS, training=False))
    assert np.abs(model(INPUTS, training=True) - model(INPUTS)).max() > 1e-3
    # The encoder itself has none: what is left of a pooled value is 0 or its double.
    assert model.get_layer("head_dropout").rate == 0.5
    pooled = keras.Model(encoder.input, model.get_layer("head_dropout").output)
    factors = np.unique((pooled(INPUTS, training=True) / pooled(INPUTS)).numpy().round(3))
    assert factors.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_logits_are_float32_under_every_policy(policy: str):
    encoder = BertEncoder(tiny.config(), use_pooler=False, dtype=policy)
    outputs, head = pooled_head(encoder, 2, "mean")
    logits = keras.Model(encoder.input, outputs)(INPUTS)
    assert keras.backend.standardize_dtype(logits.dtype) == outputs.dtype == "float32"
    assert head.compute_dtype == policy.removeprefix("mixed_")


def test_an_unknown_pooling_is_refused():
    with pytest.raises(InputError, match="lasttoken, markers, received: 'first'"):
        pooled_head(BertEncoder(tiny.config()), 2, "first")


def test_markers_are_read_side_by_side():
    """The first of several counts; where one is missing, the first token takes its place."""
    encoder = BertEncoder(tiny.config(), use_pooler=False)
    film, bad = (tiny.VOCABULARY.index(word) for word in ("film", "bad"))
    outputs, head = pooled_head(encoder, 3, "markers", [bad, film])
    model = keras.Model(encoder.input, outputs)
    randomize(model, 0, 0.3)
    inputs = tiny.preprocessor()(["the film was bad and bad", "good film", "book"])
    hidden = encoder(inputs)["sequence_output"].numpy()
    rows = [np.concatenate([hidden[row, first], hidden[row, second]]) for row, first, second in MARKED]
    np.testing.assert_allclose(model(inputs), rows @ head.kernel.numpy() + head.bias.numpy(), atol=1e-5)


# row, place of "bad", place of "film"
MARKED = [(0, 4, 2), (1, 0, 2), (2, 0, 0)]


@pytest.mark.parametrize(("pooling", "marker_ids"), [("markers", []), ("mean", [7])])
def test_markers_and_their_pooling_go_together(pooling: str, marker_ids: list[int]):
    with pytest.raises(InputError, match="markers in the text go together"):
        pooled_head(BertEncoder(tiny.config(), use_pooler=False), 2, pooling, marker_ids)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_pooler_that_is_missing_or_would_go_unused_is_refused(pooling: str):
    has_pooler = pooling != "pooler"
    with pytest.raises(InputError, match=f"use_pooler={not has_pooler}, this one has use_pooler={has_pooler}"):
        pooled_head(BertEncoder(tiny.config(), use_pooler=has_pooler), 2, pooling)


@pytest.mark.parametrize(
    ("outputs", "metadata", "expected"),
    [
        (3, {}, "single_label_classification"),
        (2, {"problem_type": None}, "single_label_classification"),
        (3, {"problem_type": "multi_label_classification"}, "multi_label_classification"),
        (1, {"problem_type": "multi_label_classification"}, "multi_label_classification"),
        (1, {"problem_type": "regression"}, "regression"),
        (1, {}, "regression"),
        (3, {"architectures": ["BertForTokenClassification"]}, None),
        (1, {"architectures": ["BertForMultipleChoice"]}, None),
        (3, {"architectures": None}, "single_label_classification"),
        (None, {}, None),
    ],
)
def test_a_checkpoints_head_is_told_as_transformers_does(outputs: int | None, metadata: dict, expected: str | None):
    tensors = {} if outputs is None else {"classifier.weight": np.zeros((outputs, 32), "float32")}
    metadata = {"architectures": ["BertForSequenceClassification"], **metadata}
    assert problem_type_of(Checkpoint(tiny.config(), tensors, "here", metadata=metadata)) == expected


@pytest.mark.parametrize("make", [tiny.classifier, tiny.regressor])
def test_a_head_on_another_vector_is_no_class_of_transformers(make: Callable[..., Any], tmp_path: Path):
    """transformers' class for the head would put a pooler of random weights before it; it refuses the model_type."""
    model = make(pooling="mean")
    model.save_preset(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["architectures"], config["model_type"]) == (["KerasBertForSequenceClassification"], "keras_bert")
    again = open_task(tmp_path / "model")
    assert (type(again), again.pooling) == (type(model), "mean")
    inputs = model.preprocessor(tiny.TEXTS)
    np.testing.assert_array_equal(again(inputs), model(inputs))
    with pytest.raises(InputError, match="no labels of tokens there"):
        BertTokenClassifier.from_preset(tmp_path / "model")
    make().save_preset(tmp_path / "pooler")
    config = json.loads((tmp_path / "pooler" / "config.json").read_text(encoding="utf-8"))
    assert (config["architectures"], config["model_type"]) == (["BertForSequenceClassification"], "bert")
