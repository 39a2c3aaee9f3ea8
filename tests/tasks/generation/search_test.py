"""What the rules of the settings allow."""

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.generation.rows import seeds_of
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer

LONG = {"num_beams": 2, "max_new_tokens": 8}


def pieces(text: str) -> list[str]:
    tokenizer = tiny.preprocessor().tokenizer
    return [tokenizer.id_to_token(id_) for id_ in tokenizer(tf.constant([text]))[0].numpy()]


def test_a_prefix_is_what_the_text_begins_with():
    """What follows is what the model writes after it, whatever else the rules forbid."""
    model = writer(generation={**LONG, "prefix": "the film", "forbidden_words": ["film"]})
    for answer in model.answer(tiny.TEXTS):
        assert answer["text"].startswith("the film")
        assert "film" not in pieces(answer["text"])[2:]
    one_each = model.answer(tiny.TEXTS[:2], prefix=["good", "bad"])
    assert [answer["text"].split()[0] for answer in one_each] == ["good", "bad"]
    (alone,) = model.answer(tiny.TEXTS[:1], prefix="good")
    assert one_each[0]["text"] == alone["text"]
    assert one_each[0]["score"] == pytest.approx(alone["score"], abs=1e-5)


def test_a_text_as_long_as_its_source():
    settings = {"num_beams": 3, "max_new_tokens": 12, "as_long_as_source": True}
    model = writer(generation=settings, preprocessor=tiny.preprocessor(12))
    texts = ["good film", "good", "the food was cold and dull", ""]
    source = [len(ids) for ids in model.tokenizer(tf.constant(texts)).to_list()]
    found = model.search(model._sources(tf.constant(texts)))
    assert found["lengths"][:, 0].numpy().tolist() == source


def test_allowed_words_are_the_only_ones():
    model = writer(generation={**LONG, "allowed_words": ["good", "film"], "min_new_tokens": 3})
    for answer in model.answer(tiny.TEXTS):
        assert set(pieces(answer["text"])) <= {"good", "film"}


def test_words_keep_the_spelling_of_the_source():
    model = writer(generation={**LONG, "allowed_words": ["good", "film"], "min_new_tokens": 3, "source_spelling": True})
    for answer in model.answer(["the GOOD Film"]):
        assert set(answer["text"].split()) <= {"GOOD", "Film"}
    with pytest.raises(InputError, match="stream without it"):
        list(model.stream("good"))


def test_what_a_shortlist_leaves_out_never_comes():
    tokenizer = tiny.preprocessor().tokenizer
    some = [tokenizer.token_to_id(word) for word in ("good", "bad", "film", "book", "the")]
    model = writer(output_ids=some, generation={**LONG, "min_new_tokens": 4})
    for answer in model.answer(tiny.TEXTS):
        assert set(pieces(answer["text"])) <= {"good", "bad", "film", "book", "the"}


def test_of_a_shortlist_of_all_ids_the_answers_are_the_same():
    whole, short = writer(generation=LONG), writer(generation=LONG, output_ids=range(len(tiny.VOCABULARY)))
    for one, other in zip(whole.answer(tiny.TEXTS), short.answer(tiny.TEXTS), strict=True):
        assert one["text"] == other["text"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)


def test_what_is_drawn_follows_from_text_and_seed_alone():
    sampled = {"num_beams": 1, "do_sample": True, "num_return_sequences": 3, "max_new_tokens": 8, "temperature": 2.0}
    model = writer(generation=sampled)
    together = model.answer(tiny.TEXTS, seed=3)
    assert [len(answer["hypotheses"]) for answer in together] == [3] * len(tiny.TEXTS)
    assert all(answer["score"] == max(each["score"] for each in answer["hypotheses"]) for answer in together)
    for text, answer in zip(tiny.TEXTS[:2], together, strict=False):
        assert model.answer([text], seed=3)[0]["text"] == answer["text"]
    assert [answer["text"] for answer in model.answer(tiny.TEXTS, seed=4)] != [answer["text"] for answer in together]
    assert seeds_of(tf.constant(["a", "a"]), tf.constant([1, 2])).shape == (2, 2)


@pytest.mark.parametrize(
    ("generation", "message"),
    [
        ({"prefix": "zzz"}, "prefix: the model cannot write 'zzz'"),
        ({"forbidden_words": ["zzz"]}, "forbidden_words: the model cannot write 'zzz'"),
        ({"prefix": "good " * 8, "max_new_tokens": 8}, "has 8 tokens; max_new_tokens=8 leaves no room"),
        ({"as_long_as_source": True, "max_new_tokens": 8}, "a source may have 18 tokens"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(generation, message):
    with pytest.raises(InputError, match=message):
        writer(generation=generation)


def test_a_prefix_of_a_call_is_checked_as_that_of_the_settings():
    model = writer(generation=LONG)
    with pytest.raises(InputError, match="prefix: the model cannot write 'zzz'"):
        model.answer(["good"], prefix="zzz")
    with pytest.raises(InputError, match="prefix: expected a string for each of 2 texts"):
        model.answer(["good", "bad"], prefix=["good"])
