"""BertCausalLM: no look to the right, scores worked out by hand, folders that others open."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.checkpoints import Checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertCausalLM, BertPretrainer, BertSeq2Seq, open_task
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.training import make_strategy
from tests.forked_process import run_python
from tests.layer_test_case import randomize
from tests.tasks import tiny


def causal_lm(packing: bool = False, seed: int = 0, **changes: Any) -> BertCausalLM:
    """A model with weights that are large enough for the words to differ."""
    keras.utils.set_random_seed(seed)
    encoder = BertEncoder(tiny.config(**changes), use_pooler=False, attention="causal", packing=packing)
    model = BertCausalLM(encoder, tiny.preprocessor())
    randomize(model, seed, 0.2)
    return model


def texts(count: int = 12, seed: int = 0) -> tf.data.Dataset:
    """Texts of random tokens, as the objective `mlm` makes them."""
    pairs = tiny.pretraining_examples(count, seed)
    return pairs.map(lambda row: {"token_ids": row["token_ids"], "first_length": tf.size(row["token_ids"])})


def log_probabilities(logits: Any) -> np.ndarray:
    logits = np.asarray(logits, np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.fixture(scope="module")
def model() -> BertCausalLM:
    return causal_lm()


def test_no_hidden_state_hears_of_what_comes_later(model: BertCausalLM):
    ids = tf.range(5, 13)[None]  # each token once, so that the gradient of a row of the table is that of a place
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    table = model.encoder.embeddings.word_embeddings
    for place in (0, 3, 7):
        with tf.GradientTape() as tape:
            hidden = model.encoder(inputs)["sequence_output"][0, place]
            number = tf.reduce_sum(hidden * tf.range(1.0, hidden.shape[0] + 1.0))
        moved = tf.norm(tf.convert_to_tensor(tape.gradient(number, table.value)), axis=1).numpy()[5:13]
        assert (moved[: place + 1] > 1e-6).all()
        assert (moved[place + 1 :] == 0).all()


def test_scores_by_hand(model: BertCausalLM):
    """The true tokens' probabilities, one by one, in float64."""
    losses, right, labels = [], 0, []
    for row in texts(6).as_numpy_iterator():
        ids = row["token_ids"][None]
        places = np.arange(ids.shape[1] - 1, dtype="int32")[None]
        inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1, "mask_positions": places}
        found = log_probabilities(model(inputs)["token"])[0]
        losses += [-found[place, ids[0, place + 1]] for place in places[0]]
        right += int((found.argmax(-1) == ids[0, 1:]).sum())
        labels += ids[0, 1:].tolist()
    scores = model.evaluate_examples(texts(6), batch_size=4)
    assert scores["loss"] == scores["token_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert scores["perplexity"] == pytest.approx(np.exp(np.mean(losses)), rel=1e-5)
    assert scores["token_accuracy"] == right / len(losses)
    assert scores["unigram_accuracy"] == np.bincount(labels).max() / len(labels)


def test_answers_are_the_mean_over_the_tokens_of_a_text_whatever_stands_beside_it(model: BertCausalLM):
    answers = model.answer(tiny.TEXTS)
    ids = [model.tokenizer([text]).to_list()[0] for text in tiny.TEXTS]
    for answer, pieces, text in zip(answers, ids, tiny.TEXTS, strict=True):
        assert answer["tokens"] == len(pieces) + 1  # the end is one
        assert answer["perplexity"] == pytest.approx(np.exp(-answer["score"]), rel=1e-5)
        assert model.answer([text])[0]["score"] == pytest.approx(answer["score"], rel=1e-5)


@pytest.mark.slow
def test_the_saved_model_gives_the_same_scores(model: BertCausalLM, tmp_path: Path):
    answers = model.answer(tiny.TEXTS)
    model.export(tmp_path / "saved")
    signatures = tf.saved_model.load(str(tmp_path / "saved")).signatures
    served = signatures["serving_default"](text=tf.constant(tiny.TEXTS))
    np.testing.assert_allclose(served["score"], [answer["score"] for answer in answers], rtol=1e-5)
    assert signatures["serving_default"](text=tf.constant([""]))["tokens"].numpy() == [1]
    token_ids = model.preprocessor(tf.constant(tiny.TEXTS))
    np.testing.assert_allclose(signatures["token_ids"](**token_ids)["score"], served["score"], rtol=1e-5)


def test_packed_rows_give_the_loss_and_the_gradient_of_one_a_row():
    found = []
    for packing in (False, True):
        model = causal_lm(packing, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        model.compile("sgd")
        [(inputs, targets, weights)] = model.batches(texts(), 12, **({"row_length": 24} if packing else {}))
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, targets, model(inputs, training=True), weights)
        gradients = tape.gradient(loss, model.trainable_variables)
        found.append((len(inputs["token_ids"]), float(loss), [tf.convert_to_tensor(part) for part in gradients]))
    (plain_rows, plain_loss, plain), (packed_rows, packed_loss, packed) = found
    assert packed_rows < plain_rows
    assert packed_loss == pytest.approx(plain_loss, rel=1e-5)
    for one, other in zip(plain, packed, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_accumulated_steps_learn_every_token():
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "num_hidden_layers": 1}
    ends = []
    for parts in (1, 2):
        model = causal_lm(**config)
        model.compile(keras.optimizers.SGD(0.5), accumulate=parts)
        logs = model.fit(model.batches(texts(), 6), epochs=2, verbose=0).history
        assert logs["loss"][-1] < logs["loss"][0]
        assert logs["perplexity"][-1] == pytest.approx(np.exp(logs["token_loss"][-1]), rel=1e-4)
        ends.append(model.get_weights())
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-4)


def trained(strategy: str) -> tuple[list[np.ndarray], dict[str, float], dict[str, float]]:
    """One epoch of plain gradient descent; returns the weights, and what training and evaluation count."""
    config = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "num_hidden_layers": 1}
    with make_strategy(strategy).scope():
        model = causal_lm(**config)
        model.compile(keras.optimizers.SGD(0.5))
    batches = model.batches(texts(24), 7)  # rows of 6 to 20 tokens, seven among two
    logs = model.fit(batches, verbose=0).history
    return model.get_weights(), {name: values[0] for name, values in logs.items()}, model.evaluate_examples(batches)


TWO_REPLICAS = """
import json, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.tasks.pretraining.causal_lm_test import trained
weights, *counted = trained("mirrored")
np.savez(sys.argv[1], *weights)
print(json.dumps(counted))
"""


@pytest.mark.slow
def test_two_replicas_learn_and_count_as_one(tmp_path: Path):
    weights, *counted = trained("none")
    by_two = json.loads(run_python(TWO_REPLICAS, tmp_path / "two.npz"))
    with np.load(tmp_path / "two.npz") as two:
        for name, one in zip(two.files, weights, strict=True):
            np.testing.assert_allclose(two[name], one, rtol=0, atol=2e-5)
    for one, other in zip(counted, by_two, strict=True):
        assert other == pytest.approx(one, rel=1e-4)


def test_a_saved_folder_writes_and_is_trained_on(model: BertCausalLM, tmp_path: Path):
    model.save_preset(tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert (config["architectures"], config["is_decoder"]) == (["BertLMHeadModel"], True)
    again = BertCausalLM.from_preset(tmp_path / "model")
    assert not again.load_report.new
    assert again.answer(tiny.TEXTS[:1]) == model.answer(tiny.TEXTS[:1])
    assert type(open_task(tmp_path / "model")) is BertSeq2Seq
    writer = BertSeq2Seq.from_preset(tmp_path / "model", max_target_length=8)
    assert (writer.encoder.attention, writer.preprocessor.max_length) == ("causal", 24)
    assert not writer.load_report.new
    inputs = {**model.preprocessor(tf.constant(tiny.TEXTS)), "mask_positions": tf.zeros([len(tiny.TEXTS), 1], tf.int32)}
    expected = model(inputs)["token"]
    inputs["target_positions"] = inputs.pop("mask_positions")
    np.testing.assert_allclose(writer(inputs), expected, rtol=0, atol=1e-6)
    with pytest.raises(InputError, match=r"is_decoder is true; .* only BertSeq2Seq and BertCausalLM follow"):
        BertPretrainer.from_preset(tmp_path / "model")


def test_the_word_head_of_another_task_is_taken(tmp_path: Path):
    other = tiny.pretrainer(next_sentence=False, head_activation="relu", head_layer_norm_eps=1e-5)
    other.save_preset(tmp_path / "masked")
    model = BertCausalLM.from_preset(tmp_path / "masked")
    assert (model.word_head.activation, model.word_head.layer_norm_epsilon) == ("relu", 1e-5)
    assert not model.load_report.new
    BertSeq2Seq.from_preset(tmp_path / "masked", max_target_length=8).save_preset(tmp_path / "writer")
    model = BertCausalLM.from_preset(tmp_path / "writer")
    assert (model.word_head.activation, model.word_head.layer_norm_epsilon) == ("relu", 1e-5)
    fresh = BertCausalLM.from_preset(tmp_path / "masked", new_heads=True)
    assert (fresh.word_head.activation, fresh.word_head.layer_norm_epsilon) == ("gelu", 1e-12)
    vocabulary = tiny.preprocessor().tokenizer
    from_nothing = BertCausalLM.from_preset(
        Checkpoint(tiny.config(), {}, "nothing", vocabulary=vocabulary.get_vocabulary())
    )
    assert len(from_nothing.load_report.new) == len(from_nothing.weights_by_name())


def test_examples_of_other_objectives_are_refused(model: BertCausalLM):
    with pytest.raises(InputError, match="are pairs of texts, half of them random"):
        model.batches(tiny.pretraining_examples())
    hidden = texts().map(lambda row: {**row, "mask_positions": row["token_ids"], "mask_labels": row["token_ids"]})
    with pytest.raises(InputError, match="words hidden for good"):
        model.batches(hidden)
    with pytest.raises(InputError, match="masker must be None"):
        model.batches(texts(), masker=TokenMasker(model.tokenizer))
    for options in ({"use_pooler": True, "attention": "causal"}, {"use_pooler": False}):
        with pytest.raises(InputError, match="BertCausalLM needs an encoder with use_pooler=False and attention="):
            BertCausalLM(BertEncoder(tiny.config(), **options), tiny.preprocessor())


@pytest.mark.parity
def test_the_logits_are_those_of_transformers(model: BertCausalLM, tmp_path: Path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model.save_preset(tmp_path / "model")
    peer = transformers.BertLMHeadModel.from_pretrained(tmp_path / "model").eval()
    [(inputs, *_)] = model.batches(texts(), 12)
    places = tf.tile(tf.range(inputs["token_ids"].shape[1])[None], [12, 1])
    ours = model({**inputs, "mask_positions": places})["token"].numpy()
    with torch.no_grad():
        theirs = peer(
            torch.tensor(inputs["token_ids"].numpy()), attention_mask=torch.tensor(inputs["padding_mask"].numpy())
        ).logits.numpy()
    real = inputs["padding_mask"].numpy() > 0
    np.testing.assert_allclose(ours[real], theirs[real], rtol=0, atol=1e-4)
