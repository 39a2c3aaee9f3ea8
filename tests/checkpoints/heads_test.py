"""Heads, told by their tensors; those for pre-training give the outputs of the code that wrote them."""

import math

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.heads import default_labels, describe_heads, has_head, head_of, unused_reason

ACTIVATIONS = {
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "gelu_new": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def dense(tensors, name, inputs):
    return inputs @ tensors[f"{name}.weight"].T.astype("float64") + tensors[f"{name}.bias"]


def masked_word_logits(checkpoint, hidden):
    """The masked-word head by its formula (google-research/bert, run_pretraining.py, get_masked_lm_output)."""
    tensors, name = checkpoint.tensors, "cls.predictions.transform.LayerNorm"
    settings = {
        "hidden_act": checkpoint.config.hidden_act,
        "layer_norm_eps": checkpoint.config.layer_norm_eps,
        **checkpoint.extra.get("masked_lm", {}),
    }
    hidden = ACTIVATIONS[settings["hidden_act"]](dense(tensors, "cls.predictions.transform.dense", hidden))
    centred = hidden - hidden.mean(-1, keepdims=True)
    hidden = centred / np.sqrt(hidden.var(-1, keepdims=True) + settings["layer_norm_eps"])
    hidden = hidden * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
    return hidden @ tensors["bert.embeddings.word_embeddings.weight"].T + tensors["cls.predictions.bias"]


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def opened(shared_data, name):
    folder = shared_data / "checkpoints" / name
    return open_checkpoint(folder), np.load(folder / "reference_outputs.npz")


@pytest.mark.parametrize("name", ["google_tf1_gelu", "model_garden_pretrainer", "keras_hub_masked_lm"])
def test_masked_word_head_as_read(shared_data, name):
    checkpoint, reference = opened(shared_data, name)
    hidden = np.take_along_axis(reference["sequence_output"], reference["mask_positions"][..., None], 1)
    logits = masked_word_logits(checkpoint, hidden)
    if "masked_lm_logits" in reference:
        np.testing.assert_allclose(logits, reference["masked_lm_logits"], atol=1e-5)
    else:
        theirs = reference["masked_lm_log_probs"].reshape(logits.shape)
        np.testing.assert_allclose(log_softmax(logits), theirs, atol=1e-5)


def test_masked_word_head_of_hugging_face(shared_data):
    checkpoint, reference = opened(shared_data, "hf_pretraining_erf")
    real = reference["padding_mask"].astype(bool)
    logits = masked_word_logits(checkpoint, reference["hidden_3"])
    np.testing.assert_allclose(logits[real], reference["prediction_logits"][real], atol=1e-5)


def test_next_sentence_head_with_and_without_an_inner_layer(shared_data):
    checkpoint, reference = opened(shared_data, "google_tf1_gelu")
    logits = dense(checkpoint.tensors, "cls.seq_relationship", reference["pooled_output"])
    np.testing.assert_allclose(log_softmax(logits), reference["next_sentence_log_probs"], atol=1e-5)

    checkpoint, reference = opened(shared_data, "model_garden_pretrainer")
    inner = np.tanh(dense(checkpoint.tensors, "cls.seq_relationship.dense", reference["sequence_output"][:, 0]))
    logits = dense(checkpoint.tensors, "cls.seq_relationship", inner)
    np.testing.assert_allclose(logits, reference["next_sentence_logits"], atol=1e-5)


def test_question_answering_and_token_heads(shared_data):
    checkpoint, reference = opened(shared_data, "hf_question_answering")
    real = reference["padding_mask"].astype(bool)
    logits = dense(checkpoint.tensors, "qa_outputs", reference["hidden_3"])
    np.testing.assert_allclose(logits[real][:, 0], reference["start_logits"][real], atol=1e-5)
    np.testing.assert_allclose(logits[real][:, 1], reference["end_logits"][real], atol=1e-5)

    checkpoint, reference = opened(shared_data, "hf_token_classification")
    logits = dense(checkpoint.tensors, "classifier", reference["hidden_3"])
    np.testing.assert_allclose(logits[real], reference["logits"][real], atol=1e-5)
    assert checkpoint.labels == ["O", "B-PER", "I-PER"]


@pytest.mark.parametrize(
    ("names", "architecture"),
    [
        (["bert.pooler.dense.weight"], "BertModel"),
        (["classifier.weight", "bert.pooler.dense.weight"], "BertForSequenceClassification"),
        (["classifier.weight"], "BertForTokenClassification"),  # the class that has no pooler
        (["qa_outputs.weight"], "BertForQuestionAnswering"),
        (["cls.predictions.bias"], "BertForMaskedLM"),
        (["cls.predictions.bias", "cls.seq_relationship.weight"], "BertForPreTraining"),
        # transformers has no such inner layer: as BertForPreTraining it would give other answers
        (["cls.predictions.bias", "cls.seq_relationship.weight", "cls.seq_relationship.dense.bias"], "BertForMaskedLM"),
    ],
)
def test_architecture_by_tensors(names, architecture):
    described = describe_heads({name: np.zeros((3, 4)) for name in names})
    assert described["architectures"] == [architecture]
    assert ("id2label" in described) == ("classifier.weight" in names)


def test_default_labels():
    assert default_labels(2) == {
        "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
        "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    }


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("hf_sequence_classification", "BertForSequenceClassification"),
        ("hf_token_classification", "BertForTokenClassification"),
        ("hf_multiple_choice", "BertForMultipleChoice"),
        ("hf_question_answering", "BertForQuestionAnswering"),
        ("tiny_google_tf1", None),
    ],
)
def test_which_head_a_checkpoint_has(shared_data, name, architecture):
    """Told by the config, and by the tensors alone where it names no class."""
    checkpoint = open_checkpoint(shared_data / "checkpoints" / name)
    assert head_of(checkpoint) == architecture
    if architecture is not None:
        others = {"hf_sequence_classification", "hf_token_classification"} - {name}
        assert has_head(checkpoint, architecture)
        assert not any(has_head(open_checkpoint(shared_data / "checkpoints" / other), architecture) for other in others)
    checkpoint.metadata["architectures"] = None
    assert head_of(checkpoint) == architecture


def test_reasons():
    assert "pooler" in unused_reason("bert.pooler.dense.bias")
    assert "question" in unused_reason("qa_outputs.bias")
    assert unused_reason("something.else") == "not a tensor of this model"
