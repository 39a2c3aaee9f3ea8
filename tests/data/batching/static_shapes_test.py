"""The truth: the batches as they were, every row once, and the losses and gradients of the tasks on them."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.batching.static_shapes import bucket_widths, static_shapes
from keras_bert.errors import InputError
from keras_bert.tasks import BertMultipleChoice
from keras_bert.training import AdamW
from tests.tasks import tiny, tiny_questions, tiny_tags

WIDTHS = (12, 20, 28)  # none that the preprocessor gives
WITHOUT_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def classifier(**options: Any) -> Any:
    return tiny.classifier(config=tiny.without_dropout(), **options)


CASES = {
    "classifier": (lambda: classifier(), lambda: tiny.dataset(tiny.LABELS)),
    "class weights": (
        lambda: classifier(class_weights={"positive": 3.0, "neutral": 0.3}),
        lambda: tiny.dataset(tiny.LABELS),
    ),
    "several labels": (
        lambda: classifier(problem_type="multi_label_classification"),
        lambda: tiny.dataset([[label] for label in tiny.LABELS]),
    ),
    "regressor": (
        lambda: tiny.regressor(config=tiny.without_dropout()),
        lambda: tiny.dataset([float(len(text)) / 20 for text in tiny.TEXTS]),
    ),
    "tagger": (lambda: tiny_tags.tagger(config=tiny.without_dropout()), tiny_tags.rows),
    "chooser": (
        lambda: tiny.make(BertMultipleChoice, config=tiny.without_dropout()),
        lambda: tf.data.Dataset.from_tensor_slices(
            {"text": tiny.TEXTS, "choices": [[pair, "the"] for pair in tiny.PAIRS], "label": [0, 1] * 4}
        ),
    ),
    "embedder with scores": (
        lambda: tiny.embedder(objective="cosine", config=tiny.without_dropout()),
        lambda: tiny.dataset([index / 8 for index in range(8)], tiny.PAIRS),
    ),
    "question answerer": (lambda: tiny_questions.answerer(config=WITHOUT_DROPOUT), tiny_questions.rows),
    "pretrainer": (
        lambda: tiny.pretrainer(config=tiny.without_dropout()),
        lambda: tiny.pretraining_examples(8),
    ),
}


def test_widths_are_powers_of_two_and_the_longest():
    assert bucket_widths(128) == (32, 64, 128)
    assert bucket_widths(200) == (32, 64, 128, 200)
    assert bucket_widths(24) == (24,)


def test_an_epoch_has_few_shapes_and_every_row_once():
    model = classifier()
    rows = tiny.dataset(tiny.LABELS).repeat(5).take(37)
    plain = model.batches(rows, 8, shuffle=True, seed=3)
    made = static_shapes(plain, 8, WIDTHS)
    assert made.cardinality() == plain.cardinality() == 5
    specs = tf.nest.flatten(made.element_spec)
    assert {spec.shape[0] for spec in specs} == {8}
    assert tf.string not in {spec.dtype for spec in specs}
    shapes, found = set(), []
    for inputs, _, weights in made:
        shapes |= {tuple(tensor.shape) for tensor in inputs.values()}
        assert float(tf.reduce_sum(weights)) == pytest.approx(8)
        for ids, weight in zip(inputs["token_ids"].numpy(), weights.numpy(), strict=True):
            found += [ids[ids > 0].tolist()] if weight else []
    assert shapes <= {(8, width) for width in WIDTHS}
    expected = [ids[ids > 0].tolist() for inputs, *_ in plain for ids in inputs["token_ids"].numpy()]
    assert len(found) == 37
    assert sorted(found) == sorted(expected)


def loss_and_gradient(model: Any, x: Any, y: Any, weights: Any = None) -> tuple[float, np.ndarray]:
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True), weights)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(loss), np.concatenate([tf.convert_to_tensor(gradient).numpy().ravel() for gradient in gradients])


class Context:
    """Of one of two replicas, the other of which has no rows."""

    num_replicas_in_sync = 2

    def all_reduce(self, _: Any, value: Any) -> Any:
        return value


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_stay(case: str, replicas: int, monkeypatch: pytest.MonkeyPatch):
    """Of a batch of 5 and of a last one of 3 (the answerer's and the tagger's are windows)."""
    make, rows = CASES[case]
    model = make()
    model.compile("sgd")
    batches = model.batches(rows(), 5).cache()
    if replicas == 2:
        monkeypatch.setattr("tensorflow.distribute.get_replica_context", Context)
    sizes = []
    for plain, padded in zip(batches, static_shapes(batches, 5, WIDTHS), strict=True):
        sizes.append(plain[0]["token_ids"].shape)
        assert padded[0]["token_ids"].shape != sizes[-1]
        loss, gradient = loss_and_gradient(model, *plain)
        found, found_gradient = loss_and_gradient(model, *padded)
        assert found == pytest.approx(loss, rel=1e-5)
        np.testing.assert_allclose(found_gradient, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max())
    assert any(size[0] < 5 for size in sizes)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["class weights", "tagger", "chooser", "pretrainer"])
def test_in_parts_too(case: str):
    """Steps of batches of 5 and 3, the last part of which may hold nothing but copies, with clipping that bites."""
    make, rows = CASES[case]
    found = []
    for parts in (1, 4):
        model = make()
        start = [weight.numpy() for weight in model.trainable_variables]
        model.compile(AdamW(1e-2, global_clipnorm=0.05), accumulate=parts, jit_compile=False)
        batches = model.batches(rows(), 5)
        model.fit(batches if parts == 1 else static_shapes(batches, 5, WIDTHS), epochs=3, verbose=0)
        found.append([weight.numpy() for weight in model.trainable_variables])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5)
    assert max(np.abs(one - before).max() for one, before in zip(found[0], start, strict=True)) > 0.01


def test_rows_with_any_number_of_choices_have_no_static_shape():
    spec = {"token_ids": tf.TensorSpec([None, None, None], tf.int32)}, tf.TensorSpec([None], tf.int32)
    batches = tf.data.Dataset.from_generator(lambda: iter([]), output_signature=spec)
    with pytest.raises(InputError, match="number of choices, which has to be known"):
        static_shapes(batches, 8, [8])


def test_padding_tokens_are_the_tokenizers():
    inputs = {"token_ids": tf.ones([2, 3], tf.int32), "padding_mask": tf.ones([2, 3], tf.int32)}
    spec = {name: tf.TensorSpec([None, None], tf.int32) for name in inputs}, tf.TensorSpec([None], tf.int32)
    batches = tf.data.Dataset.from_generator(lambda: iter([(inputs, tf.constant([4, 5]))]), output_signature=spec)
    [(found, targets, weights)] = static_shapes(batches, 3, [5], pad_token_id=7)
    assert found["token_ids"].numpy().tolist() == [[1, 1, 1, 7, 7]] * 3
    assert found["padding_mask"].numpy().tolist() == [[1, 1, 1, 0, 0]] * 3
    assert (targets.numpy().tolist(), weights.numpy().tolist()) == ([4, 5, 4], [1.5, 1.5, 0.0])


def test_no_widths():
    with pytest.raises(InputError, match="at least one width"):
        static_shapes(tf.data.Dataset.range(1), 8, [])
