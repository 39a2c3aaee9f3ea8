"""Learns a vocabulary from counted words with the trainers of the `tokenizers` library."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.vocabulary import LONGEST_ENTRY, SPECIAL_TOKENS

LONGEST_BYTE_WORD = 1000  # bytes; longer ones are no words, and the trainer's time grows with their length
_WORDS_AT_A_TIME = 1000


@dataclasses.dataclass(frozen=True)
class LearnedVocabulary:
    """A vocabulary and how it came about.

    Attributes:
        tokens: The entries in the order of their ids, special tokens first.
        merges: The rules of byte-level BPE, None for WordPiece.
        rare_characters: Characters left out because they are rare: the character to its count.
        notes: What the user should know, one sentence each.
    """

    tokens: list[str]
    merges: list[str] | None
    rare_characters: dict[str, int]
    notes: list[str]


def learn_word_pieces(words: Mapping[bytes, int], size: int, min_frequency: int = 2) -> LearnedVocabulary:
    """Learns a WordPiece vocabulary: special tokens, characters, characters inside a word, pieces by their rank.

    The trainer merges the most frequent pair again and again, as for BPE, and writes `##` before what goes on with a
    word. Every character is an entry, so that no word of the text is [UNK]; but characters that occur less than
    `min_frequency` times only get what room the pieces leave, at the end, the most frequent of them first.

    Args:
        words: Counts of words, `WordCounts("wordpiece", ...).words`.
        size: Entries to learn, all included.
        min_frequency: How often a pair must occur to be merged, and a character to be an entry whatever the room.

    Returns:
        The vocabulary. It is smaller than `size` where the text does not give so many pieces, which `notes` says.

    Raises:
        InputError: `size` is too small for the characters, or there are no words; or `tokenizers` is not installed.
    """
    tokenizers = _library()
    _check(size, min_frequency)
    known = {word.decode(): count for word, count in words.items() if len(word) <= LONGEST_ENTRY and _is_text(word)}
    occurrences: Counter[str] = Counter()
    for word, count in known.items():
        for character in word:
            occurrences[character] += count
    forms = {form for word in known for form in (word[0], *(f"##{character}" for character in word[1:]))}
    rare = {character: count for character, count in occurrences.items() if count < min_frequency}
    characters = sorted(occurrences.keys() - rare.keys())
    inside = sorted(form for form in forms if form[:2] == "##" and len(form) == 3 and form[2] not in rare)
    if not characters:
        raise InputError(f"no character occurs {min_frequency} times or more; there is too little text")
    known = {word: count for word, count in known.items() if rare.keys().isdisjoint(word)}
    smallest = len(SPECIAL_TOKENS) + len(characters) + len(inside)
    if size < smallest:
        raise InputError(
            f"size {size} is smaller than the alphabet: {len(SPECIAL_TOKENS)} special tokens, {len(characters)} "
            f"characters and {len(inside)} of them inside words need {smallest}; raise the size, or min_frequency "
            f"({min_frequency}), under which a character is left out"
        )
    # Named beforehand, since the trainer numbers the characters inside words in the order of a hash table, which is
    # another one in each process, and ties between pairs are decided by these numbers.
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=[*SPECIAL_TOKENS, *inside],
        initial_alphabet=characters,
        continuing_subword_prefix="##",
        show_progress=False,
    )
    model = _train(tokenizers, tokenizers.models.WordPiece(unk_token="[UNK]"), trainer, known)
    ranked = sorted(model["vocab"], key=model["vocab"].__getitem__)
    first = [*SPECIAL_TOKENS, *characters, *inside]
    tokens = [*first, *(token for token in ranked if token not in set(first))]
    for character in sorted(rare, key=lambda character: (-rare[character], character)):
        entries = [entry for entry in (character, f"##{character}") if entry in forms]
        if len(tokens) + len(entries) <= size:
            tokens.extend(entries)
            del rare[character]
    return LearnedVocabulary(tokens, None, rare, _notes(len(tokens), size, min_frequency, len(rare)))


def learn_byte_pairs(words: Mapping[bytes, int], size: int, min_frequency: int = 2) -> LearnedVocabulary:
    """Learns a byte-level BPE: special tokens, the 256 bytes, pieces by their rank.

    Args:
        words: Counts of words, `WordCounts("bpe", ...).words`.
        size: Entries to learn, all included.
        min_frequency: How often a pair must occur to be merged.

    Returns:
        The vocabulary and its rules; smaller than `size` where the text does not give so many pieces.

    Raises:
        InputError: `size` is too small for the bytes, or there are no words; or `tokenizers` is not installed.
    """
    tokenizers = _library()
    _check(size, min_frequency)
    alphabet = byte_characters()
    smallest = len(SPECIAL_TOKENS) + len(alphabet)
    if size < smallest:
        raise InputError(
            f"size {size} is smaller than the alphabet: "
            f"{len(SPECIAL_TOKENS)} special tokens and 256 bytes need {smallest}"
        )
    known = {
        "".join(alphabet[byte] for byte in word): count
        for word, count in words.items()
        if len(word) <= LONGEST_BYTE_WORD
    }
    if not known:
        raise InputError("there are no words; there is too little text")
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=list(alphabet),
        show_progress=False,
    )
    model = _train(tokenizers, tokenizers.models.BPE(), trainer, known)
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return LearnedVocabulary(tokens, merges, {}, _notes(len(tokens), size, min_frequency, 0))


def _library() -> ModuleType:
    try:
        import tokenizers
    except ImportError:
        raise InputError(
            "learning a vocabulary needs the package tokenizers; pip install 'bert-for-keras[pretrain]'"
        ) from None
    return tokenizers


def _check(size: int, min_frequency: int) -> None:
    if size < 1:
        raise InputError(f"size is {size}; expected the number of entries, such as 8000")
    if min_frequency < 1:
        raise InputError(f"min_frequency is {min_frequency}; it must be at least 1")


def _train(tokenizers: ModuleType, model: Any, trainer: Any, words: Mapping[str, int]) -> dict[str, Any]:
    """Runs a trainer on counted words; returns the fields of the model it made."""
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.CharDelimiterSplit(" ")
    tokenizer.train_from_iterator(_texts(sorted(words.items())), trainer)
    return json.loads(tokenizer.to_str())["model"]


def _texts(words: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Writes each word as often as it occurs, since the trainers take text and no counts."""
    waiting: list[str] = []
    for word, count in words:
        waiting.extend([word] * (count % _WORDS_AT_A_TIME))
        many = " ".join([word] * _WORDS_AT_A_TIME) if count >= _WORDS_AT_A_TIME else ""
        for _ in range(count // _WORDS_AT_A_TIME):
            yield many
        if len(waiting) >= _WORDS_AT_A_TIME:
            yield " ".join(waiting)
            waiting = []
    yield " ".join(waiting)


def _notes(found: int, size: int, min_frequency: int, rare: int) -> list[str]:
    notes = []
    if found < size:
        times = f"{min_frequency} times" if min_frequency > 1 else "at all"
        notes.append(f"{found} entries and not {size}: the text has no further pair of pieces that occurs {times}")
    if rare:
        notes.append(f"{rare} characters that occur less than {min_frequency} times are left out, for want of room")
    return notes


def _is_text(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True
