"""Checkpoints written by Google's, Model Garden's, KerasHub's and Hugging Face's own code give those codes' outputs."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from keras_bert.checkpoints import encoder_weights, load_weights, open_checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.serving.frozen import frozen
from keras_bert.serving.signature import Signature
from keras_bert.tasks import BertClassifier

FOLDERS = (
    "google_tf1_gelu",
    "hf_multiple_choice",
    "hf_pretraining_erf",
    "hf_question_answering",
    "hf_sequence_classification",
    "hf_token_classification",
    "keras_hub_masked_lm",
    "model_garden_encoder_model",
    "model_garden_encoder_v2",
    "model_garden_pretrainer",
)
INPUTS = ("token_ids", "segment_ids", "padding_mask")
TOLERANCE = 1e-4


def in_graph(encoder: BertEncoder, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Calls an encoder as an export with `freeze` does: its weights are constants, and TensorFlow fuses what it can."""
    places = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    signature = frozen(encoder, {"all": Signature(lambda **inputs: encoder(inputs, training=False), places)})["all"]
    function = tf.function(signature.function).get_concrete_function(**signature.inputs)
    return function(**{name: tf.constant(array, tf.int32) for name, array in inputs.items()})


@pytest.mark.parametrize(
    "option", ["plain", "unpadded", pytest.param("frozen", marks=pytest.mark.slow), "frozen and unpadded"]
)
@pytest.mark.parametrize("folder", FOLDERS)
def test_outputs_equal_those_of_the_code_that_wrote_the_checkpoint(shared_data, folder, option):
    path = shared_data / "checkpoints" / folder
    reference = np.load(path / "reference_outputs.npz")
    checkpoint = open_checkpoint(path)
    encoder = BertEncoder(
        checkpoint.config,
        use_pooler="pooled_output" in reference,
        output_hidden_states=True,
        unpad="unpadded" in option,
    )
    report = load_weights(encoder_weights(encoder), checkpoint)
    assert not report.new
    # Multiple choice has (rows, choices, tokens); the encoder sees each choice as a row.
    inputs = {name: reference[name].reshape(-1, reference[name].shape[-1]) for name in INPUTS}
    outputs = in_graph(encoder, inputs) if "frozen" in option else encoder(inputs)
    real = reference["padding_mask"].reshape(-1, reference["padding_mask"].shape[-1]).astype(bool)
    compared = 0
    for name in reference.files:
        if name.startswith("hidden_"):
            ours = outputs["hidden_states"][int(name.removeprefix("hidden_"))]
        elif name in ("sequence_output", "pooled_output"):
            ours = outputs[name]
        else:
            continue
        theirs = reference[name]
        if name == "pooled_output":
            np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)
        else:
            theirs = theirs.reshape(-1, *theirs.shape[-2:])
            np.testing.assert_allclose(np.asarray(ours)[real], theirs[real], atol=TOLERANCE)
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("folder", [*FOLDERS, "tiny_google_tf1"])
def test_every_variable_of_the_file_is_accounted_for(shared_data, folder):
    checkpoint = open_checkpoint(shared_data / "checkpoints" / folder)
    encoder = BertEncoder(checkpoint.config, use_pooler=any("pooler" in name for name in checkpoint.tensors))
    report = load_weights(encoder_weights(encoder), checkpoint)
    used = set(report.loaded)
    named = {*used, *report.ignored}
    assert set(checkpoint.tensors) <= named
    assert all(report.ignored.values()), "each with a reason"
    assert {weight.name for weight in encoder_weights(encoder)} == used


def test_google_slots_are_passed_over(shared_data):
    ignored = open_checkpoint(shared_data / "checkpoints" / "tiny_google_tf1").ignored
    assert "global_step" in ignored
    assert any(name.endswith("adam_m") for name in ignored)


def test_classifier_gives_the_logits_of_transformers(shared_data):
    path = shared_data / "checkpoints" / "hf_sequence_classification"
    reference = np.load(path / "reference_outputs.npz")
    model = BertClassifier.from_preset(path)
    assert model.labels == ("contradiction", "entailment", "neutral")
    assert not model.load_report.new
    logits = model({name: reference[name] for name in INPUTS})
    np.testing.assert_allclose(logits, reference["logits"], atol=TOLERANCE)


def test_hugging_face_there_and_back_is_bit_for_bit(shared_data, tmp_path):
    path = shared_data / "checkpoints" / "hf_sequence_classification"
    BertClassifier.from_preset(path).save_preset(tmp_path / "again")
    before, after = load_file(path / "model.safetensors"), load_file(tmp_path / "again" / "model.safetensors")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        np.testing.assert_array_equal(tensor, after[name], err_msg=name)
