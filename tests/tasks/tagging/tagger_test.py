"""Token classification: rows, loss, scores and answers, each against what is worked out beside it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert.checkpoints import open_checkpoint
from keras_bert.data import read_tags, tag_labels
from keras_bert.data.tags.tag_schemes import find_fault
from keras_bert.errors import InputError
from keras_bert.tasks import BertTokenClassifier, open_task
from keras_bert.training import adamw
from tests.forked_process import ask_in_a_bare_process
from tests.tasks import tiny
from tests.tasks.tiny_tags import LABELS, rows, tagger

LONG = " ".join(tiny.TEXTS * 12)  # 420 words, 24 tokens a window


@pytest.fixture(scope="module")
def model() -> BertTokenClassifier:
    """For tests that only ask it."""
    return tagger()


@pytest.fixture(scope="module")
def trained() -> BertTokenClassifier:
    """It has learned the rows by heart, with some windows to a text."""
    task = tagger(max_length=8, config=tiny.without_dropout())
    batches = task.batches(rows(), 8, shuffle=True)
    task.compile(adamw(1e-2, steps=40))
    history = task.fit(batches.repeat(), epochs=2, steps_per_epoch=20, verbose=0).history
    assert history["loss"][-1] < 0.1 < history["loss"][0]
    assert history["accuracy"][-1] > 0.95
    return task


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64")
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def wanted_of(texts: list[str] = tiny.TEXTS) -> list[list[str]]:
    return [[tag.decode() for tag in row["label"]] for row in rows(texts).as_numpy_iterator()]


# -- rows ----------------------------------------------------------------------------------------------------


def test_targets_stand_on_the_first_pieces_of_words(model: BertTokenClassifier):
    """`books` is `book ##s`; the special tokens and `##s` do not count."""
    data = {name: tensor[None] for name, tensor in next(iter(rows(["good books food"]))).items()}
    data["label"] = tf.constant([["B-GOOD", "I-GOOD", "O"]])
    inputs, targets, weights = model.features(data)
    assert inputs["token_ids"].to_list() == model.preprocessor.pack(["good books food"])["token_ids"].to_list()
    assert weights.to_list() == [[0, 1, 1, 0, 1, 0]]
    assert targets.to_list()[0][1:5] == [LABELS.index(tag) for tag in ("B-GOOD", "I-GOOD", "I-GOOD", "O")]
    model.pieces = "all"
    assert model.features(data)[2].to_list() == [[0, 1, 1, 1, 1, 0]]
    model.pieces = "first"


def test_a_word_of_several_words_to_bert(model: BertTokenClassifier):
    """`good-bad` is one word of the row, three of BERT's: the first begins the entity, the others are inside."""
    data = {
        "text": tf.constant(["good-bad"]),
        "starts": tf.ragged.constant([[0]], tf.int64),
        "ends": tf.ragged.constant([[8]], tf.int64),
        "label": tf.constant([["B-BAD"]]),
    }
    _, targets, weights = model.features(data)
    assert targets.to_list()[0][1:4] == [LABELS.index(tag) for tag in ("B-BAD", "I-BAD", "I-BAD")]
    assert weights.to_list() == [[0, 1, 1, 1, 0]]


@pytest.mark.parametrize("stride", [None, 1, 4])
def test_every_word_counts_in_one_window(stride: int | None):
    task = tagger(max_length=8, stride=stride)
    _, _, weights = task.features(next(iter(rows().ragged_batch(8))))
    words = sum(len(text.split()) for text in tiny.TEXTS)
    assert (weights.flat_values.numpy().sum(), weights.nrows() > 8) == (words, True)


def test_batches_hold_all_windows_and_their_number():
    task = tagger(max_length=8)
    batches = task.batches(rows(), 5, shuffle=True, seed=1)
    shapes = [(inputs["token_ids"].shape, targets.shape, weights.shape) for inputs, targets, weights in batches]
    assert all(first == second == third for first, second, third in shapes)
    total = int(task.features(next(iter(rows().ragged_batch(8))))[0]["token_ids"].nrows())
    assert sum(shape[0] for shape, *_ in shapes) == total
    assert int(batches.cardinality()) == len(shapes) == -(-total // 5)


def test_the_loss_is_the_mean_over_labelled_words(model: BertTokenClassifier):
    model.compile()
    inputs, targets, weights = next(model.batches(rows(), 8).as_numpy_iterator())
    log_probabilities = log_softmax(model(inputs).numpy())
    chosen = np.take_along_axis(log_probabilities, targets[..., None], -1)[..., 0]
    expected = -(chosen * weights).sum() / weights.sum()
    assert float(model.compute_loss(inputs, targets, model(inputs), weights)) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate_rows(rows(), 3)["loss"] == pytest.approx(expected, rel=1e-5)
    results = model.evaluate(model.batches(rows(), 8), verbose=0, return_dict=True)
    predicted = np.where(weights, log_probabilities.argmax(-1) == targets, 0)
    assert results["accuracy"] == pytest.approx(predicted.sum() / weights.sum(), rel=1e-5)


def test_document_context_is_what_neighbours_say():
    """Rows of one document are labelled as the text of all of them is."""
    task = tagger(constrained=False)
    task.classifier.kernel.assign(task.classifier.kernel * 20)
    texts = tiny.TEXTS[:4]
    alone = task.evaluate_rows(rows(texts, [1] * 4))["loss"]
    task.document_context = True
    assert task.evaluate_rows(rows(texts))["loss"] == pytest.approx(alone), "documents of one row each"
    assert task.evaluate_rows(rows(texts, [1] * 4))["loss"] != pytest.approx(alone, rel=1e-2)
    together, _ = task.predict_rows(rows(texts, [1] * 4))
    ((words,), _) = task.predict_rows(rows([" ".join(texts)]))
    assert [label for row in together for label in row] == words
    assert [len(row) for row in together] == [len(text.split()) for text in texts]


# -- training and scores -------------------------------------------------------------------------------------


def test_it_learns_by_heart(trained: BertTokenClassifier):
    predicted, wanted = trained.predict_rows(rows())
    assert predicted == wanted == wanted_of()
    scores = trained.evaluate_rows(rows())
    assert (scores["f1"], scores["f1_GOOD"], scores["accuracy"]) == (1, 1, 1)


def test_constrained_answers_break_no_rule():
    task = tagger(seed=3)
    assert find_fault(task.predict_rows(rows())[0], "IOB2") is None
    task.constrained = False
    assert find_fault(task.predict_rows(rows())[0], "IOB2") is not None, "the test needs rules that bite"


@pytest.mark.parametrize("labels", [LABELS[:3], ["B-BAD", "I-BAD", "O"], ["[PAD]", "B-BAD", "I-BAD", "O"]])
def test_words_that_the_tokenizer_does_not_see_are_labelled_too(labels: list[str]):
    """`O`, wherever it stands among the labels; behind an entity what goes on with it."""
    task = tagger(labels, constrained=False)
    task.classifier.bias.assign([100 * (label == "B-BAD") for label in labels])  # everything begins an entity
    data = {
        "text": tf.constant(["\u200b good \u200b"]),
        "starts": tf.constant([[0, 4, 9]], tf.int64),
        "ends": tf.constant([[3, 8, 12]], tf.int64),
        "label": tf.constant([["O", "O", "O"]]),
    }
    predicted, wanted = task.predict_rows(tf.data.Dataset.from_tensor_slices(data))
    assert (predicted, wanted) == ([["O", "B-BAD", "I-BAD"]], [["O"] * 3])


def test_parts_of_speech():
    task = tagger(["ADJ", "NOUN"])
    assert (task.scheme, task.monitor) == ("plain", "accuracy")
    data = rows(["good film", "bad"]).map(
        lambda row: {**row, "label": tf.where(tf.range(tf.size(row["label"])) == 0, "ADJ", "NOUN")}
    )
    predicted, wanted = task.predict_rows(data)
    right = [first == second for pair in zip(predicted, wanted, strict=True) for first, second in zip(*pair)]  # noqa: B905
    assert task.evaluate_rows(data)["accuracy"] == pytest.approx(np.mean(right))
    assert [entity["text"] for entity in task.answer(["good films!"])[0]] == ["good", "films", "!"]


# -- answers -------------------------------------------------------------------------------------------------


def test_answers_are_the_entities_of_the_labels(trained: BertTokenClassifier):
    answers = trained.answer(tiny.TEXTS, batch_size=3)
    for text, tags, entities in zip(tiny.TEXTS, wanted_of(), answers, strict=True):
        assert [entity["label"] for entity in entities] == [tag[2:] for tag in tags if tag.startswith("B-")]
        for entity in entities:
            assert text[entity["start"] : entity["end"]] == entity["text"]
            assert 0.5 < entity["score"] <= 1
    assert trained.answer(["good film"])[0][0]["text"] == "good film"


def test_a_long_text_is_answered_from_its_start_to_its_end(trained: BertTokenClassifier):
    text = " ".join(tiny.TEXTS * 125)
    assert len(text.split()) > 5000
    (entities,) = trained.answer([text])
    starts = np.array([entity["start"] for entity in entities])
    assert starts[0] < 20 < len(text) - 60 < starts[-1]
    assert np.diff(starts).max() < 200
    assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in entities)


def test_every_way_to_write_a_text(model: BertTokenClassifier):
    ways: list[Any] = ["Good é film", {"text": "Good é film", "id": 7}, np.str_("Good é film")]
    first, *others = model.answer(ways)
    for other in others:
        assert [(entity["text"], entity["label"]) for entity in other] == [(e["text"], e["label"]) for e in first]
        assert [entity["score"] for entity in other] == pytest.approx([e["score"] for e in first], abs=1e-6)
    (found,) = model.answer(["Good é film".encode()])
    assert ["Good é film".encode()[entity["start"] : entity["end"]].decode() for entity in found] == [
        entity["text"] for entity in found
    ]
    with pytest.raises(InputError, match="answer takes a list of texts"):
        model.answer("good film")


def test_words_that_are_given_are_answered_by_their_numbers(trained: BertTokenClassifier):
    texts = ["good film", "very good food and warm", "book"]
    words = [text.split() for text in texts]
    by_text, by_words = trained.answer(texts), trained.answer(words)
    assert [entity["text"] for entity in by_words[0]] == ["good film"]
    for text, row, first, second in zip(texts, words, by_text, by_words, strict=True):
        assert [entity["label"] for entity in first] == [entity["label"] for entity in second]
        for entity, by_word in zip(first, second, strict=True):
            assert " ".join(row[by_word["start"] : by_word["end"]]) == text[entity["start"] : entity["end"]]
            assert by_word["score"] == pytest.approx(entity["score"], abs=1e-5)
    mixed = trained.answer([{"words": words[0], "id": 3}, texts[1], tuple(words[2])])
    for found, expected in zip(mixed, (by_words[0], by_text[1], by_words[2]), strict=True):
        places = [[(entity["label"], entity["start"], entity["end"]) for entity in text] for text in (found, expected)]
        assert places[0] == places[1]
    with pytest.raises(InputError, match="text 1: expected a list of words, none empty, received"):
        trained.answer([words[0], ["good", ""]])


def test_words_are_joined_as_the_training_rows_were(tmp_path: Path):
    task = tagger(word_separator="")
    (found,) = task.answer([["good", "film"]])
    assert task.answer(["goodfilm"])[0] == [] or found[0]["text"] in ("goodfilm", "good", "film")
    task.save_preset(tmp_path / "model")
    assert open_task(tmp_path / "model").word_separator == ""
    assert open_task(tmp_path / "model").get_config()["word_separator"] == ""


def test_bytes_that_are_no_utf8_are_answered(model: BertTokenClassifier):
    texts = [b"\xff\xfe good", b"cut off \xe2\x82", "\ud83d good"]
    for text, entities in zip(texts, model.answer(texts), strict=True):
        assert all(0 <= entity["start"] < entity["end"] <= len(text) for entity in entities)


ASKED = tagger()
SAMPLES = [
    "good film ",
    "中国",
    "é",
    "e\u0301",
    "😀",
    "👩\u200d👩\u200d👧",
    "שלום",
    "مرحبا",
    "\u202eab",
    "ﬁ",
    "İ",
    "가",
    "ß,",
    "\0",
    "\n",
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.sampled_from(SAMPLES) | st.text(max_size=4), max_size=12).map("".join), max_size=4))
def test_answers_are_parts_of_the_text(texts: list[str]):
    """ASCII, accents, Chinese, emoji, combining marks, right-to-left: by characters, and by bytes in the graph."""
    answers = ASKED.answer(texts)
    data = [text.encode() for text in texts]
    served = {name: tensor.numpy() for name, tensor in ASKED.answer_strings(tf.constant(data, tf.string)).items()}
    for row, (text, entities) in enumerate(zip(texts, answers, strict=True)):
        assert len(entities) == served["count"][row]
        end = 0
        for place, entity in enumerate(entities):
            assert text[entity["start"] : entity["end"]] == entity["text"] != ""
            assert entity["start"] >= end
            end = entity["end"]
            part = data[row][served["start"][row, place] : served["end"][row, place]]
            assert part == served["text"][row, place] == entity["text"].encode()


# -- folders -------------------------------------------------------------------------------------------------


def test_folders_keep_everything(trained: BertTokenClassifier, tmp_path: Path):
    trained.save_preset(tmp_path / "model")
    opened = open_task(tmp_path / "model")
    assert isinstance(opened, BertTokenClassifier)
    assert opened.get_config()["labels"] == LABELS
    assert (opened.scheme, opened.stride, opened.preprocessor.max_length) == ("IOB2", None, 8)
    assert opened.answer(tiny.TEXTS) == trained.answer(tiny.TEXTS)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["architectures"] == ["BertForTokenClassification"]
    assert config["id2label"]["1"] == "B-BAD"
    other = BertTokenClassifier.from_preset(tmp_path / "model", labels=["O", "B-X", "I-X"], stride=3)
    assert "classifier.weight" in other.load_report.new
    assert (other.stride, other.scheme) == (3, "IOB2")


def test_a_keras_file_goes_on(trained: BertTokenClassifier, tmp_path: Path):
    trained.save(tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras")
    assert opened.answer(tiny.TEXTS) == trained.answer(tiny.TEXTS)
    assert opened.evaluate(opened.batches(rows(), 8), verbose=0, return_dict=True).keys() == {"loss", "accuracy"}


def test_a_folder_of_transformers(shared_data: Path):
    """Against the logits that transformers gave for its own weights."""
    folder = shared_data / "checkpoints" / "hf_token_classification"
    with np.load(folder / "reference_outputs.npz") as file:
        task = open_task(str(folder))
        inputs = {name: file[name] for name in ("token_ids", "segment_ids", "padding_mask")}
        real = inputs["padding_mask"] == 1
        np.testing.assert_allclose(task(inputs).numpy()[real], file["logits"][real], atol=2e-5)
    assert list(task.labels) == open_checkpoint(str(folder)).labels


TRANSFORMERS = """
import json, sys, torch, transformers
model, report = transformers.BertForTokenClassification.from_pretrained(sys.argv[1], output_loading_info=True)
assert not report["missing_keys"] and not report["unexpected_keys"], report
ids = {name: torch.tensor(value) for name, value in json.loads(sys.argv[2]).items()}
with torch.no_grad():
    logits = model.eval()(ids["token_ids"], ids["padding_mask"], ids["segment_ids"]).logits
print(json.dumps([logits.tolist(), [model.config.id2label[index] for index in range(logits.shape[-1])]]))
"""


@pytest.mark.parity
def test_a_saved_model_opens_in_transformers_with_the_same_logits(trained: BertTokenClassifier, tmp_path: Path):
    """In a process of its own: torch and TensorFlow share badly."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    trained.save_preset(tmp_path / "model")
    inputs = {name: value.numpy() for name, value in trained.preprocessor(tiny.TEXTS).items()}
    given = json.dumps({name: value.tolist() for name, value in inputs.items()})
    command = [sys.executable, "-c", TRANSFORMERS, str(tmp_path / "model"), given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    logits, labels = json.loads(done.stdout.splitlines()[-1])
    real = inputs["padding_mask"] == 1
    np.testing.assert_allclose(np.array(logits)[real], trained(inputs).numpy()[real], rtol=0, atol=1e-5)
    assert tuple(labels) == trained.labels


SERVED = [
    *(text.encode() for text in tiny.TEXTS),
    *(b"", b" ", b"\0", b"good\0film", b"[CLS] [SEP]", LONG.encode()),
    *("bad é film 中国 😀 good".encode(), b"good film " * 2500, b"x" * 100_000),
]


@pytest.mark.slow
def test_an_export_answers_as_the_model_does(trained: BertTokenClassifier, tmp_path: Path):
    trained.export(tmp_path / "model")
    result = ask_in_a_bare_process({tmp_path / "model": {"text": SERVED}}, tmp_path / "results.json")
    result = result[str(tmp_path / "model")]
    specs = {"text": "string", "label": "string", "score": "float32", "start": "int32", "end": "int32"}
    expected = {**{name: [dtype, [None, None]] for name, dtype in specs.items()}, "count": ["int32", [None]]}
    assert result["signatures"]["serving_default"] == [{"text": ["string", [None]]}, expected]
    outputs = result["outputs"]
    answers = trained.answer(SERVED)
    assert outputs["count"] == [len(entities) for entities in answers]
    for name in ("start", "end", "score"):
        found = [row[:count] for row, count in zip(outputs[name], outputs["count"], strict=True)]
        expected_values = [[entity[name] for entity in entities] for entities in answers]
        for row, wanted in zip(found, expected_values, strict=True):
            np.testing.assert_allclose(row, wanted, atol=1e-5)
    labels = np.reshape(outputs["label"], (len(SERVED), -1)).tolist()
    assert [[label for label in row if label] for row in labels] == [
        [entity["label"] for entity in entities] for entities in answers
    ]


def test_the_signature_on_ids_labels_tokens(trained: BertTokenClassifier):
    inputs = trained.preprocessor(["good film"])
    answer = trained.answers(trained(inputs))
    assert answer["label"].numpy()[0, 1:3].tolist() == [b"B-GOOD", b"I-GOOD"]
    assert answer["score"].shape == inputs["token_ids"].shape


# -- what does not fit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["O", "O"]}, "labels: 'O' is there more than once"),
        ({"labels": ["O"]}, "needs at least 2"),
        ({"scheme": "XYZ"}, "scheme must be one of IOB2"),
        ({"labels": ["N", "V"], "scheme": "IOB2"}, "labels: not those of IOB2"),
        ({"stride": 0}, "stride is 0"),
        ({"pieces": "last"}, "pieces must be one of first, all"),
    ],
)
def test_arguments_that_are_none_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        tagger(**options)


def test_rows_that_are_none_are_refused(model: BertTokenClassifier):
    with pytest.raises(InputError, match="the rows have no ends, label, starts"):
        model.batches(tf.data.Dataset.from_tensor_slices({"text": tiny.TEXTS}))
    with pytest.raises(InputError, match=r"^unknown tag 'B-GOOD'; the labels are: O, B-X, I-X$"):
        tagger(["O", "B-X", "I-X"]).evaluate_rows(rows())
    with pytest.raises(InputError, match="no rows to evaluate"):
        model.evaluate_rows(rows().take(0))


def test_a_checkpoint_without_labels_needs_some(shared_data: Path):
    with pytest.raises(InputError, match=r"no labels of tokens there; say which there are"):
        BertTokenClassifier.from_preset(str(shared_data / "checkpoints" / "hf_sequence_classification"))


# -- real data -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "separator", "vocabulary"),
    [
        ("conll2003/test.txt", " ", "bert-base-uncased"),
        ("wnut17/test.conll", " ", "bert-base-uncased"),
        ("peoples_daily/dev.txt", "", "bert-base-chinese"),
    ],
)
def test_real_rows(file: str, separator: str, vocabulary: str, shared_data: Path):
    """A few steps on real rows: every word has a label, and a loss that falls."""
    from keras_bert.text import BertPreprocessor, BertTokenizer

    data = read_tags(shared_data / "token_classification" / file, separator=separator).take(200)
    labels = tag_labels(data)
    tokenizer = BertTokenizer(str(shared_data / "vocab" / f"{vocabulary}.txt"))
    config = tiny.config(vocab_size=tokenizer.vocabulary_size, max_position_embeddings=64, num_hidden_layers=1)
    task = tagger(labels, preprocessor=BertPreprocessor(tokenizer, 64), config=config)
    before = task.evaluate_rows(data)["loss"]
    task.compile(adamw(1e-3, steps=12))
    task.fit(task.batches(data, 32, shuffle=True).take(12), verbose=0)
    predicted, wanted = task.predict_rows(data)
    assert [len(row) for row in predicted] == [len(row) for row in wanted]
    assert task.evaluate_rows(data)["loss"] < 0.8 * before
