"""How tags of words mark entities: IOB1, IOB2, BIOES, or not at all; and from each to IOB2."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_bert.errors import InputError

SCHEMES = ("IOB2", "IOB1", "IOB", "BIOES", "BIOS", "IO", "plain")
"""`IOB2` (BIO): `B-` begins every entity. `IOB1`: `B-` begins one only directly behind another of its type. `IOB`: a
mixture of both, where an `I-` that continues nothing begins an entity. `BIOES` (BILOU, BMES): the last word of an
entity has `E-`, the only one `S-`. `BIOS` (CLUENER, CNER): `S-` as there, but no `E-`. `IO`: `O`, and types without a
letter; neighbours of one type are one entity. `plain`: each word has a tag of its own, such as a part of speech."""

OUTSIDE = "O"
# A label that marks no entity in a scheme with entities: neighbours that have it are one, called as it is.
ODD = "?"
# Labels of the special tokens, that no word has. The second ones are parts of speech elsewhere.
_SPECIAL = re.compile(
    r"\[(PAD|CLS|SEP|UNK|MASK|START|END|BOS|EOS)\]|<(PAD|START|STOP|END|BOS|EOS|UNK|/?S)>", re.IGNORECASE
)
_FILLERS = frozenset({"X", "PAD", "IGNORE", "-100", "_", ""})
_TAG = re.compile(r"([BIOESLUM])-(.+)", re.DOTALL)
# The other names that letters of BIOES have: BILOU, BMES.
_LETTERS = {"L": "E", "U": "S", "M": "I"}


class Tag(NamedTuple):
    """A tag taken apart; `O` is the letter O of no type.

    Attributes:
        letter: `B`, `I`, `E`, `S` or `O`; `?` of a label that marks no entity.
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
    if tag.letter == ODD:
        return before != tag
    continues = before.letter in "BI" and before.type == tag.type
    return tag.letter in "BS" or not continues


def may_follow(
    before: Tag | None, tag: Tag | None, scheme: str, letters: Mapping[str, Collection[str]] | None = None
) -> bool:
    """Says whether a scheme allows a tag behind another.

    Args:
        before: The tag before; None for the begin of the sentence.
        tag: The tag; None for the end of the sentence.
        scheme: One of `SCHEMES`.
        letters: For BIOES and BIOS, the letters that each type has; one that it lacks imposes no rule. None: all that
            the scheme has.
    """
    if tag is not None and tag.letter == ODD:
        tag = Tag(OUTSIDE, "")
    continued = before is not None and tag is not None and before.letter in "BI" and before.type == tag.type
    if scheme == "IOB2":
        return tag is None or tag.letter != "I" or continued
    if scheme == "IOB1":
        behind = before is not None and tag is not None and before.letter != OUTSIDE and before.type == tag.type
        return tag is None or tag.letter != "B" or behind
    if scheme in _LETTERS_OF:

        def has(type_: str, letter: str) -> bool:
            return letter in (_LETTERS_OF[scheme] if letters is None else letters.get(type_, ""))

        # An entity that is begun ends with E, if there is one; B alone is an entity where there is no S.
        goes_on = before is not None and (
            (before.letter == "I" and has(before.type, "E"))
            or (before.letter == "B" and has(before.type, "E") and has(before.type, "S"))
        )
        if goes_on:
            return continued and tag is not None and tag.letter in "IE"
        return tag is None or tag.letter in "BSO" or continued or not has(tag.type, "B")
    return True


_LETTERS_OF = {"BIOES": "BIES", "BIOS": "BIS"}


def find_fault(
    sentences: Sequence[Sequence[str]], scheme: str, letters: Mapping[str, Collection[str]] | None = None
) -> Fault | None:
    """Finds the first tag that a scheme does not allow where it stands.

    Args:
        sentences: The tags of each sentence.
        scheme: One of `SCHEMES`.
        letters: See `may_follow`.
    """
    if scheme in ("plain", "IO"):
        return None
    known = OUTSIDE + _LETTERS_OF.get(scheme, "BI")
    for number, tags in enumerate(sentences):
        before = None
        for place, tag in enumerate(tags):
            parsed = parse_tag(tag)
            if parsed is None or parsed.letter not in known:
                shape = "'O' or " + ", ".join(f"'{letter}-TYPE'" for letter in known[1:])
                return Fault(number, place, f"tag {tag!r} is none of {scheme}; expected {shape}")
            if not may_follow(before, parsed, scheme, letters):
                stands = f"behind {tags[place - 1]!r}" if place else "at the begin of a sentence"
                return Fault(number, place, f"tag {tag!r} cannot stand {stands} in {scheme}")
            before = parsed
        if not may_follow(before, None, scheme, letters):
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
    letters = None
    if any(tag is not None and tag.letter != OUTSIDE for tag in parsed):
        found = {tag.letter for tag in parsed if tag is not None}
        candidates = ("BIOES",) if "E" in found else ("BIOES", "BIOS") if "S" in found else ("IOB2", "IOB1")
        if "E" in found:  # of the whole file: a type that has none of them may just be rare
            letters = {tag.type: found for tag in parsed if tag is not None}
    elif OUTSIDE not in kinds:
        return "plain", ()
    else:
        # Beside O stand `PER` or `B_PER`: meant for entities. Nothing but O: sentences without one.
        candidates = ("IOB2",)
    faults = []
    for scheme in candidates:
        fault = find_fault(sentences, scheme, letters)
        if fault is None:
            return scheme, ()
        faults.append(fault)
    return None, tuple(faults)


def to_iob2(tags: Sequence[str], scheme: str = "IOB") -> list[str]:
    """Turns the tags of a sentence, of any scheme with entities, into those of IOB2.

    Args:
        tags: The tags.
        scheme: `IO` where they are types without letters; all others are told by their letters.

    Raises:
        InputError: A tag marks no entity.

    Example:
        >>> to_iob2(["S-LOC", "O", "B-PER", "E-PER"])
        ['B-LOC', 'O', 'B-PER', 'I-PER']
        >>> to_iob2(["I-LOC", "B-LOC", "I-LOC"])
        ['B-LOC', 'B-LOC', 'I-LOC']
        >>> to_iob2(["LOC", "LOC", "O"], "IO")
        ['B-LOC', 'I-LOC', 'O']
    """
    before, result = Tag(OUTSIDE, ""), []
    for text in tags:
        tag = model_tag(text, scheme) if scheme == "IO" else parse_tag(text)
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

    Labels that mark no entity do not change it; where none does, types beside `O` are of IO, all others plain.

    Example:
        >>> scheme_of_labels(["[PAD]", "O", "B-PER", "I-PER"])
        'IOB2'
        >>> scheme_of_labels(["O", "B-PER", "I-PER", "S-PER"])
        'BIOS'
    """
    found = {tag for tag in map(parse_tag, labels) if tag is not None and tag.letter != OUTSIDE}
    if not found:
        others = [label for label in labels if label != OUTSIDE and not is_filler(label, "IO")]
        return "IO" if OUTSIDE in labels and others else "plain"
    letters = {tag.letter for tag in found}
    if letters & {"E", "S"}:
        return "BIOES" if "E" in letters else "BIOS"
    return "IOB2" if all(Tag("B", tag.type) in found for tag in found if tag.letter == "I") else "IOB1"


def is_filler(label: str, scheme: str) -> bool:
    """Says whether a label is that of special tokens, which no word has: `[PAD]`, `[CLS]`, or `X` beside entities.

    Args:
        label: A label of a model.
        scheme: The scheme of its labels; with `plain` ones `X` is a part of speech.
    """
    return _SPECIAL.fullmatch(label) is not None or (scheme != "plain" and label in _FILLERS)


def model_tag(label: str, scheme: str) -> Tag:
    """Takes a label of a model apart: `O` for a filler, and the letter `?` for one that marks no entity.

    Args:
        label: The label.
        scheme: The scheme of the model's labels.
    """
    if label == OUTSIDE or is_filler(label, scheme):
        return Tag(OUTSIDE, "")
    return (None if scheme == "IO" else parse_tag(label)) or Tag(ODD, label)


def allowed_transitions(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates which label may follow which; none may be followed by a filler.

    Args:
        labels: The labels of a model.
        scheme: One of `SCHEMES`.

    Returns:
        bool (labels + 1, labels + 1), `[before, label]`; the last row is the begin of a sentence, the last column its
        end.
    """
    if scheme == "plain":
        table = np.ones((len(labels) + 1, len(labels) + 1), bool)
    else:
        tags = [*_model_tags(labels, scheme), None]
        letters: dict[str, set[str]] = {}
        for tag in tags:
            if tag is not None:
                letters.setdefault(tag.type, set()).add(tag.letter)
        table = np.array([[may_follow(before, tag, scheme, letters) for tag in tags] for before in tags])
        # A sentence without a word.
        table[-1, -1] = True
    table[:, [number for number, label in enumerate(labels) if is_filler(label, scheme)]] = False
    return table


def entity_begins(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates where entities begin.

    Returns:
        bool (labels + 1, labels), `[before, label]`; the last row is the begin of a sentence. With `plain` labels each
        word is one.
    """
    if scheme == "plain":
        return np.ones((len(labels) + 1, len(labels)), bool)
    tags = _model_tags(labels, scheme)
    return np.array([[begins_entity(before, tag) for tag in tags] for before in [*tags, Tag(OUTSIDE, "")]])


def continuations(labels: Sequence[str], scheme: str) -> np.ndarray:
    """Tabulates the label of what goes on with a word of each label: int32 (labels,).

    `B-X` goes on with `I-X`; what has no such label goes on with itself.
    """
    result = np.arange(len(labels), dtype=np.int32)
    if scheme != "plain":
        tags = _model_tags(labels, scheme)
        numbers = {tag: number for number, tag in enumerate(tags)}
        for number, tag in enumerate(tags):
            if tag.letter not in (OUTSIDE, ODD):
                result[number] = numbers.get(Tag("I", tag.type), number)
    return result


def label_types(labels: Sequence[str], scheme: str) -> list[str]:
    """Returns what each label calls a word: its entity's type, `""` for none; of `plain` labels the label."""
    if scheme == "plain":
        return list(labels)
    return [tag.type for tag in _model_tags(labels, scheme)]


def _model_tags(labels: Sequence[str], scheme: str) -> list[Tag]:
    return [model_tag(label, scheme) for label in labels]
