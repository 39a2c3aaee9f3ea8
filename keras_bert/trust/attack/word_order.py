"""In which order words are tried: the one first without which the true class loses most."""

from collections.abc import Callable

from keras_bert.errors import InputError
from keras_bert.trust.attack.sentence import Sentence

Asked = tuple[str | bytes, ...]

# A byte that is in no UTF-8: the tokenizers make [UNK] of it, which written out would be plain text.
_NO_TEXT = b"\xff"


def deleted(sentence: Sentence, word: int) -> Asked:
    """Returns the texts without a word, as TextAttack does it."""
    return sentence.without_word(word)


def unknown(sentence: Sentence, word: int) -> Asked:
    """Returns the texts with `[UNK]` in the place of a word, in UTF-8 but for it, as BERT-Attack does it."""
    at, start, end = sentence.words[word]
    texts: list[str | bytes] = list(sentence.texts)
    text = sentence.texts[at]
    texts[at] = text[:start].encode() + _NO_TEXT + text[end:].encode()
    return tuple(texts)


ORDERS: dict[str, Callable[[Sentence, int], Asked]] = {"delete": deleted, "unk": unknown}


def order_named(name: str) -> Callable[[Sentence, int], Asked]:
    """Returns what leaves a word out, by its name.

    Raises:
        InputError: There is none of this name.
    """
    if name not in ORDERS:
        raise InputError(f"order {name!r}: expected one of {', '.join(ORDERS)}")
    return ORDERS[name]
