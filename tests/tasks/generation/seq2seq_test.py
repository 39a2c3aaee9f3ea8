"""A model that writes: alone as in a batch, saved, exported, trained."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, open_task
from keras_bert.tasks.generation.output_ids import ids_in
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq
from keras_bert.training import adamw
from tests.tasks import tiny
from tests.tasks.tiny_sequences import TARGETS, rows, writer

AWKWARD = ["", "\x00", b"\xff\xfe bad", "🙂" * 40, "good " * 300]


@pytest.fixture(scope="module")
def model() -> BertSeq2Seq:
    return writer(generation={"num_beams": 3, "num_return_sequences": 2})


def assert_same(answers, others) -> None:
    assert [answer["text"] for answer in answers] == [answer["text"] for answer in others]
    np.testing.assert_allclose(
        [answer["score"] for answer in answers], [answer["score"] for answer in others], atol=1e-4
    )


def test_answers_in_a_batch_are_those_of_texts_alone(model: BertSeq2Seq):
    texts = [*tiny.TEXTS, *AWKWARD]
    together = model.answer(texts, batch_size=len(texts))
    assert len({answer["text"] for answer in together}) > 3
    assert all(len(answer["hypotheses"]) == 2 for answer in together)
    assert all(answer["hypotheses"][0]["score"] >= answer["hypotheses"][1]["score"] for answer in together)
    for text, answer in zip(texts, together, strict=True):
        assert_same(model.answer([text]), [answer])


def test_greedy_answers_are_the_likeliest_tokens_one_by_one():
    model = writer(generation={"num_beams": 1, "max_new_tokens": 6})
    answer = model.answer(["good film"])[0]
    ids = [2, *(tiny.VOCABULARY.index(word) for word in ("good", "film")), 3]
    segments, written = [0] * 4, []
    while len(written) < 6:
        inputs = {"token_ids": [ids], "segment_ids": [segments], "padding_mask": [[1] * len(ids)]}
        inputs = {name: tf.constant(value) for name, value in {**inputs, "target_positions": [[len(ids) - 1]]}.items()}
        logits = model(inputs)[0, 0].numpy()
        logits[[0, 1, 2, 4]] = -np.inf
        if (token := int(logits.argmax())) == 3:
            break
        written.append(tiny.VOCABULARY[token])
        ids, segments = [*ids, token], [*segments, 1]
    assert answer["text"].replace(" ", "") == "".join(piece.removeprefix("##") for piece in written)


@pytest.mark.parametrize("mask", ["prefix", pytest.param("causal", marks=pytest.mark.slow)])
def test_a_folder_opens_as_what_was_saved(tmp_path: Path, mask: str):
    options = {"label_smoothing": 0.2, "target_dropout": 0.1, "output_ids": range(5, 28)}
    model = writer(mask, generation={"num_beams": 2, "length_penalty": 0.6}, **options)
    model.save_preset(tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["architectures"] == ["BertForMaskedLM" if mask == "prefix" else "BertLMHeadModel"]
    assert config.get("is_decoder", False) == (mask == "causal")
    settings = json.loads((tmp_path / "model/generation_config.json").read_text())
    assert settings["length_penalty"] == 0.6
    assert "top_k" not in settings
    again = open_task(tmp_path / "model")
    assert isinstance(again, BertSeq2Seq)
    assert (again.encoder.attention, again.label_smoothing, again.generation) == (mask, 0.2, model.generation)
    greedy = open_task(tmp_path / "model", generation={"num_beams": 1}).generation
    assert (greedy.num_beams, greedy.length_penalty) == (1, 0.6)
    assert again.target_dropout == 0.1
    assert again.word_head.output_ids == list(range(28))
    assert_same(again.answer(tiny.TEXTS), model.answer(tiny.TEXTS))


def test_a_left_to_right_folder_of_transformers_is_causal(tmp_path: Path):
    """Such a folder has no file of ours beside."""
    model = writer("causal")
    model.save_preset(tmp_path / "model")
    (tmp_path / "model/keras_bert.json").unlink()
    opened = open_task(tmp_path / "model", max_length=20, max_target_length=8, generation={"num_beams": 3})
    assert isinstance(opened, BertSeq2Seq)
    assert opened.encoder.attention == "causal"
    assert_same(opened.answer(tiny.TEXTS), model.answer(tiny.TEXTS))


def test_a_keras_file_opens(tmp_path: Path, model: BertSeq2Seq):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again.answer(tiny.TEXTS[:2]), model.answer(tiny.TEXTS[:2]))


def test_a_checkpoint_without_a_word_head_starts_it_as_the_identity(tmp_path: Path):
    tiny.classifier().save_preset(tmp_path / "model")
    model = BertSeq2Seq.from_preset(tmp_path / "model", max_length=16, max_target_length=8)
    np.testing.assert_array_equal(model.word_head.dense.kernel, np.eye(32))


@pytest.mark.parametrize("freeze", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_saved_model_answers_strings(tmp_path: Path, model: BertSeq2Seq, freeze: bool):
    model.export(tmp_path / "1", freeze=freeze)
    served = tf.saved_model.load(str(tmp_path / "1"))
    texts = [text if isinstance(text, bytes) else text.encode() for text in [*tiny.TEXTS, *AWKWARD]]
    found = served.signatures["serving_default"](text=tf.constant(texts))
    answers = model.answer([*tiny.TEXTS, *AWKWARD])
    assert [text.decode() for text in found["text"].numpy()] == [answer["text"] for answer in answers]
    np.testing.assert_allclose(found["score"], [answer["score"] for answer in answers], atol=1e-4)
    assert found["hypotheses"].shape == (len(texts), 2)
    if not freeze:
        inputs = model.preprocessor(tiny.TEXTS)
        by_ids = served.signatures["token_ids"](**inputs)
        assert by_ids["text"].numpy().tolist() == found["text"].numpy().tolist()[: len(tiny.TEXTS)]


@pytest.mark.slow
def test_a_frozen_saved_model_in_bfloat16_answers_strings(tmp_path: Path):
    model = writer(dtype="mixed_bfloat16")
    model.export(tmp_path / "1", freeze=True)
    found = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"](text=tf.constant(tiny.TEXTS))
    answers = model.answer(tiny.TEXTS, batch_size=len(tiny.TEXTS))
    assert len({answer["text"] for answer in answers}) > 3
    np.testing.assert_allclose(found["score"], [answer["score"] for answer in answers], atol=0.02)
    # Scores have three digits, so that near ties may fall on either side.
    same = [text.decode() == answer["text"] for text, answer in zip(found["text"].numpy(), answers, strict=True)]
    assert sum(same) >= len(same) - 1
    plain = writer()
    exact = [answer["text"] for answer in plain.answer(tiny.TEXTS)]
    assert sum(text.decode() == answer for text, answer in zip(found["text"].numpy(), exact, strict=True)) >= 4


def test_loss_and_accuracy_are_of_target_tokens_alone():
    model = writer(config=tiny.without_dropout(), label_smoothing=0.0)
    model.compile(adamw(1e-3, steps=10))
    shown = model.evaluate(model.batches(rows(), batch_size=3), verbose=0, return_dict=True)
    scores = model.evaluate_rows(rows(), batch_size=8)
    np.testing.assert_allclose(shown["token_accuracy"], scores["token_accuracy"], rtol=1e-5)
    np.testing.assert_allclose(scores["perplexity"], np.exp(scores["loss"]), rtol=1e-5)


@pytest.mark.slow
def test_it_learns_to_write():
    """With some of the target hidden, and of a shortlist."""
    words = ids_in(tiny.preprocessor().tokenizer, rows().map(lambda row: row["target"]))
    options = {"label_smoothing": 0.0, "target_dropout": 0.1, "output_ids": words}
    model = writer(config=tiny.without_dropout(), generation={"num_beams": 2}, **options)
    model.compile(adamw(1e-2, steps=160))
    model.fit(model.batches(rows(), batch_size=8, shuffle=True).repeat(160), verbose=0)

    assert [answer["text"] for answer in model.answer(tiny.TEXTS)] == TARGETS


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        ({"use_pooler": True}, {}, "needs an encoder with use_pooler=False"),
        ({"attention": "bidirectional"}, {}, "attention='bidirectional'"),
        ({}, {"max_target_length": 20}, "more than the position table has rows, 32"),
        ({}, {"generation": {"num_beams": 99}}, "num_beams=99 is more than the vocabulary"),
        ({}, {"generation": {"num_beem": 2}}, "generation takes no argument 'num_beem'; did you mean 'num_beams'"),
    ],
)
def test_what_does_not_fit_is_refused(encoder, options, message):
    encoder = BertEncoder(tiny.config(), **{"use_pooler": False, "attention": "prefix", **encoder})
    with pytest.raises(InputError, match=message):
        BertSeq2Seq(encoder, tiny.preprocessor(20), **{"max_target_length": 8, **options})


def test_rows_without_a_target_and_unknown_masks_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="the rows have no target"):
        writer().batches(tiny.dataset())
    tiny.classifier().save_preset(tmp_path / "model")
    with pytest.raises(InputError, match="mask is 'suffix'"):
        BertSeq2Seq.from_preset(tmp_path / "model", mask="suffix")


def test_other_tasks_refuse_a_left_to_right_folder(tmp_path: Path):
    """They would see to the right, too, and answer nonsense."""
    writer("causal").save_preset(tmp_path / "model")
    with pytest.raises(InputError, match=r"is_decoder is true; .* which only BertSeq2Seq and BertCausalLM follow"):
        BertClassifier.from_preset(tmp_path / "model", labels=["a", "b"])
