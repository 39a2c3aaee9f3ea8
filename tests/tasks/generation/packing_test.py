"""A model that writes and learns from packed rows: the truth is one example a row, with the same weights."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import padding_share
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq
from tests.tasks import tiny
from tests.tasks.tiny_sequences import rows, writer


def pair(mask: str) -> tuple[BertSeq2Seq, BertSeq2Seq]:
    """A model, and one with the same weights for packed rows."""
    plain = writer(mask, config=tiny.without_dropout())
    encoder = BertEncoder.from_config({**plain.encoder.get_config(), "packing": True})
    packing = BertSeq2Seq(encoder, plain.preprocessor, max_target_length=8, generation={"num_beams": 3})
    for old, new in zip(plain.weights_by_name(), packing.weights_by_name(), strict=True):
        new.write(old.read())
    return plain, packing


@pytest.mark.parametrize("mask", ["prefix", pytest.param("causal", marks=pytest.mark.slow)])
def test_losses_gradients_scores_and_answers_are_those_of_one_example_a_row(mask: str):
    plain, packing = pair(mask)
    [one], [packed] = plain.batches(rows(), 8), packing.batches(rows(), 8)
    assert len(packed[0]["token_ids"]) < len(one[0]["token_ids"])
    assert packed[0]["token_ids"].shape[1] <= packing.longest_row
    assert tf.reduce_sum(packed[2]) == tf.reduce_sum(one[2])

    def loss_and_gradients(model: BertSeq2Seq, batch: tuple) -> tuple[float, list[np.ndarray]]:
        model.compile("sgd")
        with tf.GradientTape() as tape:
            loss = model.compute_loss(*batch[:2], model(batch[0], training=True), batch[2])
        gradients = tape.gradient(loss, model.trainable_variables)
        return float(loss), [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]

    (loss, gradients), (found, others) = loss_and_gradients(plain, one), loss_and_gradients(packing, packed)
    assert found == pytest.approx(loss, abs=1e-5)
    for gradient, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(other, gradient, rtol=0, atol=1e-5)
    assert packing.evaluate_rows(rows()) == pytest.approx(plain.evaluate_rows(rows()), abs=1e-5)
    for answer, other in zip(plain.answer(tiny.TEXTS), packing.answer(tiny.TEXTS), strict=True):
        assert (other["text"], other["score"]) == (answer["text"], pytest.approx(answer["score"], abs=1e-5))


def test_shuffled_rows_of_unlike_lengths_share_rows_and_each_is_there_once():
    plain, packing = pair("prefix")
    many = rows().repeat(6)
    batches = packing.batches(many, 16, shuffle=True, seed=3)
    assert batches.cardinality() == 3
    assert padding_share(batches) < padding_share(plain.batches(many, 16, keep_order=True))
    seen = [sum(int(tf.reduce_sum(weights)) for *_, weights in model.batches(many, 16)) for model in (plain, packing)]
    assert sum(int(tf.reduce_sum(weights)) for *_, weights in batches) == seen[0] == seen[1]
    with pytest.raises(InputError, match="shuffle and keep_order exclude each other"):
        packing.batches(many, 16, shuffle=True, keep_order=True)


def test_what_is_saved_does_not_pack(tmp_path):
    _, packing = pair("prefix")
    packing.save_preset(tmp_path / "model")
    assert not BertSeq2Seq.from_preset(tmp_path / "model").encoder.packing
    assert BertSeq2Seq.from_preset(tmp_path / "model", packing=True).encoder.packing
