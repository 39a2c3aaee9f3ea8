"""BertPretrainer under the masks of UniLM: who sees whom, each mask's scores, and the folder as a start for writing."""

import json
import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.pretraining.unilm_examples import FIRST_SEGMENTS, unilm_examples
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertCausalLM, BertClassifier, BertPretrainer, BertSeq2Seq
from tests.layer_test_case import randomize
from tests.tasks import tiny


def pretrainer(next_sentence: bool = True, packing: bool = False, seed: int = 0) -> BertPretrainer:
    keras.utils.set_random_seed(seed)
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = tiny.config(type_vocab_size=6, num_hidden_layers=1, **dropout)
    encoder = BertEncoder(config, use_pooler=next_sentence, attention="unilm", packing=packing)
    model = BertPretrainer(encoder, tiny.preprocessor(), next_sentence=next_sentence)
    randomize(model, seed, 0.2)
    return model


def examples(masks: tuple[str, ...] = tuple(FIRST_SEGMENTS), count: int = 24) -> tf.data.Dataset:
    """Random texts, with every fifth token hidden already, so that the same are in every batch."""
    rng = np.random.default_rng(0)
    documents = [[rng.integers(5, 28, 5).astype("int32") for _ in range(6)] for _ in range(30)]
    made = unilm_examples(documents, 20, random.Random(0), cls_id=2, sep_id=3, short_seq_probability=0.5)
    rows = [row for row in made if row.first_segment in {FIRST_SEGMENTS[mask] for mask in masks}][:count]

    def dicts() -> Any:
        for row in rows:
            places = np.arange(1, len(row.token_ids) - 1, 5, dtype="int32")
            hidden = row.token_ids.copy()
            hidden[places] = 4
            labels = row.token_ids[places]
            yield {**row._asdict(), "token_ids": hidden, "mask_positions": places, "mask_labels": labels}

    lists = ("token_ids", "mask_positions", "mask_labels")
    names = (*lists, "first_length", "next_sentence_label", "first_segment")
    spec = {name: tf.TensorSpec([None] if name in lists else [], tf.int32) for name in names}
    dataset = tf.data.Dataset.from_generator(dicts, output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(rows)))


@pytest.fixture(scope="module")
def model() -> BertPretrainer:
    return pretrainer()


@pytest.mark.parametrize("mask", FIRST_SEGMENTS)
def test_no_hidden_state_hears_of_what_its_mask_hides(model: BertPretrainer, mask: str):
    ids = tf.range(5, 13)[None]  # each token once, so that the gradient of a row of the table is that of a place
    segments = np.full((1, 8), FIRST_SEGMENTS[mask], "int32")
    segments[0, 4:] += mask in ("bidirectional", "sequence_to_sequence")
    inputs = {"token_ids": ids, "segment_ids": tf.constant(segments), "padding_mask": 0 * ids + 1}
    table = model.encoder.embeddings.word_embeddings
    seen = {
        "bidirectional": lambda place: range(8),
        "left_to_right": lambda place: range(place + 1),
        "right_to_left": lambda place: range(place, 8),
        "sequence_to_sequence": lambda place: range(max(place + 1, 4)),
    }[mask]
    for place in (0, 2, 5, 7):
        with tf.GradientTape() as tape:
            hidden = model.encoder(inputs)["sequence_output"][0, place]
            number = tf.reduce_sum(hidden * tf.range(1.0, hidden.shape[0] + 1.0))
        moved = tf.norm(tf.convert_to_tensor(tape.gradient(number, table.value)), axis=1).numpy()[5:13]
        assert np.flatnonzero(moved).tolist() == list(seen(place))


def test_batches_have_segments_and_next_sentences_of_pairs_to_both_sides_alone(model: BertPretrainer):
    kinds = set()
    for inputs, _, weights in model.batches(examples(), 8).as_numpy_iterator():
        for row, mask in enumerate(inputs["padding_mask"]):
            segments = inputs["segment_ids"][row][mask > 0]
            kinds.add(tuple(np.unique(segments).tolist()))
            assert weights["next_sentence"][row] == (segments[0] == 0)
    assert kinds == {(0, 1), (2,), (3,), (4, 5)}


def test_packed_rows_give_the_loss_and_the_gradient_of_one_a_row(model: BertPretrainer):
    found, plain = [], model
    for packing in (False, True):
        model = pretrainer(packing=packing)
        for old, new in zip(plain.weights_by_name(), model.weights_by_name(), strict=True):
            new.write(old.read())
        model.compile("sgd")
        [(inputs, targets, weights)] = model.batches(examples(), 24, **({"row_length": 24} if packing else {}))
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, targets, model(inputs, training=True), weights)
        gradients = tape.gradient(loss, model.trainable_variables)
        parts = {
            variable.path: tf.convert_to_tensor(gradient)
            for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        }
        found.append((len(inputs["token_ids"]), float(loss), parts))
    (plain_rows, plain_loss, one), (packed_rows, packed_loss, other) = found
    assert packed_rows < plain_rows
    assert packed_loss == pytest.approx(plain_loss, rel=1e-5)
    assert one.keys() == other.keys()
    for path, gradient in one.items():
        np.testing.assert_allclose(other[path], gradient, rtol=0, atol=2e-5, err_msg=path)


def test_each_mask_has_the_scores_that_its_examples_have_alone():
    model = pretrainer(next_sentence=False)
    [batch] = model.batches(examples(), 24)
    together = model.evaluate_examples([batch])
    for mask, first in FIRST_SEGMENTS.items():
        rows = tf.where(batch[0]["segment_ids"][:, 0] == first)[:, 0]
        alone = model.evaluate_examples(
            [tf.nest.map_structure(lambda tensor, rows=rows: tf.gather(tensor, rows), batch)]
        )
        assert together[f"{mask}_perplexity"] == pytest.approx(alone["perplexity"], rel=1e-5)
        assert together[f"{mask}_accuracy"] == pytest.approx(alone["masked_lm_accuracy"], rel=1e-5)
        assert [name for name in alone if name.endswith("_perplexity")] == [f"{mask}_perplexity"]


def test_a_saved_folder_goes_on_as_all_that_it_has_learned_to_be(model: BertPretrainer, tmp_path: Path):
    model.save_preset(tmp_path / "model")
    assert json.loads((tmp_path / "model/config.json").read_text())["architectures"] == ["BertForPreTraining"]
    again = BertPretrainer.from_preset(tmp_path / "model")
    assert (again.encoder.attention, again.encoder.config.type_vocab_size) == ("unilm", 6)
    assert not again.load_report.new

    ids = tf.constant([[2, 5, 6, 3, 7, 8, 9, 3]])
    ones, places = tf.ones_like(ids), tf.constant([[3, 4, 6]])
    second = tf.constant([[0, 0, 0, 0, 1, 1, 1, 1]])
    inputs = {"token_ids": ids, "padding_mask": ones}
    expected = model({**inputs, "segment_ids": second + 4, "mask_positions": places})["masked_lm"]
    writer = BertSeq2Seq.from_preset(tmp_path / "model", max_target_length=8)
    assert writer.encoder.config.type_vocab_size == 2
    assert not writer.load_report.new
    found = writer({**inputs, "segment_ids": second, "target_positions": places})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

    expected = model({**inputs, "segment_ids": 2 * ones, "mask_positions": places})["masked_lm"]
    left_to_right = BertCausalLM.from_preset(tmp_path / "model")
    found = left_to_right({**inputs, "segment_ids": 0 * ones, "mask_positions": places})["token"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

    expected = model.encoder({**inputs, "segment_ids": second})["sequence_output"]
    classifier = BertClassifier.from_preset(tmp_path / "model", labels=["a", "b"])
    found = classifier.encoder({**inputs, "segment_ids": second})["sequence_output"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_it_begins_at_a_bert_with_two_segments(tmp_path: Path):
    tiny.pretrainer().save_preset(tmp_path / "bert")
    model = BertPretrainer.from_preset(tmp_path / "bert", attention="unilm")
    assert not model.load_report.new
    table = model.encoder.embeddings.token_type_embeddings.numpy()
    np.testing.assert_array_equal(table, table[[0, 1, 0, 0, 0, 1]])


def test_what_does_not_go_together_is_refused(model: BertPretrainer):
    with pytest.raises(InputError, match=r"attention='unilm', and the examples are for another"):
        model.batches(tiny.pretraining_examples())
    with pytest.raises(InputError, match=r"attention='bidirectional', and the examples are for unilm"):
        tiny.pretrainer().batches(examples())
    with pytest.raises(ValueError, match="needs type_vocab_size=6"):
        BertEncoder(tiny.config(), attention="unilm")
    encoder = BertEncoder(tiny.config(), use_pooler=False, attention="causal")
    with pytest.raises(InputError, match="BertCausalLM is for models from left to right"):
        BertPretrainer(encoder, tiny.preprocessor(), next_sentence=False)
