"""How tags of words mark entities: IOB1, IOB2, BIOES, or not at all; and from each to IOB2."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_bert.errors import InputError

SCHEMES = ("IOB2", "IOB1", "IOB", "BIOES", "plain")
"""`IOB2` (BIO): `B-` begins every entity. `IOB1`: `B-` begins one only directly behind another of its type. `IOB`: a
mixture of both, where an `I-` that continues nothing begins an entity. `BIOES` (BILOU, BMES): the last word of an
entity has `E-`, the only one `S-`. `plain`: each word has a tag of its own, such as a part of speech."""

OUTSIDE = "O"
_TAG = re.compile(r"([BIOESLUM])-(.+)", re.DOTALL)
# The other names that letters of BIOES have: BILOU, BMES.
_LETTERS = {"L": "E", "U": "S", "M": "I"}


class Tag(NamedTuple):
    """A tag taken apart; `O` is the letter O of no type.

    Attributes:
        letter: `B`, `I`, `E`, `S` or `O`.
        type: Of the entity.
    """

    letter: str
    type: str


class Fault(NamedTuple):
    """A tag that a scheme does not allow where it stands.

    Attributes:
        sentence: Number of the sentence, from 0.
        word: Number of the word in it; behind the last one where the sentence may not end.
        reason: What is wrong, in words.
    """

    sentence: int
    word: int
    reason: str


def parse_tag(tag: str) -> Tag | None:
    """Takes a tag such as `B-PER` or `O` apart; None if it is none of a scheme with entities.

    Example:
        >>> parse_tag("B-PER")
        Tag(letter='B', type='PER')
    """
    if tag == OUTSIDE:
        return Tag(OUTSIDE, "")
    match = _TAG.fullmatch(tag)
    if match is None or match[1] == OUTSIDE:
        return None
    return Tag(_LETTERS.get(match[1], match[1]), match[2])


def begins_entity(before: Tag, tag: Tag) -> bool:
    """Says whether an entity begins at a tag, in any scheme, also where the tags break its rules.

    Args:
        before: The tag of the word before; `O` for the first word.
        tag: The tag.

    References:
        conlleval.pl of the CoNLL-2000 shared task, `startOfChunk`; seqeval, `start_of_chunk`.
    """
    if tag.letter == OUTSIDE:
        return False
    continues = before.letter in "BI" and before.type == tag.type
    return tag.letter in "BS" or not continues


def may_follow(before: Tag | None, tag: Tag | None, scheme: str) -> bool:
    """Says whether a scheme allows a tag behind another.

    Args:
        before: The tag before; None for the begin of the sentence.
        tag: The tag; None for the end of the sentence.
        scheme: One of `SCHEMES`.
    """
    continued = before is not None and tag is not None and before.letter in "BI" and before.type == tag.type
    if scheme == "IOB2":
        return tag is None or tag.letter != "I" or continued
    if scheme == "IOB1":
        behind = before is not None and tag is not None and before.letter != OUTSIDE and before.type == tag.type
        return tag is None or tag.letter != "B" or behind
    if scheme == "BIOES":
        is_open = before is not None and before.letter in "BI"
        return continued and tag is not None and tag.letter in "IE" if is_open else tag is None or tag.letter in "BSO"
    return True


def find_fault(sentences: Sequence[Sequence[str]], scheme: str) -> Fault | None:
    """Finds the first tag that a scheme does not allow where it stands.

    Args:
        sentences: The tags of each sentence.
        scheme: One of `SCHEMES`.
    """
    if scheme == "plain":
        return None
    letters = "OBIES" if scheme == "BIOES" else "OBI"
    for number, tags in enumerate(sentences):
        before = None
        for place, tag in enumerate(tags):
            parsed = parse_tag(tag)
            if parsed is None or parsed.letter not in letters:
                shape = "'O' or " + ", ".join(f"'{letter}-TYPE'" for letter in letters[1:])
                return Fault(number, place, f"tag {tag!r} is none of {scheme}; expected {shape}")
            if not may_follow(before, parsed, scheme):
                stands = f"behind {tags[place - 1]!r}" if place else "at the begin of a sentence"
                return Fault(number, place, f"tag {tag!r} cannot stand {stands} in {scheme}")
            before = parsed
        if not may_follow(before, None, scheme):
            return Fault(number, len(tags) - 1, f"a sentence cannot end with tag {tags[-1]!r} in {scheme}")
    return None


def detect_scheme(sentences: Sequence[Sequence[str]]) -> tuple[str | None, tuple[Fault, ...]]:
    """Tells the scheme of tags: the strictest that allows all of them.

    Args:
        sentences: The tags of each sentence.

    Returns:
        The scheme, and nothing; or None, and why it is not each that it could be.

    Example:
        >>> detect_scheme([["I-PER", "O", "I-LOC", "B-LOC"]])
        ('IOB1', ())
        >>> detect_scheme([["NN", "VBZ"]])
        ('plain', ())
    """
    kinds = {tag for tags in sentences for tag in tags}
    parsed = [parse_tag(tag) for tag in kinds]
    candidates: tuple[str, ...]
    if any(tag is not None and tag.letter != OUTSIDE for tag in parsed):
        letters = {tag.letter for tag in parsed if tag is not None}
        candidates = ("BIOES",) if letters & {"E", "S"} else ("IOB2", "IOB1")
    elif OUTSIDE not in kinds:
        return "plain", ()
    else:
        # Beside O stand `PER` or `B_PER`: meant for entities. Nothing but O: sentences without one.
        candidates = ("IOB2",)
    faults = []
    for scheme in candidates:
        fault = find_fault(sentences, scheme)
        if fault is None:
            return scheme, ()
        faults.append(fault)
    return None, tuple(faults)


def to_iob2(tags: Sequence[str]) -> list[str]:
    """Turns the tags of a sentence, of any scheme with entities, into those of IOB2.

    Example:
        >>> to_iob2(["S-LOC", "O", "B-PER", "E-PER"])
        ['B-LOC', 'O', 'B-PER', 'I-PER']
        >>> to_iob2(["I-LOC", "B-LOC", "I-LOC"])
        ['B-LOC', 'B-LOC', 'I-LOC']
    """
    before, result = Tag(OUTSIDE, ""), []
    for text in tags:
        tag = parse_tag(text)
        if tag is None:
            raise InputError(f"tag {text!r} marks no entity; expected 'O' or a letter, '-' and a type, such as 'B-PER'")
        result.append(OUTSIDE if tag.letter == OUTSIDE else f"{'B' if begins_entity(before, tag) else 'I'}-{tag.type}")
        before = tag
    return result


def entity_labels(types: Sequence[str]) -> list[str]:
    """Returns all tags of IOB2 for types of entities.

    Example:
        >>> entity_labels(["LOC", "PER"])
        ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']
    """
    return [OUTSIDE, *(f"{letter}-{type_}" for type_ in types for letter in "BI")]


def scheme_of_labels(labels: Sequence[str]) -> str:
    """Tells the scheme that a model's labels are of: with `B-X` and `I-X` IOB2, with `I-X` alone IOB1.

    Example:
        >>> scheme_of_labels(["O", "B-PER", "I-PER"])
        'IOB2'
    """
    tags = list(_parsed(labels))
    if any(tag is None for tag in tags) or all(tag is None or tag.letter == OUTSIDE for tag in tags):
        return "plain"
    found = {tag for tag in tags if tag is not None}
    if any(tag.letter in "ES" for tag in found):
        return "BIOES"
    return "IOB2" if all(Tag("B", tag.type) in found for tag in found if tag.letter == "I") else "IOB1"


def allowed_transitions(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates which label may follow which.

    Args:
        labels: The labels of a model.
        scheme: One of `SCHEMES`.

    Returns:
        bool (labels + 1, labels + 1), `[before, label]`; the last row is the begin of a sentence, the last column its
        end.
    """
    if scheme == "plain":
        return np.ones((len(labels) + 1, len(labels) + 1), bool)
    tags = [*_parsed(labels), None]
    table = np.array([[may_follow(before, tag, scheme) for tag in tags] for before in tags])
    # A sentence without a word.
    table[-1, -1] = True
    return table


def entity_begins(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates where entities begin.

    Returns:
        bool (labels + 1, labels), `[before, label]`; the last row is the begin of a sentence. With `plain` labels each
        word is one.
    """
    if scheme == "plain":
        return np.ones((len(labels) + 1, len(labels)), bool)
    nothing = Tag(OUTSIDE, "")
    tags = [tag or nothing for tag in _parsed(labels)]
    return np.array([[begins_entity(before, tag) for tag in tags] for before in [*tags, nothing]])


def continuations(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates the label of what goes on with a word of each label: int32 (labels,).

    `B-X` goes on with `I-X`; what has no such label goes on with itself.
    """
    numbers = {tag: number for number, tag in enumerate(_parsed(labels))}
    result = np.arange(len(labels), dtype=np.int32)
    if scheme != "plain":
        for tag, number in numbers.items():
            if tag is not None and tag.letter != OUTSIDE:
                result[number] = numbers.get(Tag("I", tag.type), number)
    return result


def label_types(labels: Sequence[str], scheme: str) -> list[str]:
    """Returns what each label calls a word: its entity's type, `""` for none; of `plain` labels the label."""
    if scheme == "plain":
        return list(labels)
    return ["" if tag is None else tag.type for tag in _parsed(labels)]


def _parsed(labels: Sequence[str]) -> Iterator[Tag | None]:
    return (parse_tag(label) for label in labels)
