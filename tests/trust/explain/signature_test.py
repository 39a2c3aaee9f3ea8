"""`explain` of a SavedModel: the numbers of `model.explain`, from strings, with places in bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.markers import MARKERS
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.trust import explain_signature
from tests.tasks import tiny
from tests.tasks.tiny_tags import tagger


def explained(answers: dict[str, Any], row: int) -> list[tuple]:
    count = answers["count"].numpy()[row]
    columns = [answers[name].numpy()[row, :count].tolist() for name in ("word", "start", "end", "field")]
    return list(zip(*columns, strict=True))


def test_an_export_explains_as_python_does(tmp_path: Path):
    model = tiny.classifier(config=tiny.without_dropout())
    texts = ["É good  books!", "", "the film was bad", "  ".join(tiny.TEXTS)]
    model.export(tmp_path / "1", more=explain_signature)
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    answers = loaded.signatures["explain"](text=tf.constant([text.encode() for text in texts]))
    assert {name: value.shape[0] for name, value in answers.items()} == dict.fromkeys(answers, 4)
    found = model.explain([text.encode() for text in texts], steps=50)
    for row, each in enumerate(found):
        assert answers["label"].numpy()[row].decode() == each["label"]
        words = [(word["text"].encode(), word["start"], word["end"], 0) for word in each["words"]]
        assert explained(answers, row) == words
        values = answers["value"].numpy()[row]
        if each["steps"] == 50:
            np.testing.assert_allclose(
                values[: len(words)], [word["value"] for word in each["words"]], rtol=1e-3, atol=1e-5
            )
        assert (values[len(words) :] == 0).all()
        for name in ("score", "baseline_score"):
            assert answers[name].numpy()[row] == pytest.approx(each[name], abs=1e-5)
    assert answers["gap"].numpy()[2] < 0.01
    # The other signatures are what they were.
    assert loaded.signatures["serving_default"](text=tf.constant(texts))["label"].shape == (4,)


def test_pairs_and_a_regressor():
    model = tiny.regressor(text_pair=True, activation="sigmoid", config=tiny.without_dropout())
    signature = explain_signature(model)["explain"]
    texts, pairs = ["good film", "a " * 30], ["bad books", "good " * 20]
    answers = tf.function(signature.function)(text=tf.constant(texts), text_pair=tf.constant(pairs))
    assert "label" not in answers
    for row, each in enumerate(model.explain(list(zip(texts, pairs, strict=True)), steps=50)):
        number = {"text": 0, "text_pair": 1}
        words = [(word["text"].encode(), word["start"], word["end"], number[word["field"]]) for word in each["words"]]
        assert explained(answers, row) == words
        assert answers["score"].numpy()[row] == pytest.approx(each["score"], abs=1e-5)


def test_what_has_no_signature(tmp_path: Path):
    with pytest.raises(InputError, match="a BertTokenClassifier has no signature explain; classifiers and regressors"):
        explain_signature(tagger())
    entries = [*tiny.VOCABULARY, *MARKERS]
    preprocessor = BertPreprocessor(BertTokenizer(entries), max_length=24, markers=MARKERS)
    model = tiny.classifier(preprocessor=preprocessor, config=tiny.config(vocab_size=len(entries)), pooling="markers")
    with pytest.raises(InputError, match="a classifier of marked entities has no signature explain"):
        explain_signature(model)
    for options in ({"freeze": True}, {"dtype": "int8"}):
        with pytest.raises(InputError, match="more signatures are of SavedModels that are neither frozen nor"):
            tiny.classifier().export(tmp_path / "2", more=explain_signature, **options)
    assert not (tmp_path / "2").exists()
