"""`explain` of every task: what is explained, and the words of the caller's text."""

import json
from typing import Any

import numpy as np
import pytest

import keras_bert
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.text.markers import MARKERS
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.trust.explain.settings import METHODS
from tests.tasks import tiny

FIELDS = (
    *("method", "task", "texts", "answer", "label", "score", "baseline", "baseline_score", "gap", "steps", "words"),
    *("rest", "cut"),
)


def check(found: dict[str, Any]) -> None:
    """What holds for every explanation: JSON has all of it, and words stand where they say."""
    assert set(FIELDS) <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for word in found["words"]:
        assert found["texts"][word["field"]][word["start"] : word["end"]] == word["text"]
        assert word["text"].strip() == word["text"] != ""
    for part in found["cut"]:
        assert 0 <= part["start"] < part["end"] <= len(found["texts"][part["field"]])
    if found["gap"] is not None:
        total = sum(word["value"] for word in found["words"]) + found["rest"]
        difference = found["score"] - found["baseline_score"]
        assert total == pytest.approx(difference, rel=0.0101, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_the_same_form(model: BertClassifier, method: str):
    texts = ["Good  books!", "", "the film: bad, ALAS é"]
    found = model.explain(texts, method)
    assert found == keras_bert.trust.explain(model, texts, method)
    for text, each in zip(texts, found, strict=True):
        check(each)
        assert (each["method"], each["task"], each["texts"]) == (method, "BertClassifier", {"text": text})
        assert each["answer"] == pytest.approx(model.answer([text])[0])
        assert each["label"] == each["answer"]["label"]
    assert [word["text"] for word in found[0]["words"]] == ["Good", "books", "!"]
    assert [word["text"] for word in found[2]["words"]] == ["the", "film", ":", "bad", ",", "ALAS", "é"]
    assert (found[1]["words"], found[1]["note"]) == ([], "the text has no words")
    assert model.explain([], method) == []


def test_the_class_that_is_asked_for(model: BertClassifier):
    text = "the food is cold but fine"
    logits = model(model.preprocessor([text])).numpy()[0]
    for number, label in enumerate(model.labels):
        (found,) = model.explain([text], target=label)
        assert (found["label"], found["score"]) == (label, pytest.approx(logits[number], abs=1e-5))
    (found,) = model.explain([text])
    assert found["label"] == model.labels[logits.argmax()]
    several = model.explain([text, text], target=["neutral", "positive"])
    assert [each["label"] for each in several] == ["neutral", "positive"]


def test_a_text_that_is_cut_says_where(model: BertClassifier):
    text = "  ".join(tiny.TEXTS)
    (found,) = model.explain([text], "occlusion")
    check(found)
    (part,) = found["cut"]
    assert (part["field"], part["end"], part["reason"]) == ("text", len(text), "max_length")
    inside = [word for word in found["words"] if word["start"] >= part["start"]]
    assert inside == []
    # What is cut is what the model does not read.
    assert model.answer([text[: part["start"]]]) == model.answer([text])
    assert model.answer([text[: part["start"] - 1].rstrip().rpartition(" ")[0]]) != model.answer([text])


def test_characters_and_bytes(model: BertClassifier):
    text = "É中 good 😀 film\ud83d!"
    (found,) = model.explain([text], "gradient_x_input")
    words = [(word["text"], word["start"], word["end"]) for word in found["words"]]
    assert words[2] == ("good", 3, 7)
    assert all(text[start:end] == shown for shown, start, end in words)
    data = "É中 good".encode()
    (found,) = model.explain([data], "gradient_x_input")
    assert [data[word["start"] : word["end"]].decode() for word in found["words"]] == ["É", "中", "good"]


def test_pairs():
    model = tiny.classifier(text_pair=True)
    rows = list(zip(tiny.TEXTS, tiny.PAIRS, strict=True))
    for (text, pair), found in zip(rows[:4], model.explain(rows[:4]), strict=True):
        check(found)
        for field, given in (("text", text), ("text_pair", pair)):
            assert [word["text"] for word in found["words"] if word["field"] == field] == given.split()
    (found,) = model.explain([{"text": "a " * 30, "text_pair": "good " * 20}], "gradient_x_input")
    check(found)
    assert [part["field"] for part in found["cut"]] == ["text", "text_pair"]
    counts = [sum(word["field"] == field for word in found["words"]) for field in ("text", "text_pair")]
    assert sum(counts) == 24 - 3


def test_several_labels_and_their_likeliest():
    model = tiny.classifier(("bad", "food", "good"), problem_type=MULTI_LABEL)
    (found,) = model.explain(["very good food and warm"])
    check(found)
    scores = found["answer"]["scores"]
    assert found["label"] == max(scores, key=scores.get)


def test_markers_are_no_words():
    entries = [*tiny.VOCABULARY, *MARKERS]
    preprocessor = BertPreprocessor(BertTokenizer(entries), max_length=24, markers=MARKERS)
    config = tiny.config(vocab_size=len(entries))
    model = tiny.classifier(preprocessor=preprocessor, config=config, pooling="markers")
    for method in ("integrated_gradients", "rollout"):
        (found,) = model.explain(["the <e1>film</e1> was a <e2>book</e2>"], method)
        check(found)
        assert [word["text"] for word in found["words"]] == ["the", "film", "was", "a", "book"]
        assert found["answer"]["marked"] is True


def test_a_regressor_has_one_number():
    model = tiny.regressor(text_pair=True, activation="sigmoid")
    (found,) = model.explain([("good film", "bad film")], steps=20)
    check(found)
    assert found["label"] == "score"
    assert found["answer"]["score"] == pytest.approx(1 / (1 + np.exp(-found["score"])), abs=1e-6)
    with pytest.raises(InputError, match="a regressor has one number and no classes; leave target out"):
        model.explain([("good film", "bad film")], target="1")


def test_the_similarity_of_two_texts():
    for similarity in ("cosine", "euclidean"):
        model = tiny.embedder(similarity=similarity)
        (found,) = model.explain([("the film was bad", "a good book")])
        check(found)
        assert found["score"] == pytest.approx(found["answer"]["similarity"], abs=1e-5)
        firsts, seconds = model.embed(["the film was bad"]), model.embed(["a good book"])
        assert found["answer"]["similarity"] == pytest.approx(
            float(firsts[0] @ seconds[0]) if similarity == "cosine" else -float(np.linalg.norm(firsts - seconds)),
            abs=1e-6,
        )
        (occluded,) = model.explain([("the film was bad", "a good book")], "occlusion")
        check(occluded)
    (shapley,) = model.explain([("bad", "a good book")], "shapley")
    check(shapley)
    with pytest.raises(InputError, match="text 0: expected a pair of strings"):
        model.explain(["a good book"])


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ("good", {}, r"explain takes a list of texts; for one text write explain\(\[text\]\)"),
        ([3], {}, "text 0: expected a string, received: 3"),
        (["good"], {"target": "fine"}, "target='fine' is none of the classes: negative, neutral, positive"),
        (["good"], {"target": 1}, "target=1 is none of the classes"),
        (["good"], {"target": ["neutral", "neutral"]}, "a list has one for each text; there are 2 for 1 texts"),
        (["good"], {"method": "lime"}, "method must be one of"),
    ],
)
def test_bad_input(model: BertClassifier, texts, options, message: str):
    with pytest.raises(InputError, match=message):
        model.explain(texts, **options)


def test_a_task_that_cannot_be_explained():
    with pytest.raises(InputError, match="a BertPretrainer cannot be explained; these can: BertClassifier, "):
        tiny.pretrainer().explain(["good [MASK]"])
