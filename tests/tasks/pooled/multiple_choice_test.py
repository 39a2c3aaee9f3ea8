"""Multiple choice: rows, head, loss and answers, each against numbers worked out beside it or by transformers."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks import open_task
from keras_bert.tasks.pooled.multiple_choice import BertMultipleChoice
from keras_bert.training import adamw
from tests.forked_process import run_bare
from tests.tasks import tiny

CHOICES = [[tiny.PAIRS[(row + index) % 8] for index in range(3)] for row in range(8)]
LABELS = [0, 2, 1, 1, 0, 2, 2, 0]


def chooser(**options: Any) -> BertMultipleChoice:
    return tiny.make(BertMultipleChoice, **options)


def rows(labels: list[int] | None = None) -> tf.data.Dataset:
    columns = {"text": tiny.TEXTS, "choices": CHOICES, **({"label": labels} if labels else {})}
    return tf.data.Dataset.from_tensor_slices(columns)


@pytest.fixture(scope="module")
def model() -> BertMultipleChoice:
    """For tests that only ask it."""
    return chooser()


def logits_of(model: BertMultipleChoice) -> np.ndarray:
    """Each choice packed with its text by itself."""
    columns = [model(model.preprocessor(tiny.TEXTS, [row[index] for row in CHOICES])) for index in range(3)]
    return np.concatenate(columns, axis=1).astype("float64")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def test_a_checkpoint_of_transformers_gives_its_logits(shared_data: Path, tmp_path: Path):
    """Also after it is saved and opened again."""
    folder = shared_data / "checkpoints" / "hf_multiple_choice"
    reference = np.load(folder / "reference_outputs.npz")
    inputs = {name: reference[name] for name in ("token_ids", "segment_ids", "padding_mask")}
    model = open_task(folder)
    assert type(model) is BertMultipleChoice
    assert model.load_report.new == ()
    np.testing.assert_allclose(model(inputs), reference["logits"], atol=1e-4)
    model.save_preset(tmp_path / "model")
    again = open_task(tmp_path / "model")
    np.testing.assert_allclose(again(inputs), reference["logits"], atol=1e-4)
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["BertForMultipleChoice"]


def test_logits_of_a_batch_are_those_of_each_choice(model: BertMultipleChoice):
    (inputs,) = next(iter(model.batches(rows(), batch_size=8, keep_order=True)))
    assert inputs["token_ids"].shape[:2] == (8, 3)
    np.testing.assert_allclose(model(inputs), logits_of(model), atol=1e-5)


def test_rows_of_a_batch_may_have_different_numbers_of_choices(model: BertMultipleChoice):
    """An empty choice is none: what is left is what the row alone gives, in training, scores, answers and exports."""
    counts = [3, 2, 3, 1, 2, 3, 2, 3]
    choices = [row[:count] + [""] * (3 - count) for row, count in zip(CHOICES, counts, strict=True)]
    labels = [min(label, count - 1) for label, count in zip(LABELS, counts, strict=True)]
    columns = {"text": tiny.TEXTS, "choices": choices, "label": labels}
    dataset = tf.data.Dataset.from_tensor_slices(columns)
    inputs, targets = next(iter(model.batches(dataset, batch_size=8, keep_order=True)))
    logits, expected = model(inputs).numpy(), logits_of(model)
    powers = np.zeros((8, 3))
    for row, count in enumerate(counts):
        np.testing.assert_allclose(logits[row, :count], expected[row, :count], atol=1e-5)
        powers[row, :count] = softmax(expected[row : row + 1, :count])[0]
    np.testing.assert_allclose(tf.nn.softmax(logits), powers, atol=1e-6)
    loss = -np.log(powers[np.arange(8), labels]).mean()
    assert float(model.default_loss()(targets, logits)) == pytest.approx(loss, abs=1e-5)
    scores = model.evaluate_rows(dataset, batch_size=3)
    assert scores["accuracy"] == np.mean(powers.argmax(1) == labels)
    assert scores["loss"] == pytest.approx(loss, abs=1e-5)
    served = model.answer_strings(tf.constant(tiny.TEXTS), tf.constant(choices))
    np.testing.assert_allclose(served["scores"], powers, atol=1e-6)
    alone = model.answer([(text, row[:count]) for text, row, count in zip(tiny.TEXTS, CHOICES, counts, strict=True)])
    assert [answer["choice"] for answer in alone] == served["choice"].numpy().tolist()


def test_a_question_stands_before_each_choice(tmp_path: Path):
    task = chooser(question=True)
    asked = ["is food good", "a film"] * 4
    (inputs,) = next(iter(task.batches(rows().map(lambda row: row | {"question": "is food good"}), 8, keep_order=True)))
    words = [tiny.VOCABULARY[index] for index in inputs["token_ids"][0, 0].numpy() if index]
    assert words == ["[CLS]", "good", "film", "[SEP]", "is", "food", "good", "fine", "film", "[SEP]"][: len(words)]
    joined = [[f"{question} {choice}" for choice in row] for question, row in zip(asked, CHOICES, strict=True)]
    task.save_preset(tmp_path / "model")
    again = open_task(tmp_path / "model")
    assert again.text_fields == ("text", "question", "choices")
    plain = BertMultipleChoice.from_preset(tmp_path / "model", question=False)
    expected = plain.answer(list(zip(tiny.TEXTS, joined, strict=True)))
    found = again.answer(list(zip(tiny.TEXTS, asked, CHOICES, strict=True)))
    assert [answer["scores"] for answer in found] == [pytest.approx(answer["scores"], abs=1e-6) for answer in expected]
    assert found[0]["text"] in CHOICES[0]
    served = again.signatures()["serving_default"]
    assert set(served.inputs) == {"text", "question", "choices"}
    with pytest.raises(InputError, match="text 0: expected a text, a question and a list of choices"):
        again.answer([("a", ["b", "c"])])
    with pytest.raises(InputError, match="the task takes text and question and choices; the rows have no question"):
        again.features({"text": tf.constant(["a"]), "choices": tf.constant([["b", "c"]])})


def test_an_answer_is_the_likeliest_choice(model: BertMultipleChoice):
    probabilities = softmax(logits_of(model))
    assert len(set(probabilities.argmax(1))) > 1, "the test needs different choices"
    answers = model.answer(list(zip(tiny.TEXTS, CHOICES, strict=True)), batch_size=3)
    for answer, row, choices in zip(answers, probabilities, CHOICES, strict=True):
        assert answer["choice"] == row.argmax()
        assert answer["text"] == choices[row.argmax()]
        assert answer["score"] == pytest.approx(row.max(), abs=1e-5)
        np.testing.assert_allclose(answer["scores"], row, atol=1e-5)


def test_each_text_may_have_its_own_number_of_choices(model: BertMultipleChoice):
    asked = [
        {"text": "good film", "choices": ["bad", "ü 中 😀", "book"]},
        ("food", ["good"]),
        {"text": b"good film", "choices": (b"bad", b"\xff"), "id": 3},
        ("good film", np.array(["bad", "\ud83d"], object)),
    ]
    answers = model.answer(asked)
    assert [len(answer["scores"]) for answer in answers] == [3, 1, 2, 2]
    assert answers[1] == {"choice": 0, "text": "good", "score": 1.0, "scores": [1.0]}
    np.testing.assert_allclose(answers[0]["scores"], model.answer(asked[:1])[0]["scores"], atol=1e-6)
    assert model.answer([]) == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("good", r"write answer\(\[\(text, choices\)\]\)"),
        (["good"], "text 0: expected a text and a list of choices, received: 'good'"),
        ([("good", "bad")], "text 0: expected a text and a list of choices"),
        ([("good", ["bad"]), ("good", [])], "text 1: has no choices"),
        ([{"text": "good"}], "text 0: expected a text and a list of choices"),
        ([("good", ["bad", 3])], "text 0: expected a string, received: 3"),
        ([(None, ["bad"])], "text 0: expected a string, received: None"),
    ],
)
def test_what_has_no_choices_is_refused(model: BertMultipleChoice, asked: Any, message: str):
    with pytest.raises(InputError, match=message):
        model.answer(asked)


def test_rows_without_choices_are_refused(model: BertMultipleChoice):
    with pytest.raises(InputError, match="takes text and choices; the rows have no choices"):
        model.features({"text": tf.constant(["good"])})


def test_the_loss_is_the_cross_entropy_over_the_choices(model: BertMultipleChoice):
    probabilities = softmax(logits_of(model))
    scores = model.evaluate_rows(rows(LABELS), batch_size=3)
    losses = -np.log(probabilities[np.arange(8), LABELS])
    assert scores["loss"] == pytest.approx(losses.mean(), rel=1e-4)
    assert scores["accuracy"] == pytest.approx((probabilities.argmax(1) == LABELS).mean())


def test_eight_rows_are_learned_by_heart():
    model = chooser(config=tiny.without_dropout())
    model.compile(adamw(1e-2, steps=60))
    model.fit(model.batches(rows(LABELS), batch_size=4).cache().repeat(30), verbose=0)
    assert model.evaluate_rows(rows(LABELS))["accuracy"] == 1.0
    results = model.evaluate(model.batches(rows(LABELS)), verbose=0, return_dict=True)
    assert results["accuracy"] == 1.0
    answers = model.answer(list(zip(tiny.TEXTS, CHOICES, strict=True)))
    assert [answer["choice"] for answer in answers] == LABELS


def test_a_keras_file_and_a_preset_come_back(tmp_path: Path):
    model = chooser(pooling="max", preprocessor=tiny.preprocessor(9, truncation="only_first"))
    expected = logits_of(model)
    model.save(tmp_path / "model.keras")
    model.save_preset(tmp_path / "model")
    for again in (keras.saving.load_model(tmp_path / "model.keras"), open_task(tmp_path / "model")):
        assert (type(again), again.pooling) == (BertMultipleChoice, "max")
        assert (again.preprocessor.max_length, again.preprocessor.truncation) == (9, "only_first")
        np.testing.assert_allclose(logits_of(again), expected, atol=1e-6)


@pytest.mark.parity
def test_transformers_opens_the_folder_and_gives_the_same_logits(model: BertMultipleChoice, tmp_path: Path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    model.save_preset(tmp_path / "model")
    theirs = transformers.BertForMultipleChoice.from_pretrained(tmp_path / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    for text, choices, expected in zip(tiny.TEXTS, CHOICES, logits_of(model), strict=True):
        inputs = tokenizer([text] * 3, choices, return_tensors="pt", padding=True)
        with torch.no_grad():
            logits = theirs(**{name: tensor[None] for name, tensor in inputs.items()}).logits
        np.testing.assert_allclose(logits[0].numpy(), expected, atol=1e-4)


def test_the_head_of_another_task_is_left_for_a_fresh_one(tmp_path: Path):
    tiny.regressor().save_preset(tmp_path / "regressor")
    model = BertMultipleChoice.from_preset(tmp_path / "regressor")
    assert model.load_report.new == ("classifier.weight", "classifier.bias")


def test_pairs_of_texts_in_unlike_numbers_are_asked_flat(model: BertMultipleChoice):
    """One pair a row, which a server can put together with those of others."""
    texts = [("good food", ["fine", "a bad film"]), ("the book", ["dull", "warm", "very good"])]
    columns = zip(*((text, choice) for text, choices in texts for choice in choices), strict=True)
    logits = model.signatures()["pairs"].function(
        **dict(zip(("text", "choice"), map(tf.constant, columns), strict=True))
    )
    expected = [answer["scores"] for answer in model.answer(texts)]
    for part, scores in zip(tf.split(logits["logit"], [2, 3]), expected, strict=True):
        assert tf.nn.softmax(part).numpy() == pytest.approx(scores, abs=1e-5)


BARE = """
import json, sys
import tensorflow as tf
import tensorflow_text
asked = json.load(open(sys.argv[2]))
signatures = tf.saved_model.load(sys.argv[1]).signatures
outputs = signatures["serving_default"](**{name: tf.constant(asked[name]) for name in ("text", "choices")})
by_ids = signatures["token_ids"](**{name: tf.constant(value, tf.int32) for name, value in asked["ids"].items()})
assert not [name for name in sys.modules if name.split(".")[0] in ("keras_bert", "keras_hub")]
result = {name: tensor.numpy().tolist() for name, tensor in outputs.items() if name != "text"}
result |= {"text": [text.decode() for text in outputs["text"].numpy()], "by_ids": by_ids["scores"].numpy().tolist()}
json.dump(result, open(sys.argv[2], "w"))
"""


def test_an_export_chooses_as_the_model_does_in_a_bare_process(model: BertMultipleChoice, tmp_path: Path):
    model.export(tmp_path / "model" / "1")
    texts = [*tiny.TEXTS[:6], "", "\0 😀 中"]
    inputs = next(iter(model.batches(rows(), batch_size=8, keep_order=True)))[0]
    ids = {name: tensor.numpy().tolist() for name, tensor in inputs.items()}
    file = tmp_path / "asked.json"
    file.write_text(json.dumps({"text": texts, "choices": CHOICES, "ids": ids}), encoding="utf-8")
    run_bare(BARE, tmp_path, tmp_path / "model" / "1", file)
    outputs = json.loads(file.read_text(encoding="utf-8"))
    answers = model.answer(list(zip(texts, CHOICES, strict=True)))
    np.testing.assert_allclose(outputs["scores"], [answer["scores"] for answer in answers], atol=1e-5)
    np.testing.assert_allclose(outputs["score"], [answer["score"] for answer in answers], atol=1e-5)
    assert outputs["text"] == [answer["text"] for answer in answers]
    assert outputs["choice"] == [answer["choice"] for answer in answers]
    np.testing.assert_allclose(outputs["by_ids"], softmax(logits_of(model)), atol=1e-5)
