"""One entity of a tagger: its logits, in the windows that it stands in."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertTokenClassifier
from tests.tasks.tiny_tags import tagger
from tests.trust.explain.explain_test import check

TEXT = "the film was bad and the food good, books so fine"


@pytest.fixture(scope="module")
def model() -> BertTokenClassifier:
    return tagger()


def first_pieces(model: BertTokenClassifier, text: str) -> list[int]:
    ids = model.preprocessor([text])["token_ids"].numpy()[0]
    words = [model.tokenizer.id_to_token(int(token)) for token in ids]
    return [place for place, word in enumerate(words) if word not in ("[CLS]", "[SEP]", "[PAD]", "##s")]


def test_the_surest_entity_and_the_mean_of_its_logits(model: BertTokenClassifier):
    entities = model.answer([TEXT])[0]
    surest = max(entities, key=lambda entity: entity["score"])
    (found,) = model.explain([TEXT])
    check(found)
    assert found["answer"] == surest
    assert found["label"] == f"{surest['label']}: {surest['text']}"
    assert found["cut"] == []
    logits = model(model.preprocessor([TEXT])).numpy()[0]
    spans = [(word["start"], word["end"]) for word in found["words"]]
    inside = [surest["start"] <= start and end <= surest["end"] for start, end in spans]
    chosen = logits[np.array(first_pieces(model, TEXT))[inside]]
    tags = ["B" if place == 0 else "I" for place in range(len(chosen))]
    expected = [row[model.labels.index(f"{tag}-{surest['label']}")] for row, tag in zip(chosen, tags, strict=True)]
    assert found["score"] == pytest.approx(np.mean(expected), abs=1e-5)


def test_an_entity_by_its_number_or_its_place(model: BertTokenClassifier):
    entities = model.answer([TEXT])[0]
    for number, entity in enumerate(entities):
        (by_number,) = model.explain([TEXT], "gradient_x_input", target=number)
        (by_place,) = model.explain([TEXT], "gradient_x_input", target=entity)
        assert by_number == by_place
        assert by_number["answer"] == entity
    # One that the model does not find.
    (found,) = model.explain([TEXT], target={"label": "BAD", "start": 4, "end": 8})
    check(found)
    assert found["label"] == "BAD: film"


def test_a_word_far_away_is_named_as_not_read():
    model = tagger(max_length=8)
    text = " ".join([*(["the film"] * 8), "bad", *(["a book"] * 8)])
    start = text.index("bad")
    (found,) = model.explain([text], target={"label": "BAD", "start": start, "end": start + 3})
    check(found)
    assert [part["reason"] for part in found["cut"]] == ["window", "window"]
    before, after = found["cut"]
    assert (before["start"], after["end"]) == (0, len(text))
    assert before["end"] < start < after["start"]
    assert len(found["words"]) == 6
    # What is not read changes nothing.
    assert (
        found["score"]
        == model.explain([text.replace("the", "but", 1)], target={"label": "BAD", "start": start, "end": start + 3})[0][
            "score"
        ]
    )


def test_an_entity_in_two_windows():
    model = tagger(max_length=6, stride=4)
    text = "good film bad book fine food cold warm"
    (found,) = model.explain([text], target={"label": "BAD", "start": 0, "end": len(text)})
    check(found)
    assert [word["text"] for word in found["words"]] == text.split()
    (shares,) = model.explain([text], "rollout", target={"label": "BAD", "start": 0, "end": len(text)})
    assert sum(word["value"] for word in shares["words"]) + shares["rest"] == pytest.approx(1)


def test_a_text_without_entities(model: BertTokenClassifier):
    (found,) = model.explain([""])
    assert (found["label"], found["score"], found["words"]) == (None, None, [])
    assert found["note"] == "the model finds no entity in this text"


def test_plain_labels():
    model = tagger(labels=["NOUN", "VERB", "OTHER"])
    (found,) = model.explain(["the film was"], target={"label": "VERB", "start": 4, "end": 8})
    check(found)
    logits = model(model.preprocessor(["the film was"])).numpy()[0, 2]
    assert found["score"] == pytest.approx(logits[1], abs=1e-5)
    assert found["label"] == "VERB: film"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (99, r"target=99: the model finds \d+ entities in text 0"),
        (
            "PER",
            "target='PER': of a tagger an entity is explained, by its number, from 0, or as a dict",
        ),
        ({"label": "BAD", "start": 0}, "an entity has label, start and end; end is missing"),
        ({"label": "PER", "start": 0, "end": 3}, "target: 'PER' is no label of an entity; there are: BAD, GOOD"),
        ({"label": "BAD", "start": 3, "end": 4}, "target: no word stands from byte 3 to 4 of the text"),
        ({"label": "BAD", "start": 3, "end": 400}, "target: start=3 and end=400 are no place in a text of 49"),
    ],
)
def test_bad_targets(model: BertTokenClassifier, target, message: str):
    with pytest.raises(InputError, match=message):
        model.explain([TEXT], target=target)


def test_the_tags_of_another_scheme():
    """A single word of BIOES has a tag of its own."""
    labels = ["O", *(f"{letter}-{kind}" for kind in ("BAD", "GOOD") for letter in "BIES")]
    model = tagger(labels=labels)
    (found,) = model.explain(["the film was bad"], target={"label": "BAD", "start": 13, "end": 16})
    logits = model(model.preprocessor(["the film was bad"])).numpy()[0, 4]
    assert found["score"] == pytest.approx(logits[labels.index("S-BAD")], abs=1e-5)
