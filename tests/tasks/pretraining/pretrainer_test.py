"""BertPretrainer: the outputs of those who wrote the checkpoints, learning, answers, folders."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.checkpoints import Checkpoint, open_checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertPretrainer, open_task
from keras_bert.tasks.pretraining.scores import unigram_accuracy
from keras_bert.text.masks.masking import TokenMasker
from tests.encoder_pooled_test import products_behind
from tests.tasks import tiny

INPUTS = ("token_ids", "segment_ids", "padding_mask", "mask_positions")
TOLERANCE = 1e-4


def reference_inputs(reference: Any) -> dict[str, np.ndarray]:
    rows, tokens = reference["token_ids"].shape
    everywhere = np.tile(np.arange(tokens, dtype="int32"), (rows, 1))
    return {name: reference.get(name, everywhere) for name in INPUTS}


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize(
    "folder", ["google_tf1_gelu", "hf_pretraining_erf", "keras_hub_masked_lm", "model_garden_pretrainer"]
)
def test_the_heads_give_what_the_code_that_wrote_them_gives(shared_data: Path, folder: str):
    path = shared_data / "checkpoints" / folder
    reference = np.load(path / "reference_outputs.npz")
    model = BertPretrainer.from_preset(path)
    assert not model.load_report.new
    outputs = {name: value.numpy() for name, value in model(reference_inputs(reference)).items()}
    compared = 0
    for name, theirs in reference.items():
        if name in ("masked_lm_logits", "prediction_logits"):
            ours = outputs["masked_lm"]
        elif name in ("next_sentence_logits", "seq_relationship_logits"):
            ours = outputs["next_sentence"]
        elif name.endswith("_log_probs"):
            ours = log_softmax(outputs[name.removesuffix("_log_probs")]).reshape(theirs.shape)
        else:
            continue
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)
        compared += 1
    assert compared == (1 if folder == "keras_hub_masked_lm" else 2)


def test_the_losses_are_googles(shared_data: Path):
    path = shared_data / "checkpoints" / "google_tf1_gelu"
    reference = np.load(path / "reference_outputs.npz")
    assert not reference["mask_weights"].all()
    model = BertPretrainer.from_preset(path)
    labels = reference["next_sentence_labels"][:, 0]
    targets = {"masked_lm": reference["mask_labels"], "next_sentence": labels}
    weights = {"masked_lm": reference["mask_weights"], "next_sentence": np.ones(len(labels), "float32")}
    scores = model.evaluate_examples([(reference_inputs(reference), targets, weights)])
    model.compile("sgd")
    compiled = model.evaluate(reference_inputs(reference), targets, sample_weight=weights, verbose=0, return_dict=True)
    for found in (scores, compiled):
        assert found["masked_lm_loss"] == pytest.approx(float(reference["masked_lm_loss"]), abs=TOLERANCE)
        assert found["next_sentence_loss"] == pytest.approx(float(reference["next_sentence_loss"]), abs=TOLERANCE)
        assert found["loss"] == pytest.approx(found["masked_lm_loss"] + found["next_sentence_loss"], abs=TOLERANCE)


def test_tiny_google_checkpoint_brings_its_heads(shared_data: Path):
    model = BertPretrainer.from_preset(shared_data / "checkpoints" / "tiny_google_tf1")
    assert not model.load_report.new
    assert "cls.predictions.transform.LayerNorm.weight" in model.load_report.loaded
    assert "cls.seq_relationship.weight" in model.load_report.loaded


def test_model_gardens_inner_layer_is_the_pooler_and_the_callers_checkpoint_stays(shared_data: Path):
    checkpoint = open_checkpoint(shared_data / "checkpoints" / "model_garden_pretrainer")
    before = set(checkpoint.tensors)
    model = BertPretrainer.from_preset(checkpoint)
    inner = checkpoint.tensors["cls.seq_relationship.dense.weight"]
    np.testing.assert_array_equal(model.encoder.pooler.dense.kernel.numpy().T, inner)
    assert set(checkpoint.tensors) == before


def test_keras_hubs_head_keeps_its_activation_and_epsilon(shared_data: Path, tmp_path: Path):
    model = BertPretrainer.from_preset(shared_data / "checkpoints" / "keras_hub_masked_lm")
    head = model.masked_lm_head
    assert (head.activation, head.layer_norm_epsilon, model.next_sentence) == ("gelu", 1e-5, False)
    model.save_preset(tmp_path / "model")
    assert json.loads((tmp_path / "model/config.json").read_text())["architectures"] == ["BertForMaskedLM"]
    head = BertPretrainer.from_preset(tmp_path / "model").masked_lm_head
    assert (head.activation, head.layer_norm_epsilon) == ("gelu", 1e-5)
    head = BertPretrainer.from_preset(tmp_path / "model", new_heads=True).masked_lm_head
    assert (head.activation, head.layer_norm_epsilon) == ("gelu_new", 1e-12)


def test_both_heads_read_the_same_hidden_states():
    """In training, too, where the encoder's own `pooled_output` has other dropout."""
    model = tiny.make(BertPretrainer)
    [(inputs, *_)] = model.batches(tiny.pretraining_examples(4), 4)
    traced = tf.function(lambda: model(inputs, training=True)).get_concrete_function()
    rows, tokens = inputs["token_ids"].shape
    found = products_behind(traced.structured_outputs["next_sentence"])
    # Four in each of two blocks, the pooler and the head.
    assert found == [rows] * 2 + [rows * tokens] * 8


# -- learning ------------------------------------------------------------------------------------------


def test_one_batch_can_be_learned_by_heart():
    """The classic check that the whole way from masks to gradients works."""
    keras.utils.set_random_seed(1)
    config = tiny.without_dropout()
    model = BertPretrainer(BertEncoder(config), tiny.preprocessor())
    model.compile(keras.optimizers.Adam(6e-3))
    [batch] = model.batches(tiny.pretraining_examples(16), 16)
    assert batch[2]["masked_lm"].numpy().sum() > 20
    repeated = tf.data.Dataset.from_tensors(batch).repeat(60)
    for _ in range(10):
        model.fit(repeated, verbose=0)
        scores = model.evaluate_examples([batch])
        if scores["masked_lm_loss"] < 0.05 and scores["next_sentence_accuracy"] == 1.0:
            break
    assert scores["masked_lm_loss"] < 0.05
    assert scores["next_sentence_accuracy"] == scores["masked_lm_accuracy"] == 1.0


@pytest.mark.parametrize(
    ("next_sentence", "jit"),
    [(True, False), (False, False), pytest.param(False, True, marks=pytest.mark.slow)],
    ids=["both", "masked words", "masked words, XLA"],
)
def test_fit_counts_over_true_predictions_and_moves_every_weight(next_sentence: bool, jit: bool):
    model = tiny.pretrainer(next_sentence=next_sentence, config=tiny.without_dropout())
    model.compile(keras.optimizers.SGD(0.0), jit_compile=jit)
    # XLA compiles anew for each shape: two batches are enough.
    examples, batch_size = tiny.pretraining_examples(), 12 if jit else 7
    batches = model.batches(examples, batch_size, masker=TokenMasker(model.tokenizer, rate=0.3))
    widths = {inputs["mask_positions"].shape[1] for inputs, *_ in batches}
    assert len(widths) > 1
    logs = {name: values[0] for name, values in model.fit(batches, verbose=0).history.items()}
    scores = model.evaluate_examples(batches)
    for name in scores.keys() - {"loss", "unigram_accuracy"}:
        assert logs[name] == pytest.approx(scores[name], rel=1e-4), name
    assert logs["perplexity"] == pytest.approx(math.exp(logs["masked_lm_loss"]), rel=1e-4)
    assert scores["unigram_accuracy"] == unigram_accuracy(batches) < 0.5
    assert ("next_sentence_accuracy" in logs) == next_sentence

    model.optimizer.learning_rate = 1.0
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(batches.take(1), verbose=0)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert (weight.numpy() != old).any(), weight.path
    # The word table learns as inputs and as outputs: all of its rows move.
    assert (model.encoder.embeddings.word_embeddings.numpy() != before[0]).all(1).all()


def test_in_mixed_precision_the_outputs_and_the_loss_are_float32():
    model = tiny.pretrainer(dtype="mixed_bfloat16")
    model.compile("sgd")
    batches = model.batches(tiny.pretraining_examples(), 8)
    outputs = model(next(iter(batches))[0])
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    single = tiny.pretrainer()
    single.set_weights(model.get_weights())
    half, whole = model.evaluate_examples(batches), single.evaluate_examples(batches)
    assert half["loss"] == pytest.approx(whole["loss"], rel=0.03)


def test_another_loss_is_refused():
    with pytest.raises(InputError, match="own loss"):
        tiny.pretrainer().compile("sgd", loss="mse")


# -- folders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("next_sentence", [True, False])
def test_a_saved_folder_gives_the_same_model(next_sentence: bool, tmp_path: Path):
    model = tiny.pretrainer(next_sentence=next_sentence)
    model.save_preset(tmp_path / "model")
    again = open_task(tmp_path / "model")
    assert type(again) is BertPretrainer
    assert again.next_sentence == next_sentence
    assert not again.load_report.new
    assert not again.load_report.ignored
    for old, new in zip(model.weights_by_name(), again.weights_by_name(), strict=True):
        np.testing.assert_array_equal(old.read(), new.read())
    assert again.answer(["good [MASK]"])[0][0][0]["token"] == model.answer(["good [MASK]"])[0][0][0]["token"]


@pytest.mark.slow
def test_a_keras_file_holds_the_tied_table_once_and_goes_on_learning(tmp_path: Path):
    model = tiny.pretrainer(head_activation="relu", head_layer_norm_eps=0.1, config=tiny.without_dropout())
    model.compile(keras.optimizers.Adam(1e-3))
    batches = model.batches(tiny.pretraining_examples(), 8)
    model.fit(batches, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    assert len(again.weights) == len(model.weights)
    assert again.evaluate_examples(batches) == pytest.approx(model.evaluate_examples(batches), rel=1e-5)
    for one in (model, again):
        one.fit(batches, verbose=0)
    for old, new in zip(model.weights, again.weights, strict=True):
        np.testing.assert_allclose(old.numpy(), new.numpy(), atol=1e-6)


def test_from_nothing_every_weight_is_new():
    checkpoint = Checkpoint(tiny.config(), {}, "nothing", vocabulary=tiny.VOCABULARY)
    model = BertPretrainer.from_preset(checkpoint)
    assert model.next_sentence
    assert len(model.load_report.new) == len(model.weights_by_name())
    assert BertPretrainer.from_preset(checkpoint, next_sentence=False).next_sentence is False


def test_heads_that_a_checkpoint_lacks_start_fresh(tmp_path: Path):
    tiny.classifier().save_preset(tmp_path / "classifier")
    model = BertPretrainer.from_preset(tmp_path / "classifier")
    assert {name.partition(".")[0] for name in model.load_report.new} == {"cls"}
    tiny.pretrainer(next_sentence=False).save_preset(tmp_path / "masked")
    model = BertPretrainer.from_preset(tmp_path / "masked", next_sentence=True)
    assert {name.rpartition(".")[0] for name in model.load_report.new} == {"bert.pooler.dense", "cls.seq_relationship"}


def test_a_new_vocabulary_goes_into_the_model(tmp_path: Path):
    old = tiny.pretrainer()
    old.save_preset(tmp_path / "old")
    vocabulary = [*tiny.SPECIAL, "film", "goodly", "films"]
    model = BertPretrainer.from_preset(tmp_path / "old", vocabulary=vocabulary)
    assert model.tokenizer.get_vocabulary() == vocabulary
    assert any("6 rows carried over" in note for note in model.load_report.notes)
    table = old.encoder.embeddings.word_embeddings.numpy()
    film = tiny.VOCABULARY.index("film")
    np.testing.assert_array_equal(model.encoder.embeddings.word_embeddings.numpy()[5], table[film])
    assert model.masked_lm_head.bias.numpy()[5] == old.masked_lm_head.bias.numpy()[film]
    pieces = [tiny.VOCABULARY.index(token) for token in ("good", "##ly")]
    np.testing.assert_allclose(model.encoder.embeddings.word_embeddings.numpy()[6], table[pieces].mean(0), atol=1e-6)


def test_an_output_matrix_of_its_own_is_refused(tmp_path: Path):
    tiny.pretrainer().save_preset(tmp_path / "model")
    checkpoint = open_checkpoint(tmp_path / "model")
    checkpoint.tensors["cls.predictions.decoder.weight"] = np.zeros((len(tiny.VOCABULARY), 32), "float32")
    with pytest.raises(InputError, match=r"matrix of its own.*new_heads=True"):
        BertPretrainer.from_preset(checkpoint)
    model = BertPretrainer.from_preset(checkpoint, new_heads=True)
    assert {name.partition(".")[0] for name in model.load_report.new} == {"cls"}


def test_the_pooler_must_fit():
    with pytest.raises(InputError, match="use_pooler=True"):
        BertPretrainer(BertEncoder(tiny.config(), use_pooler=False), tiny.preprocessor())


TRANSFORMERS = """
import json, sys
import torch, transformers
folder, inputs = sys.argv[1], json.loads(sys.argv[2])
[architecture] = json.load(open(folder + "/config.json"))["architectures"]
model, loading = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True)
for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
    assert not loading[kind], loading
decoder = model.get_output_embeddings()
assert decoder.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr(), "not tied"
names = {"token_ids": "input_ids", "segment_ids": "token_type_ids", "padding_mask": "attention_mask"}
with torch.no_grad():
    outputs = model.eval()(**{theirs: torch.tensor(inputs[ours]) for ours, theirs in names.items()})
masked = outputs.prediction_logits if architecture == "BertForPreTraining" else outputs.logits
follows = outputs.get("seq_relationship_logits")
print(json.dumps([architecture, masked.tolist(), follows.tolist() if follows is not None else None]))
"""


@pytest.mark.parity
@pytest.mark.parametrize(("next_sentence", "architecture"), [(True, "BertForPreTraining"), (False, "BertForMaskedLM")])
def test_a_saved_folder_opens_in_transformers_with_the_same_logits(
    next_sentence: bool, architecture: str, tmp_path: Path
):
    """In a process of its own: torch and TensorFlow share badly."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    model = tiny.pretrainer(next_sentence=next_sentence)
    model.save_preset(tmp_path / "model")
    inputs = {name: value.numpy() for name, value in model.preprocessor(tiny.TEXTS, tiny.PAIRS).items()}
    argument = json.dumps({name: value.tolist() for name, value in inputs.items()})
    command = [sys.executable, "-c", TRANSFORMERS, str(tmp_path / "model"), argument]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found, masked, follows = json.loads(done.stdout.splitlines()[-1])
    assert found == architecture
    everywhere = np.tile(np.arange(inputs["token_ids"].shape[1], dtype="int32"), (len(tiny.TEXTS), 1))
    outputs = model({**inputs, "mask_positions": everywhere})  # all arrays
    np.testing.assert_allclose(masked, outputs["masked_lm"], rtol=0, atol=TOLERANCE)
    if next_sentence:
        np.testing.assert_allclose(follows, outputs["next_sentence"], rtol=0, atol=TOLERANCE)
