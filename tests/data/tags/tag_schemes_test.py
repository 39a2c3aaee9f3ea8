"""Schemes of tags: against hand-worked sequences, and against one another."""

import itertools
import random

import numpy as np
import pytest

from keras_bert.data.tags import tag_schemes
from keras_bert.data.tags.tag_schemes import Tag, detect_scheme, find_fault, to_iob2
from keras_bert.errors import InputError

# The same two sentences: (Ada Lovelace)(London) sees (Paris) | (UN) (UN)
IOB2 = [["B-PER", "I-PER", "B-LOC", "O", "B-LOC"], ["B-ORG", "B-ORG"]]
SAME = {
    "IOB2": IOB2,
    "IOB1": [["I-PER", "I-PER", "I-LOC", "O", "I-LOC"], ["I-ORG", "B-ORG"]],
    "IOB": [["I-PER", "I-PER", "B-LOC", "O", "I-LOC"], ["B-ORG", "B-ORG"]],
    "BIOES": [["B-PER", "E-PER", "S-LOC", "O", "S-LOC"], ["S-ORG", "S-ORG"]],
    "BILOU": [["B-PER", "L-PER", "U-LOC", "O", "U-LOC"], ["U-ORG", "U-ORG"]],
}


@pytest.mark.parametrize("scheme", SAME)
def test_every_scheme_becomes_iob2(scheme: str):
    assert [to_iob2(tags) for tags in SAME[scheme]] == IOB2


def test_three_words_in_bmes():
    assert to_iob2(["B-PER", "M-PER", "E-PER"]) == ["B-PER", "I-PER", "I-PER"]


@pytest.mark.parametrize(("scheme", "found"), list(zip(SAME, ["IOB2", "IOB1", None, "BIOES", "BIOES"], strict=True)))
def test_the_scheme_is_told(scheme: str, found: str | None):
    told, faults = detect_scheme(SAME[scheme])
    assert told == found
    assert [(fault.sentence, fault.word) for fault in faults] == ([] if found else [(0, 0), (0, 2)])


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [(["O", "O"], "IOB2"), (["NN", "VB"], "plain"), (["-LRB-", "B"], "plain"), (["B-PER", "I-PER"], "IOB2")],
)
def test_other_kinds_of_tags(tags: list[str], scheme: str):
    assert detect_scheme([tags]) == (scheme, ())


@pytest.mark.parametrize("tag", ["PER", "B_PER", "BPER", "b-PER"])
def test_tags_beside_o_that_mark_no_entity_are_no_parts_of_speech(tag: str):
    told, faults = detect_scheme([["O"], ["O", tag]])
    assert told is None
    assert [fault[:2] for fault in faults] == [(1, 1)]
    assert faults[0].reason == f"tag '{tag}' is none of IOB2; expected 'O' or 'B-TYPE', 'I-TYPE'"


@pytest.mark.parametrize(
    ("tags", "scheme", "word", "reason"),
    [
        (["O", "I-PER"], "IOB2", 1, "tag 'I-PER' cannot stand behind 'O' in IOB2"),
        (["I-PER"], "IOB2", 0, "tag 'I-PER' cannot stand at the begin of a sentence in IOB2"),
        (["B-PER", "I-LOC"], "IOB2", 1, "tag 'I-LOC' cannot stand behind 'B-PER' in IOB2"),
        (["I-PER", "B-LOC"], "IOB1", 1, "tag 'B-LOC' cannot stand behind 'I-PER' in IOB1"),
        (["B-PER", "O"], "BIOES", 1, "tag 'O' cannot stand behind 'B-PER' in BIOES"),
        (["O", "B-PER"], "BIOES", 1, "a sentence cannot end with tag 'B-PER' in BIOES"),
        (["S-PER", "E-PER"], "BIOES", 1, "tag 'E-PER' cannot stand behind 'S-PER' in BIOES"),
        (["BPER"], "IOB2", 0, "tag 'BPER' is none of IOB2; expected 'O' or 'B-TYPE', 'I-TYPE'"),
        (["S-PER"], "IOB", 0, "tag 'S-PER' is none of IOB"),
        (["O-PER"], "IOB", 0, "tag 'O-PER' is none of IOB"),
    ],
)
def test_what_a_scheme_does_not_allow(tags: list[str], scheme: str, word: int, reason: str):
    fault = find_fault([["O"], tags], scheme)
    assert (fault.sentence, fault.word) == (1, word)
    assert fault.reason.startswith(reason)


def test_a_tag_without_entity_cannot_be_converted():
    with pytest.raises(InputError, match="tag 'NN' marks no entity"):
        to_iob2(["NN"])


@pytest.mark.parametrize("scheme", ["IOB2", "IOB1", "BIOES"])
def test_tables_allow_exactly_the_sequences_without_fault(scheme: str):
    letters = "BIES" if scheme == "BIOES" else "BI"
    labels = ["O", *(f"{letter}-{type_}" for type_ in ("X", "Y") for letter in letters)]
    table = tag_schemes.allowed_transitions(labels, scheme)
    rng = random.Random(0)
    legal = 0
    for _ in range(2000):
        numbers = [rng.randrange(len(labels)) for _ in range(rng.randrange(4))]
        framed = [len(labels), *numbers, len(labels)]
        allowed = all(table[before, label] for before, label in itertools.pairwise(framed))
        assert allowed == (find_fault([[labels[number] for number in numbers]], scheme) is None)
        legal += allowed
    assert 300 < legal < 1700


def test_where_entities_begin_is_what_conversion_finds():
    labels = tag_schemes.entity_labels(["X", "Y"])
    table = tag_schemes.entity_begins(labels, "IOB")
    rng = random.Random(0)
    for _ in range(500):
        numbers = [rng.randrange(len(labels)) for _ in range(5)]
        begins = [bool(table[before, label]) for before, label in zip([5, *numbers], numbers, strict=False)]
        assert begins == [tag.startswith("B") for tag in to_iob2([labels[number] for number in numbers])]


@pytest.mark.parametrize(
    ("labels", "scheme"),
    [
        (["O", "B-X", "I-X"], "IOB2"),
        (["O", "I-X", "I-Y", "B-Y"], "IOB1"),
        (["O", "B-X", "E-X", "S-X"], "BIOES"),
        (["NN", "VB", "X"], "plain"),
        (["LABEL_0", "LABEL_1"], "plain"),
        (["O", "B-X"], "IOB2"),
        # Types beside O; a filler is no type.
        (["O", "PER", "LOC"], "IO"),
        (["[PAD]", "O", "PER"], "IO"),
        (["O", "X", "[CLS]"], "plain"),
        # BIOS, as CNER has it with its fillers.
        (["X", "B-CONT", "I-CONT", "O", "S-NAME", "[START]", "[END]"], "BIOS"),
        # One label outside of the scheme changes nothing.
        *((["O", "B-X", "I-X", odd], "IOB2") for odd in ("[PAD]", "X", "[CLS]", "b-per", "", "<pad>", "</s>")),
    ],
)
def test_the_scheme_of_a_models_labels(labels: list[str], scheme: str):
    assert tag_schemes.scheme_of_labels(labels) == scheme


def legal(labels: list[str], scheme: str, *tags: str) -> bool:
    table = tag_schemes.allowed_transitions(labels, scheme)
    framed = [len(labels), *map(labels.index, tags), len(labels)]
    return all(table[before, label] for before, label in itertools.pairwise(framed))


def test_letters_that_a_scheme_lacks_impose_no_rule():
    labels = ["O", "B-X", "I-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y"]
    for scheme in ("BIOS", "BIOES"):  # an explicit BIOES too
        assert legal(labels, scheme, "B-X", "I-X", "O")  # X has no E: it ends where it ends
        assert legal(labels, scheme, "B-X", "I-X", "S-X", "B-X", "I-X")
        assert legal(labels, scheme, "B-X")
        assert not legal(labels, scheme, "O", "I-X")
        assert not legal(labels, scheme, "S-X", "I-X")
        assert not legal(labels, scheme, "B-Y", "I-Y", "O")  # Y has one
        assert legal(labels, scheme, "B-Y", "I-Y", "E-Y", "O")
    without_single = ["O", "B-X", "I-X", "E-X"]
    assert legal(without_single, "BIOES", "B-X", "O")
    assert not legal(without_single, "BIOES", "B-X", "I-X", "O")
    assert legal(["O", "I-X", "E-X"], "BIOES", "O", "I-X", "E-X", "E-X")


def test_fillers_never_follow_and_odd_labels_are_entities_by_themselves():
    labels = ["[PAD]", "O", "B-X", "I-X", "b-per", "X"]
    table = tag_schemes.allowed_transitions(labels, "IOB2")
    assert not table[:, [0, 5]].any()
    assert legal(labels, "IOB2", "b-per", "b-per", "O", "B-X", "b-per")
    assert not legal(labels, "IOB2", "b-per", "I-X")
    assert tag_schemes.label_types(labels, "IOB2") == ["", "", "X", "X", "b-per", ""]
    begins = tag_schemes.entity_begins(labels, "IOB2")
    assert begins[1, 4]
    assert begins[2, 4]
    assert not begins[4, 4]  # equal neighbours are one
    assert not tag_schemes.allowed_transitions(["[PAD]", "NN"], "plain")[:, 0].any()
    assert tag_schemes.allowed_transitions(["X", "NN"], "plain").all()  # X is a part of speech there


def test_types_beside_o_join_their_neighbours():
    labels = ["O", "PER", "LOC"]
    assert tag_schemes.allowed_transitions(labels, "IO").all()
    begins = tag_schemes.entity_begins(labels, "IO")
    assert begins.tolist() == [[False, True, True], [False, False, True], [False, True, False], [False, True, True]]
    assert to_iob2(["PER", "PER", "LOC", "O", "LOC"], "IO") == ["B-PER", "I-PER", "B-LOC", "O", "B-LOC"]


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        ([["B-X", "I-X", "O", "S-X"], ["B-X", "I-X"]], "BIOS"),
        ([["B-X", "M-X", "O", "S-X"]], "BIOS"),  # with the letters of BMES
        ([["S-X", "O"]], "BIOES"),
        ([["B-X", "I-X", "E-X"], ["O", "B-X"]], "BIOES"),  # without S
        ([["I-X", "E-X", "E-X", "O"]], "BIOES"),  # IOE2
    ],
)
def test_schemes_without_some_letters_are_read(sentences: list[list[str]], scheme: str):
    assert detect_scheme(sentences) == (scheme, ())


def test_bios_becomes_iob2():
    assert to_iob2(["B-X", "I-X", "S-X", "S-X", "B-X"]) == ["B-X", "I-X", "B-X", "B-X", "B-X"]
    fault = find_fault([["B-X", "E-X"]], "BIOS")
    assert fault.reason == "tag 'E-X' is none of BIOS; expected 'O' or 'B-TYPE', 'I-TYPE', 'S-TYPE'"


def test_labels_and_what_they_mean():
    labels = tag_schemes.entity_labels(["X", "Y"])
    assert labels == ["O", "B-X", "I-X", "B-Y", "I-Y"]
    assert tag_schemes.label_types(labels, "IOB2") == ["", "X", "X", "Y", "Y"]
    assert tag_schemes.label_types(["O", "NN"], "plain") == ["O", "NN"]
    np.testing.assert_array_equal(tag_schemes.continuations(labels, "IOB2"), [0, 2, 2, 4, 4])
    np.testing.assert_array_equal(tag_schemes.continuations(labels, "plain"), range(5))
    assert tag_schemes.parse_tag("L-a-b") == Tag("E", "a-b")
