"""Question answering: strings in, parts of the caller's text out, whatever the text and however long."""

import functools
import json
import logging
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.checkpoints import open_checkpoint
from keras_bert.data import read_squad
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import open_task
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.tasks.question_answering.windows import answer_positions
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.training import adamw
from tests.forked_process import ask_in_a_bare_process, run_python
from tests.tasks import tiny, tiny_questions
from tests.tasks.tiny_questions import QUESTIONS, answerer

ASKED = [question[:2] for question in QUESTIONS]
YEAR = tiny_questions.VOCABULARY.index("1066")


@functools.cache
def shared() -> BertQuestionAnswerer:
    """One model for the tests that only ask."""
    return answerer(doc_stride=5)


def finding(word: str, **options: Any) -> BertQuestionAnswerer:
    """Makes a model that is sure of one token, so that its answers are known."""
    model = answerer(**options)
    token = tiny_questions.VOCABULARY.index(word)

    def logits(inputs: Any) -> tf.Tensor:
        padded = model.preprocessor.pad(inputs)
        known = model(padded, training=False)
        found = tf.where((padded["token_ids"] == token)[:, None, :] & (known > -1e8), 30.0, known)
        return tf.concat([tf.ones_like(found[:, :, :1]), found[:, :, 1:]], 2)

    model._logits = logits  # type: ignore[method-assign]
    return model


# -- the network ---------------------------------------------------------------------------------------------


def test_logits_are_those_of_a_linear_layer_where_an_answer_may_stand():
    model = shared()
    asked = model.windows(*map(tf.constant, zip(*ASKED, strict=True)))
    inputs = model.preprocessor.pad(asked.inputs)
    logits = model(inputs).numpy()
    hidden = model.encoder(inputs)["sequence_output"].numpy()
    expected = hidden @ model.qa_outputs.kernel.numpy() + model.qa_outputs.bias.numpy()
    for window, (offset, length) in enumerate(zip(asked.offset.numpy(), asked.windows.length.numpy(), strict=True)):
        possible = [0, *range(offset, offset + length)]
        np.testing.assert_allclose(logits[window][:, possible].T, expected[window, possible], atol=1e-4)
        others = np.delete(logits[window], possible, axis=1)
        assert (others == -1e9).all()


def test_the_loss_is_the_mean_of_two_cross_entropies():
    model = answerer()
    model.compile()
    batches = model.batches(tiny_questions.rows(), batch_size=3)
    results = model.evaluate(batches, verbose=0, return_dict=True)
    losses, right = [], []
    for inputs, targets in batches:
        logits = model(inputs).numpy().astype("float64")
        log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        losses += (-np.take_along_axis(log_probabilities, targets.numpy()[:, :, None], 2)[:, :, 0]).tolist()
        right += (logits.argmax(axis=-1) == targets.numpy()).tolist()
    assert results["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert results["accuracy"] == pytest.approx(np.mean(right), rel=1e-5)
    assert model.evaluate_rows(tiny_questions.rows())["loss"] == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("policy", [None, "mixed_bfloat16"])
def test_questions_are_learned_by_heart(policy: str | None):
    """The last has no answer, and learns that."""
    options = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = answerer(dtype=policy, config=options)
    rows = tiny_questions.rows()
    model.compile(adamw(1e-2, steps=50))
    before = model.evaluate_rows(rows)["loss"]
    model.fit(model.batches(rows, batch_size=8, shuffle=True).repeat(50), verbose=0)
    assert model.evaluate_rows(rows)["loss"] < 0.1 * before
    assert model.evaluate_rows(rows)["no_answer_accuracy"] == 0.0, "without a threshold every question is answered"
    threshold = model.tune_threshold(rows)
    assert threshold == model.no_answer_threshold
    assert model.no_answer_log_odds is not None
    scores = model.evaluate_rows(rows)
    assert scores["f1"] == scores["exact_match"] == scores["best_f1"] == 1.0
    assert [answer["answer"] for answer in model.answer(ASKED)] == [answer for _, _, answer in QUESTIONS]
    assert model.tune_threshold(tiny_questions.rows(QUESTIONS[:-1])) is None


# -- answers -------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_questions_whatever_the_batch_size():
    model = shared()
    alone = [model.answer([asked])[0] for asked in ASKED]
    assert len({(answer["start"], answer["end"]) for answer in alone}) > 1
    together = model.answer(ASKED, batch_size=4)
    for one, other in zip(alone, together, strict=True):
        assert (one["answer"], one["start"], one["end"]) == (other["answer"], other["start"], other["end"])
        assert one["score"] == pytest.approx(other["score"], rel=1e-3)
        assert one["no_answer_score"] == pytest.approx(other["no_answer_score"], rel=1e-3)
    assert model.answer([]) == []


def test_every_way_to_write_a_question_is_the_same_question():
    question, context = ASKED[0]
    ways = [
        {"question": question, "context": context, "id": 7},
        (question, context),
        [question.encode(), context.encode()],
    ]
    assert len({json.dumps(answer) for answer in shared().answer(ways, batch_size=1)}) == 1


ALPHABETS = [
    "anna lived in vienna. 1066",
    "éàüñçøĀ ",
    "在北京住的人是谁 ，。",
    "😀👩🚀❤ \u200d\ufe0f",
    "e\u0301o\u0308\u0323 ",
    "שלום עולם مرحبا ",
]
PART = st.one_of(*(st.text(alphabet=alphabet, max_size=12) for alphabet in ALPHABETS))
TEXT = st.lists(PART, max_size=8).map("".join)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_an_answer_is_the_part_of_the_text_that_its_places_say(asked: list[tuple[str, str]]):
    in_bytes = shared().answer([(question.encode(), context.encode()) for question, context in asked], n_best=10)
    for (_, context), answer, other in zip(asked, shared().answer(asked, n_best=10), in_bytes, strict=True):
        for span, same in zip([answer, *answer["n_best"]], [other, *other["n_best"]], strict=True):
            assert context.encode()[same["start"] : same["end"]].decode() == same["answer"] == span["answer"]
        for span in [answer, *answer["n_best"]]:
            assert context[span["start"] : span["end"]] == span["answer"]
            assert span["answer"] == span["answer"].strip(" ")
            assert 0 <= span["score"] <= 1
        assert 0 <= answer["no_answer_score"] <= 1
        spans = [(span["start"], span["end"]) for span in answer["n_best"]]
        assert len(set(spans)) == len(spans)
        scores = [span["score"] for span in answer["n_best"]]
        assert scores == sorted(scores, reverse=True)
        # Threshold or not, a text with words has an answer, and one without has none.
        assert bool(answer["answer"]) == bool(spans)
        # No word of ASCII is cut.
        for start, end in spans:
            for edge in (context[max(start - 1, 0) : start + 1], context[end - 1 : end + 1]):
                assert len(edge) < 2 or not (edge.isascii() and edge.isalnum())


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_an_answer_anywhere_in_five_thousand_words_is_found(place: str):
    words = ["the", "old", "city", "of", "rome", "was", "new"] * 715
    index = {"start": 0, "middle": 2500, "end": 5000}[place]
    context = " ".join([*words[:index], "(1066)", *words[index:]])
    answer = finding("1066").answer([("when was rome new", context)])[0]
    assert answer["answer"] == "1066"
    assert answer["start"] == len(" ".join([*words[:index], ""])) + 1
    assert answer["score"] > 0.5


def test_a_text_without_words_has_no_answer():
    for context in ("", " ", "\n\t", "\u200b"):
        answer = shared().answer([("who", context)], n_best=3)[0]
        assert (answer["answer"], answer["start"], answer["end"], answer["n_best"]) == ("", 0, 0, [])
        assert answer["no_answer_score"] == 1.0
    assert shared().answer([("", "anna lived")])[0]["answer"], "a question may be anything"


def test_a_question_that_is_cut_is_said(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "absl"):
        _ = shared().answer(ASKED), shared().predict_rows(tiny_questions.rows())
    assert not caplog.text
    long = ("who lived in the old city of " * 10, *QUESTIONS[0][1:])
    with caplog.at_level(logging.WARNING, "absl"):
        assert shared().answer([long[:2], ASKED[0]])[0]["answer"]
        shared().predict_rows(tiny_questions.rows([long, long, QUESTIONS[1]]))
    assert re.findall(r"(\d) questions are longer than max_question_length", caplog.text) == ["1", "2"]


def test_batches_are_made_anew_for_other_windows():
    model, rows = answerer(doc_stride=8, max_length=16), tiny_questions.rows()

    def windows() -> int:
        return sum(int(targets.shape[0]) for _, targets in model.batches(rows))

    first = windows()
    model.doc_stride = 1
    assert windows() > first
    model.doc_stride = 8
    assert windows() == first


def test_text_that_is_no_text_keeps_the_places():
    context = "anna \ud83d lived"
    answer = shared().answer([("who", context)], n_best=10)[0]
    for span in [answer, *answer["n_best"]]:
        assert span["answer"].replace("\ufffd", "\ud83d") == context[span["start"] : span["end"]]
    data = b"anna \xff\xfe\xe2\x82 \xc3\xa9 lived"
    spans = shared().answer([(b"\xff", data)], n_best=10)[0]["n_best"]
    assert all(data[span["start"] : span["end"]].decode("utf-8", "replace") == span["answer"] != "" for span in spans)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"question": "who", "context": "anna"}, "answer takes a list of questions with their contexts"),
        (["who"], "text 0: expected a pair of strings, received: 'who'"),
        ([("who", "anna"), ("who", None)], "text 1: expected a pair of strings"),
        ([{"question": "who"}], "the task takes question and context, text 0 has no context"),
        ([{"text": "who"}], "text 0 has no question and no context"),
    ],
)
def test_what_is_no_question_is_refused(asked: Any, message: str):
    with pytest.raises(InputError, match=message):
        shared().answer(asked)
    with pytest.raises(InputError, match="n_best is 11; it must be from 1 to 10"):
        shared().answer([], n_best=11)


# -- rows ----------------------------------------------------------------------------------------------------


def test_features_of_rows_are_their_windows():
    model = shared()
    row = next(iter(tiny_questions.rows().batch(3)))
    inputs, targets = model.features(row)
    asked = model.windows(row["question"], row["context"])
    assert inputs["token_ids"].to_list() == asked.inputs["token_ids"].to_list()
    np.testing.assert_array_equal(targets, answer_positions(asked, row["answer_start"], row["answer_end"])[0])
    assert len(model.features({name: row[name] for name in ("question", "context")})) == 1


def test_rows_are_tokenized_once_for_all_epochs(monkeypatch: pytest.MonkeyPatch):
    model, rows = answerer(), tiny_questions.rows()
    first = [targets.numpy().tolist() for _, targets in model.batches(rows)]
    monkeypatch.setattr(model, "windows", None)
    assert [targets.numpy().tolist() for _, targets in model.batches(rows)] == first
    with pytest.raises(TypeError):
        model.batches(tiny_questions.rows())


def test_rows_that_cannot_be_scored_are_refused():
    model = shared()
    with pytest.raises(InputError, match="there are no rows to evaluate"):
        model.evaluate_rows(tiny_questions.rows().take(0))
    with pytest.raises(InputError, match=r"the rows have no answers: read them with keras_bert.data.read_squad"):
        model.evaluate_rows(tiny_questions.rows().map(lambda row: {"question": row["question"]}))
    with pytest.raises(InputError, match="expected rows of questions: of a file with"):
        model.evaluate_rows([("who lived in graz", "anna lived in graz.")])
    with pytest.raises(InputError, match="the task takes question and context, the rows have no question"):
        model.features({"context": tf.constant(["anna"])})


# -- what does not fit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"doc_stride": 0}, "doc_stride is 0; it must be 1 token or more"),
        ({"max_question_length": -1}, "max_question_length is -1"),
        ({"max_answer_length": 0}, "max_answer_length is 0"),
        ({"scoring": "bleu"}, "scoring must be one of squad, cmrc, received: 'bleu'"),
        ({"max_length": 7}, "max_length is 7; a question and a text need at least 8 tokens"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        answerer(**options)


def test_an_encoder_with_a_pooler_is_refused():
    tokenizer = BertTokenizer(tiny_questions.VOCABULARY)
    encoder = BertEncoder(tiny.config(vocab_size=tokenizer.vocabulary_size))
    with pytest.raises(InputError, match="needs an encoder with use_pooler=False"):
        BertQuestionAnswerer(encoder, BertPreprocessor(tokenizer, max_length=24))


# -- saved, opened, exported ---------------------------------------------------------------------------------


def unusual() -> BertQuestionAnswerer:
    return answerer(
        doc_stride=4,
        max_question_length=5,
        max_answer_length=3,
        no_answer_threshold=0.001,
        scoring="cmrc",
        name="unusual",
    )


def assert_same_answers(model: BertQuestionAnswerer, other: BertQuestionAnswerer) -> None:
    for one, again in zip(model.answer(ASKED, n_best=4), other.answer(ASKED, n_best=4), strict=True):
        assert again["answer"] == one["answer"]
        assert again["score"] == pytest.approx(one["score"], rel=1e-4)
        assert [span["answer"] for span in again["n_best"]] == [span["answer"] for span in one["n_best"]]


def test_a_keras_file_holds_everything(tmp_path: Path):
    model = unusual()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    assert_same_answers(model, again)


def test_a_folder_holds_everything_and_says_its_task(tmp_path: Path):
    model = unusual()
    model.save_preset(tmp_path / "model")
    assert "Texts of any length" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["BertForQuestionAnswering"]
    assert set(open_checkpoint(str(tmp_path / "model")).tensors) >= {"qa_outputs.weight", "qa_outputs.bias"}
    again = open_task(tmp_path / "model")
    assert isinstance(again, BertQuestionAnswerer)
    names = ("doc_stride", "max_question_length", "max_answer_length", "no_answer_threshold", "scoring")
    assert [getattr(again, name) for name in names] == [4, 5, 3, pytest.approx(0.001), "cmrc"]
    assert again.preprocessor.max_length == model.preprocessor.max_length
    assert not again.load_report.new
    assert_same_answers(model, again)
    fresh = BertQuestionAnswerer.from_preset(tmp_path / "model", new_head=True, doc_stride=9)
    assert fresh.doc_stride == 9
    assert len(fresh.load_report.new) == 2


def test_any_encoder_starts_an_answerer(tmp_path: Path):
    """A folder of another task: the encoder is taken, the head starts fresh, and windows are as long as they may be."""
    regressor = tiny.regressor()
    regressor.save_preset(tmp_path / "model")
    model = BertQuestionAnswerer.from_preset(tmp_path / "model")
    assert sorted(model.load_report.new) == ["qa_outputs.bias", "qa_outputs.weight"]
    assert model.preprocessor.max_length == 32
    np.testing.assert_array_equal(
        model.encoder.embeddings.word_embeddings, regressor.encoder.embeddings.word_embeddings
    )


def test_an_export_answers_in_a_bare_process_as_the_model_does(tmp_path: Path):
    model = answerer(doc_stride=5, no_answer_threshold=0.02)
    model.export(tmp_path / "model" / "1")
    long = " ".join(["the old city of rome was new"] * 700 + ["1066"])
    texts = [*ASKED, ("who", ""), ("人是谁", "anna住在北京😀 é"), ("who " * 40, long), ("\u05e9", "שלום עולם e\u0301")]
    questions, contexts = ([text[side].encode() for text in texts] for side in (0, 1))
    asked = {tmp_path / "model" / "1": {"question": questions, "context": contexts}}
    result = ask_in_a_bare_process(asked, tmp_path / "results.json")[str(tmp_path / "model" / "1")]
    inputs, outputs = result["signatures"]["serving_default"]
    assert inputs == {"question": ["string", [None]], "context": ["string", [None]]}
    assert outputs["answer"] == ["string", [None]]
    assert outputs["answers"] == ["string", [None, 10]]
    found = result["outputs"]
    expected = model.answer(texts, n_best=10)
    assert found["answer"] == [answer["answer"] for answer in expected]
    assert {bool(answer) for answer in found["answer"]} == {True, False}, "the test needs both kinds"
    np.testing.assert_allclose(found["score"], [answer["score"] for answer in expected], rtol=1e-3)
    np.testing.assert_allclose(found["no_answer_score"], [answer["no_answer_score"] for answer in expected], rtol=1e-3)
    every = np.reshape(found["answers"], (len(texts), 10))
    for row, (context, answer) in enumerate(zip(contexts, expected, strict=True)):
        assert context[found["start"][row] : found["end"][row]].decode() == found["answer"][row]
        assert found["count"][row] == len(answer["n_best"])
        for span, text, start, end in zip(
            answer["n_best"], every[row], found["starts"][row], found["ends"][row], strict=False
        ):
            assert span["answer"] == text == context[start:end].decode()
    assert [cut > 0 for cut in found["question_tokens_cut"]] == [len(question) > 100 for question in questions]
    logits = result["signatures"]["token_ids"][1]
    assert logits == {name: ["float32", [None, None]] for name in ("start_logits", "end_logits")}


@pytest.mark.slow
def test_an_export_with_weights_as_constants_gives_the_same(tmp_path: Path):
    model = shared()
    model.export(tmp_path / "model", freeze=True)
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    questions, contexts = map(tf.constant, zip(*ASKED, strict=True))
    outputs = served(question=questions, context=contexts)
    expected = model.answer(ASKED)
    assert [text.decode() for text in outputs["answer"].numpy()] == [answer["answer"] for answer in expected]
    np.testing.assert_allclose(outputs["score"], [answer["score"] for answer in expected], rtol=1e-3)


TRANSFORMERS = """
import json, sys
import torch, transformers
model = transformers.AutoModelForQuestionAnswering.from_pretrained(sys.argv[1]).eval()
given = {name: torch.tensor(rows) for name, rows in json.loads(sys.argv[2]).items()}
with torch.no_grad():
    outputs = model(given["token_ids"], attention_mask=given["padding_mask"], token_type_ids=given["segment_ids"])
print(json.dumps([type(model).__name__, outputs.start_logits.tolist(), outputs.end_logits.tolist()]))
"""


def test_the_logits_are_those_of_transformers(shared_data: Path):
    """A folder written by transformers, with that library's own outputs."""
    folder = shared_data / "checkpoints" / "hf_question_answering"
    reference = np.load(folder / "reference_outputs.npz")
    model = BertQuestionAnswerer.from_preset(folder)
    assert not model.load_report.new
    logits = model({name: reference[name] for name in ("token_ids", "segment_ids", "padding_mask")}).numpy()
    possible = logits > -1e8
    assert possible.mean() > 0.2
    expected = np.stack([reference["start_logits"], reference["end_logits"]], 1)
    np.testing.assert_allclose(logits[possible], expected[possible], atol=1e-5)


@pytest.mark.parity
def test_a_saved_model_opens_in_transformers_with_the_same_logits(tmp_path: Path):
    """In a process of its own: torch and TensorFlow share badly."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")

    model = answerer()
    model.save_preset(tmp_path / "model")
    inputs = model.preprocessor.pad(model.windows(*map(tf.constant, zip(*ASKED, strict=True))).inputs)
    given = json.dumps({name: values.numpy().tolist() for name, values in inputs.items()})
    name, start, end = json.loads(run_python(TRANSFORMERS, tmp_path / "model", given))
    logits = model(inputs).numpy()
    assert name == "BertForQuestionAnswering"
    np.testing.assert_allclose(np.stack([start, end], 1)[logits > -1e8], logits[logits > -1e8], atol=1e-4)


@pytest.mark.slow
def test_five_hundred_real_questions_are_answered_alike_in_a_bare_process(shared_data: Path, tmp_path: Path):
    tokenizer = BertTokenizer(shared_data / "vocab" / "bert-base-uncased.txt")
    model = answerer(tokenizer=tokenizer, max_length=128, config={"max_position_embeddings": 128}, doc_stride=64)
    model.export(tmp_path / "model")
    rows = read_squad(shared_data / "question_answering" / "squad" / "dev.json", label=False).take(500)
    asked = [(row["question"], row["context"]) for row in rows.as_numpy_iterator()]
    questions, contexts = map(list, zip(*asked, strict=True))
    fields = {tmp_path / "model": {"question": questions, "context": contexts}}
    found = ask_in_a_bare_process(fields, tmp_path / "results.json")[str(tmp_path / "model")]["outputs"]
    expected = model.answer(asked)
    np.testing.assert_allclose(found["score"], [answer["score"] for answer in expected], rtol=1e-3)
    same = [text == answer["answer"] for text, answer in zip(found["answer"], expected, strict=True)]
    # Other neighbours in a batch, other rounding: where two spans are as good, either may come out.
    assert sum(same) >= 498
    for context, text, start, end in zip(contexts, found["answer"], found["start"], found["end"], strict=True):
        assert context[start:end].decode() == text


# -- real data -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squad_v2/dev", "xquad/xquad.zh"])
def test_real_answers_are_whole_tokens_of_their_windows(shared_data: Path, name: str):
    """The tokens at the positions to learn cover the answer, and at most the rest of the words that it cuts."""
    vocabulary = "bert-base-chinese" if name.endswith("zh") else "bert-base-uncased"
    tokenizer = BertTokenizer(shared_data / "vocab" / f"{vocabulary}.txt")
    model = answerer(tokenizer=tokenizer, max_length=384, config={"max_position_embeddings": 384}, doc_stride=128)
    rows = read_squad(shared_data / "question_answering" / f"{name}.json").take(400)
    exact = total = 0
    for row in rows.ragged_batch(200):
        asked = model.windows(row["question"], row["context"])
        positions, usable = answer_positions(asked, row["answer_start"], row["answer_end"])
        assert usable.numpy().all()
        starts, ends = (values.values.numpy() for values in asked.spans)
        for window, (first, last) in enumerate(positions.numpy()):
            if first == 0:
                continue
            number = int(asked.windows.row[window])
            token = int(asked.first[window]) - int(asked.offset[window])
            start, end = starts[token + first], ends[token + last]
            assert start <= row["answer_start"][number] < row["answer_end"][number] <= end
            total += 1
            exact += (start, end) == (int(row["answer_start"][number]), int(row["answer_end"][number]))
    assert total > 100
    assert exact / total > 0.97
