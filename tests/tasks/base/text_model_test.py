"""The three stages that every task has: what does not fit, and how texts are answered."""

import json
import threading
from typing import Any

import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import (
    BertClassifier,
    BertMultipleChoice,
    BertPretrainer,
    BertQuestionAnswerer,
    BertRegressor,
)
from tests.tasks import tiny

# -- what does not fit ---------------------------------------------------------------------------------------


def test_a_vocabulary_of_another_size_is_refused():
    encoder = BertEncoder(tiny.config(vocab_size=40))
    with pytest.raises(InputError, match=f"vocabulary has {len(tiny.VOCABULARY)} entries.*vocab_size=40"):
        BertClassifier(encoder, tiny.preprocessor(), ["a", "b"])


def test_longer_inputs_than_the_position_table_are_refused():
    assert BertRegressor(BertEncoder(tiny.config()), tiny.preprocessor(32)).preprocessor.max_length == 32
    with pytest.raises(InputError, match=r"max_length=33 is more than .*max_position_embeddings=32"):
        BertRegressor(BertEncoder(tiny.config()), tiny.preprocessor(33))


@pytest.mark.parametrize(
    ("cls", "options", "what"),
    [
        (BertClassifier, {"labels": ["a", "b"], "text_pair": True}, "two texts a row"),
        (BertRegressor, {"text_pair": True}, "two texts a row"),
        (BertMultipleChoice, {}, "a text and its choices"),
        (BertQuestionAnswerer, {}, "a question and its context"),
        (BertPretrainer, {}, "next sentences"),
    ],
)
def test_pairs_need_two_kinds_of_segments(cls, options, what):
    tokenizer = tiny.preprocessor().tokenizer
    one = Checkpoint(tiny.config(type_vocab_size=1), {}, "nowhere", vocabulary=tokenizer.get_vocabulary())
    with pytest.raises(InputError, match=rf"type_vocab_size=1\), and {what}.* need two"):
        cls.from_preset(one, **options)
    assert BertRegressor.from_preset(one).encoder.config.type_vocab_size == 1


# -- answers -------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_texts_whatever_the_batch_size():
    """Each answer is the one that its text gets alone, and no two are alike."""
    model = tiny.classifier()
    alone = [model.answer([text])[0] for text in tiny.TEXTS]
    assert len({round(answer["score"], 5) for answer in alone}) == len(alone)
    for batch_size in (1, 3, 8, 100):
        together = model.answer(tiny.TEXTS, batch_size)
        assert [answer["label"] for answer in together] == [answer["label"] for answer in alone]
        np.testing.assert_allclose(
            [answer["score"] for answer in together], [answer["score"] for answer in alone], atol=1e-6
        )


@pytest.mark.parametrize("text_pair", [False, True])
def test_every_way_to_write_a_text_is_the_same_text(text_pair: bool):
    model = tiny.classifier(text_pair=text_pair)
    ways: list[Any]
    if text_pair:
        ways = [("good", "bad film"), ["good", "bad film"], {"text": "good", "text_pair": "bad film", "id": 7}]
        ways += [(b"good", b"bad film"), np.array(["good", "bad film"])]
    else:
        ways = ["good", b"good", ["good"], {"text": "good", "id": 7}, np.str_("good")]
    assert len({json.dumps(answer) for answer in model.answer(ways, batch_size=1)}) == 1


def test_no_texts_have_no_answers():
    assert tiny.classifier().answer([]) == []


@pytest.mark.parametrize(
    ("text_pair", "texts", "message"),
    [
        (False, "good film", r"takes a list of texts; for one text write answer\(\[text\]\)"),
        (False, {"text": "good film"}, "takes a list of texts"),
        (False, ["good", 3], "text 1: expected a string, received: 3"),
        (False, [None], "text 0: expected a string, received: None"),
        (False, [("good", "bad")], "text 0: expected a string, received"),
        (True, ["good"], "text 0: expected a pair of strings, received: 'good'"),
        (True, [("good", "bad"), ("good", None)], "text 1: expected a pair of strings"),
        (True, [{"text": "good"}], "takes text and text_pair .*, text 0 has text$"),
        (False, [{"sentence": "good"}], "text 0 has neither text nor text_pair"),
        (False, [{"text": "good", "text_pair": "bad"}], "text 0 has text and text_pair"),
    ],
)
def test_what_is_no_text_is_refused(text_pair: bool, texts: Any, message: str):
    with pytest.raises(InputError, match=message):
        tiny.classifier(text_pair=text_pair).answer(texts)


AWKWARD = ["", " ", "\0", "good\0film", "\ud83d", b"\xff\xfe", b"good \xe2\x82", "\x1b\u200b\ufeff", "[SEP] [MASK]"]


def test_awkward_strings_are_answered():
    answers = tiny.classifier().answer([*AWKWARD, "good " * 200_000, "😀" * 10_000])
    assert len(answers) == len(AWKWARD) + 2
    assert np.isfinite([answer["score"] for answer in answers]).all()


def test_threads_may_share_a_model():
    model = tiny.classifier()
    expected = model.answer(tiny.TEXTS)
    model = tiny.classifier()
    found: list[Any] = [None] * 4

    def answer(index: int) -> None:
        found[index] = model.answer(tiny.TEXTS)

    threads = [threading.Thread(target=answer, args=(index,)) for index in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
