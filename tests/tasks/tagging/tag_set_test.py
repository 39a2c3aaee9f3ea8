"""The labels of a model in every scheme: rows to numbers and back, fillers, odd ones, entities."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.tagging.tag_set import TagSet

# (Ada Lovelace)(London) sees (Paris) | (UN)(UN)
ROWS = [["B-PER", "I-PER", "B-LOC", "O", "B-LOC"], ["B-ORG", "B-ORG"]]
TYPES = ("PER", "LOC", "ORG")
SAME = {
    "IOB2": ROWS,
    "IOB1": [["I-PER", "I-PER", "I-LOC", "O", "I-LOC"], ["I-ORG", "B-ORG"]],
    "BIOES": [["B-PER", "E-PER", "S-LOC", "O", "S-LOC"], ["S-ORG", "S-ORG"]],
    "BILOU": [["B-PER", "L-PER", "U-LOC", "O", "U-LOC"], ["U-ORG", "U-ORG"]],
    "BIOS": [["B-PER", "I-PER", "S-LOC", "O", "S-LOC"], ["S-ORG", "S-ORG"]],
}
LETTERS = {"IOB2": "BI", "IOB1": "BI", "BIOES": "BIES", "BILOU": "BILU", "BIOS": "BIS"}


def tag_set(scheme: str) -> TagSet:
    labels = ["O", *(f"{letter}-{type_}" for type_ in TYPES for letter in LETTERS[scheme])]
    return TagSet(labels, "BIOES" if scheme == "BILOU" else scheme)


def named(tags: TagSet, rows: list[list[str]]) -> list[str]:
    return [tags.names[number] for number in tags.numbers(tf.ragged.constant(rows)).numpy()]


@pytest.mark.parametrize("scheme", SAME)
def test_rows_of_iob2_become_the_models_own_scheme_and_come_back(scheme: str):
    tags = tag_set(scheme)
    assert named(tags, ROWS) == [tag for row in SAME[scheme] for tag in row]
    assert [tags.to_iob2(row) for row in SAME[scheme]] == ROWS
    numbers = [tags.names.index(tag) for tag in SAME[scheme][0]]
    assert tags.entities(numbers) == [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "LOC")]
    assert set(tags.row_labels) == {"O", *(f"{letter}-{type_}" for letter in "BI" for type_ in TYPES)}


def test_types_beside_o_take_rows_of_iob2_and_of_their_own():
    tags = TagSet(["O", "PER", "LOC", "ORG"])
    assert tags.scheme == "IO"
    assert named(tags, ROWS) == ["PER", "PER", "LOC", "O", "LOC", "ORG", "ORG"]
    assert named(tags, [["PER", "O"]]) == ["PER", "O"]
    assert tags.entities([1, 1, 2, 0, 2]) == [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "LOC")]
    assert tags.to_iob2(["PER", "PER", "LOC"]) == ["B-PER", "I-PER", "B-LOC"]


@pytest.mark.parametrize("constrained", [True, False])
@pytest.mark.parametrize("labels", [["[PAD]", "O", "B-X", "I-X", "X"], ["[CLS]", "NN", "VB", "[SEP]"]])
def test_fillers_never_come_out(labels: list[str], constrained: bool):
    tags = TagSet(labels)
    fillers = {"[PAD]", "[CLS]", "[SEP]", *(["X"] if "O" in labels else [])}
    assert set(np.array(tags.names)[tags.fillers]) == fillers & set(labels)
    scores = np.random.default_rng(0).normal(size=(40, len(labels))).astype("float32")
    scores[:, tags.fillers] += 10
    found = tags.decode(tf.RaggedTensor.from_row_lengths(scores, [10, 30]), constrained).numpy()
    assert not fillers & {labels[number] for number in found}
    assert np.isneginf(tags.hide_fillers(scores).numpy()[:, tags.fillers]).all()
    assert labels[tags.outside] in ("O", "NN")


def test_bios_finds_entities_of_several_words():
    """The likeliest labels are those of an entity of three words and one of a single one, which break no rule."""
    tags = TagSet(["X", "B-CONT", "I-CONT", "O", "S-CONT", "[START]", "[END]"])
    wanted = ["B-CONT", "I-CONT", "I-CONT", "O", "S-CONT", "B-CONT", "I-CONT"]
    scores = np.eye(len(tags.names), dtype="float32")[[tags.names.index(label) for label in wanted]]
    found = tags.decode(tf.RaggedTensor.from_row_lengths(scores, [7]), True).numpy()
    assert [tags.names[number] for number in found] == wanted
    assert tags.entities(found) == [(0, 3, "CONT"), (4, 5, "CONT"), (5, 7, "CONT")]


def test_odd_labels_are_noted_and_an_explicit_scheme_is_honoured(caplog: pytest.LogCaptureFixture):
    tags = TagSet(["[PAD]", "O", "B-PER", "I-PER", "b-per"], "IOB1")
    assert tags.scheme == "IOB1"
    assert tags.entities([4, 4, 1, 3, 2]) == [(0, 2, "b-per"), (3, 4, "PER"), (4, 5, "PER")]
    with caplog.at_level("INFO"):
        tags.note_odd_labels("model")
    assert "model: labels of special tokens, which no word gets: [PAD]" in caplog.text
    assert "model: labels outside of IOB1: b-per; neighbours that have the same one are joined" in caplog.text
    caplog.clear()
    for names in (["o", "b-per", "i-per"], ["O", "B_PER", "I_PER"], ["O", "PER-B", "PER-I"]):
        caplog.clear()
        TagSet(names).note_odd_labels("model")
        assert "and are taken as they are" in caplog.text
    caplog.clear()
    TagSet(["O", "PER"]).note_odd_labels("model")
    assert not caplog.text


def test_a_tag_that_is_none_of_the_labels_is_named():
    numbers = TagSet(["O", "B-PER", "I-PER", "S-PER"]).numbers
    with pytest.raises(InputError, match=r"^unknown tag 'S-LOC'; the labels are: O, B-PER, I-PER, S-PER$"):
        numbers(tf.ragged.constant([["B-LOC"]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)unknown tag.*S-LOC"):
        tf.function(numbers)(tf.ragged.constant([["B-LOC"]]))
    with pytest.raises(InputError, match="labels: not those of BIOS"):
        TagSet(["NN", "VB"], "BIOS")
