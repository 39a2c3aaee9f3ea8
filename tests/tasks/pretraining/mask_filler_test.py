"""Words for masks, and whether a text follows another: from Python and from a SavedModel."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from tests.forked_process import run_bare
from tests.tasks import tiny


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def test_answers_are_the_likeliest_words():
    model = tiny.pretrainer()
    texts = ["good [MASK]", "the [MASK] is very [MASK] and [MASK]", {"text": "[MASK]"}]
    answers = model.answer(texts, top_k=3, batch_size=2)
    assert [[len(mask) for mask in answer] for answer in answers] == [[3], [3, 3, 3], [3]]
    ids = [
        2,
        *(tiny.VOCABULARY.index(token) for token in ["the", "[MASK]", "is", "very", "[MASK]", "and", "[MASK]"]),
        3,
    ]
    inputs = {"token_ids": [ids], "segment_ids": [[0] * 9], "padding_mask": [[1] * 9], "mask_positions": [[2, 5, 7]]}
    logits = model({name: np.array(value, "int32") for name, value in inputs.items()})["masked_lm"][0]
    probabilities = np.exp(log_softmax(logits.numpy()))
    for mask, row in zip(answers[1], probabilities, strict=True):
        best = np.argsort(-row)[:3]
        assert [word["token"] for word in mask] == [tiny.VOCABULARY[index] for index in best]
        np.testing.assert_allclose([word["score"] for word in mask], row[best], rtol=1e-4)
    word = answers[1][1][0]["token"]
    assert answers[1][1][0]["text"].replace(word.removeprefix("##"), "[MASK]").count("[MASK]") == 3
    assert model.answer([]) == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["good [MASK]", "good film"], r"text 1: has no \[MASK\]"),
        (["[MASK] " * 65], r"text 0: has 65 \[MASK\]"),
        (["good " * 30 + "[MASK]"], r"text 0: its \[MASK\] number 1 is cut off, behind the first 24 tokens"),
        ("good [MASK]", "takes a list"),
        ([("a", "b")], "expected a string"),
        ([3], "expected a string"),
    ],
)
def test_texts_that_cannot_be_answered(texts: Any, message: str):
    with pytest.raises(InputError, match=message):
        tiny.pretrainer().answer(texts)


def test_top_k_has_bounds():
    for top_k in (0, len(tiny.VOCABULARY) + 1):
        with pytest.raises(InputError, match="top_k"):
            tiny.pretrainer().answer(["[MASK]"], top_k=top_k)


def test_continuation_scores_are_the_heads():
    model = tiny.pretrainer()
    pairs = [*zip(tiny.TEXTS, tiny.PAIRS, strict=True)]
    scores = model.continuation_score(pairs, batch_size=3)
    for (text, pair), score in zip(pairs, scores, strict=True):
        inputs = {**model.preprocessor([text], [pair]), "mask_positions": tf.zeros((1, 1), tf.int32)}
        follows = np.exp(log_softmax(model(inputs)["next_sentence"].numpy()))[0, 0]
        assert score == pytest.approx(follows, rel=1e-4)
    assert len({round(score, 3) for score in scores}) > 3
    with pytest.raises(InputError, match="no next-sentence head"):
        tiny.pretrainer(next_sentence=False).continuation_score(pairs)
    with pytest.raises(InputError, match="a pair of strings"):
        model.continuation_score(["good"])


SERVED = """
import json, sys
import tensorflow as tf
import tensorflow_text
loaded = tf.saved_model.load(sys.argv[1])
texts = tf.constant([b"good [MASK] and [MASK]", b"film", b"", b"\\xff[MASK]\\xed\\xa0\\x80", b"[MASK]" * 100])
answers = loaded.signatures["serving_default"](text=texts)
follows = loaded.signatures["next_sentence"](text=texts[:2], text_pair=texts[1:3])
ids = {"token_ids": [[2, 5, 4, 3]], "segment_ids": [[0] * 4], "padding_mask": [[1] * 4]}
by_ids = loaded.signatures["token_ids"](**{name: tf.constant(value) for name, value in ids.items()})
assert not [name for name in sys.modules if name.startswith("keras_bert")]
print(json.dumps({
    "tokens": [[[word.decode() for word in mask] for mask in row] for row in answers["tokens"].numpy().tolist()],
    "scores": answers["scores"].numpy().tolist(), "count": answers["count"].numpy().tolist(),
    "follows": follows["score"].numpy().tolist(), "by_ids": by_ids["scores"].numpy().tolist(),
}))
"""


@pytest.mark.slow
def test_an_export_answers_strings_where_only_tensorflow_is(tmp_path: Path):
    model = tiny.pretrainer()
    model.export(tmp_path / "1")
    served = json.loads(run_bare(SERVED, tmp_path, tmp_path / "1").splitlines()[-1])
    assert served["count"] == [2, 0, 0, 1, 22]  # of 100, as many as 24 tokens hold
    expected = model.answer(["good [MASK] and [MASK]", "good [MASK]"])
    for place, mask in enumerate(expected[0]):
        assert served["tokens"][0][place] == [word["token"] for word in mask]
        np.testing.assert_allclose(served["scores"][0][place], [word["score"] for word in mask], rtol=1e-4)
    assert set(served["tokens"][1][0]) == {""}
    assert not np.any(served["scores"][1])
    np.testing.assert_allclose(served["by_ids"][0][0], [word["score"] for word in expected[1][0]], rtol=1e-4)
    pairs = [("good [MASK] and [MASK]", "film"), ("film", "")]
    np.testing.assert_allclose(served["follows"], model.continuation_score(pairs), rtol=1e-4)
    assert "masked words and next sentences" in (tmp_path / "1/README.md").read_text()


def test_targets_are_chosen_from_with_the_scores_they_have_among_all_words():
    model = tiny.pretrainer()
    texts = ["good [MASK]", "the [MASK] is [MASK]"]
    every = model.answer(texts, top_k=len(tiny.VOCABULARY))
    chosen = model.answer(texts, targets=["film", "cold", "##s", "Film"])
    for text, all_of_it in zip(chosen, every, strict=True):
        for mask, words in zip(text, all_of_it, strict=True):
            expected = [word for word in words if word["token"] in ("film", "cold", "##s")]
            assert [word["token"] for word in mask] == [word["token"] for word in expected]
            assert [word["text"] for word in mask] == [word["text"] for word in expected]
            np.testing.assert_allclose([w["score"] for w in mask], [w["score"] for w in expected], rtol=1e-5)
    best = model.answer(texts[:1], targets=["film", "cold", "##s"], top_k=1)
    assert [word["token"] for word in best[0][0]] == [chosen[0][0][0]["token"]]
    with pytest.raises(InputError, match="from 1 to 2, the number of targets"):
        model.answer(texts, targets=["film", "cold"], top_k=3)
