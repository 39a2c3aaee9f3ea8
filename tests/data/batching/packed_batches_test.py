"""Packed rows: the truth is the same examples one a row, with the model as it is without packing."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import padding_share
from keras_bert.data.batching.packed_batches import packed_batches, static_packed_batches
from keras_bert.encoder import BertEncoder
from keras_bert.tasks import BertPretrainer
from keras_bert.tasks.pretraining.batches import pretraining_batches
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.training import AdamW
from tests.tasks import tiny

LENGTH = 32
CONFIG = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "num_hidden_layers": 1}


def pair(next_sentence: bool = True, dtype: Any = None, **config: Any) -> tuple[BertPretrainer, BertPretrainer]:
    """A model, and one with the same weights for packed rows."""
    options = {
        "config": tiny.config(**{**CONFIG, **config}),
        "preprocessor": tiny.preprocessor(LENGTH, pad_to_multiple_of=1),
    }
    plain = tiny.pretrainer(next_sentence=next_sentence, dtype=dtype, **options)
    return plain, packing_like(plain)


def packing_like(plain: BertPretrainer) -> BertPretrainer:
    encoder = BertEncoder.from_config({**plain.encoder.get_config(), "packing": True})
    packing = BertPretrainer(encoder, plain.preprocessor, next_sentence=plain.next_sentence)
    for old, new in zip(plain.weights_by_name(), packing.weights_by_name(), strict=True):
        new.write(old.read())
    return packing


def plain_batches(model: BertPretrainer, batch_size: int = 12, count: int = 24) -> tf.data.Dataset:
    examples = tiny.pretraining_examples(count, longest=20)
    masker = TokenMasker(model.tokenizer, rate=0.3)
    rows = model.preprocessor, masker, model.next_sentence, batch_size
    return pretraining_batches(examples, *rows, seed=5, mix_lengths=True)


def numbers(batches: tf.data.Dataset) -> list[Any]:
    return [tf.nest.map_structure(lambda tensor: tensor.numpy(), batch) for batch in batches]


def examples_of(inputs: Any, targets: Any, weights: Any) -> list[tuple]:
    """All that belongs to each example of a batch: tokens, segments, masks with what they hid, its label."""
    found = []
    for row, mask in enumerate(inputs["padding_mask"]):
        for number in range(1, mask.max() + 1):
            places = np.flatnonzero(mask == number)
            start = places[0]
            np.testing.assert_array_equal(places, np.arange(start, start + len(places)))
            real = weights["masked_lm"][row] > 0
            masked = [
                (position - start, label)
                for position, label in zip(
                    inputs["mask_positions"][row][real], targets["masked_lm"][row][real], strict=True
                )
                if position in places
            ]
            label = targets["next_sentence"][row]
            if "cls_positions" in inputs:
                assert inputs["cls_positions"][row, number - 1] == start
                assert weights["next_sentence"][row, number - 1] == 1
                label = label[number - 1]
            values = [tuple(inputs[name][row, places].tolist()) for name in ("token_ids", "segment_ids")]
            found.append((*values, tuple(map(tuple, masked)), int(label)))
    return found


def test_each_batch_holds_the_same_examples_in_fewer_rows():
    model = tiny.pretrainer()
    plain = plain_batches(model)
    packed = packed_batches(plain, LENGTH, pad_token_id=0)
    assert packed.cardinality() == plain.cardinality() == 2
    for one, other in zip(numbers(plain), numbers(packed), strict=True):
        assert sorted(examples_of(*one)) == sorted(examples_of(*other))
        assert len(other[0]["token_ids"]) < len(one[0]["token_ids"])
        assert other[0]["token_ids"].shape[1] <= LENGTH
        assert other[0]["padding_mask"].max() > 1
        for name in ("masked_lm", "next_sentence"):
            assert other[2][name].sum() == one[2][name].sum()
            assert other[2][name].shape == other[1][name].shape
    assert padding_share(packed) < padding_share(plain)


def test_an_example_that_is_longer_than_a_row_makes_the_row_longer():
    plain = plain_batches(tiny.pretrainer())
    longest = max(batch[0]["padding_mask"].sum(1).max() for batch in numbers(plain))
    packed = numbers(packed_batches(plain, 8))
    assert max(batch[0]["token_ids"].shape[1] for batch in packed) == longest
    assert packed_batches(plain, LENGTH, multiple_of=16).map(lambda x, *_: tf.shape(x["token_ids"])[1]).reduce(
        0, tf.maximum
    ) in (16, 32)


def loss_and_gradient(model: Any, x: Any, y: Any, weights: Any) -> tuple[float, dict[str, np.ndarray]]:
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True), weights)
    gradients = tape.gradient(loss, model.trainable_variables)
    dense = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
    return float(loss), dict(zip((variable.path for variable in model.trainable_variables), dense, strict=True))


@pytest.mark.parametrize(
    ("next_sentence", "changes"),
    [
        (True, {"num_hidden_layers": 2}),
        (False, {}),
        (True, {"position_embedding_type": "sinusoidal", "norm_first": True}),
    ],
    ids=["both objectives", "masked words", "sinusoids and pre-LN"],
)
def test_losses_and_gradients_are_those_of_one_example_a_row(next_sentence: bool, changes: dict):
    plain, packing = pair(next_sentence, **changes)
    for model in (plain, packing):
        model.compile("sgd")
    batches = plain_batches(plain)
    for one, other in zip(batches, packed_batches(batches, LENGTH), strict=True):
        loss, gradients = loss_and_gradient(plain, *one)
        found, others = loss_and_gradient(packing, *other)
        assert found == pytest.approx(loss, abs=1e-5)
        assert others.keys() == gradients.keys()
        assert len(gradients) == len(plain.trainable_variables)
        for path, gradient in gradients.items():
            np.testing.assert_allclose(others[path], gradient, rtol=0, atol=1e-5, err_msg=path)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_step_leaves_the_same_weights_and_counts_the_same(optimizer: str):
    """In the graph of `fit`, in parts, and with the gradient of the position table as its optimizer gets it."""
    plain, packing = pair()
    batches = plain_batches(plain)
    logs = []
    for model, data in ((plain, batches), (packing, packed_batches(batches, LENGTH))):
        made = {"adamw": lambda: AdamW(1e-3, 0.01, global_clipnorm=1.0), "sgd": lambda: keras.optimizers.SGD(0.1)}
        model.compile(made[optimizer](), accumulate=2 if optimizer == "sgd" else 1)
        logs.append({name: values[0] for name, values in model.fit(data, verbose=0).history.items()})
    assert logs[1].keys() == logs[0].keys()
    for name in logs[0].keys() - {"loss"}:  # which Keras weighs by rows
        assert logs[1][name] == pytest.approx(logs[0][name], rel=1e-5), name
    assert logs[0]["tokens"] == sum(batch[0]["padding_mask"].sum() for batch in numbers(batches))
    for old, new in zip(plain.weights_by_name(), packing.weights_by_name(), strict=True):
        np.testing.assert_allclose(new.read(), old.read(), rtol=0, atol=2e-5, err_msg=old.name)


def test_scores_are_those_of_one_example_a_row():
    plain, packing = pair()
    batches = plain_batches(plain)
    expected = plain.evaluate_examples(batches)
    assert packing.evaluate_examples(packed_batches(batches, LENGTH)) == pytest.approx(expected, rel=1e-5)
    examples = tiny.pretraining_examples()
    expected = plain.evaluate_examples(examples, batch_size=8, seed=3)
    assert packing.evaluate_examples(examples, batch_size=8, seed=3) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.03), ("mixed_float16", 3e-3)]
)
def test_in_mixed_precision_and_recomputed(policy: str, tolerance: float):
    plain, packing = pair(dtype=policy)
    packing.encoder.gradient_checkpointing = True
    batches = plain_batches(plain, count=12)
    [one], [other] = batches, packed_batches(batches, LENGTH)
    for model in (plain, packing):
        model.compile("sgd")
    loss, gradients = loss_and_gradient(plain, *one)
    found, others = loss_and_gradient(packing, *other)
    assert found == pytest.approx(loss, rel=tolerance)
    expected, computed = (
        np.concatenate([values[path].ravel() for path in sorted(gradients)]) for values in (gradients, others)
    )
    assert np.linalg.norm(computed - expected) < tolerance * np.linalg.norm(expected)


class OneOfTwo:
    """The context of one of two replicas, the other of which has no rows."""

    num_replicas_in_sync = 2

    def all_reduce(self, _: Any, value: Any) -> Any:
        return value


@pytest.mark.parametrize("replicas", [1, 2])
def test_static_shapes_change_no_loss(replicas: int, monkeypatch: pytest.MonkeyPatch):
    _, packing = pair()
    packing.compile("sgd")
    packed = packed_batches(plain_batches(packing), LENGTH)
    if replicas == 2:
        monkeypatch.setattr("tensorflow.distribute.get_replica_context", OneOfTwo)
    filled = static_packed_batches(packed, 160, LENGTH)
    for one, other in zip(packed, filled, strict=True):
        assert other[0]["token_ids"].shape[0] % 5 == 0
        assert other[0]["token_ids"].shape[0] != one[0]["token_ids"].shape[0]
        assert other[0]["token_ids"].shape[1] == LENGTH
        assert [part.shape[1] % 2 for part in (other[0]["mask_positions"], other[0]["cls_positions"])] == [0, 0]
        loss, gradients = loss_and_gradient(packing, *one)
        found, others = loss_and_gradient(packing, *other)
        assert found == pytest.approx(loss, rel=1e-5)
        for path, gradient in gradients.items():
            np.testing.assert_allclose(others[path], gradient, rtol=0, atol=1e-5, err_msg=path)
