"""A byte-level tokenizer with few merges, so that most characters are cut into their bytes."""

from typing import Any

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def byte_level(*words: str, **options: Any) -> BytePairTokenizer:
    """Makes a tokenizer that has words, of ASCII, with and without a blank before them, as entries."""
    entries, merges = [*SPECIAL, *byte_characters()], []
    for word in words:
        rules = [*((word[:end], word[end]) for end in range(1, len(word))), ("Ġ", word)]
        merges += [rule for rule in map(" ".join, rules) if rule not in merges]
        entries += [entry for entry in map("".join, rules) if entry not in entries]
    return BytePairTokenizer(entries, merges, **options)
