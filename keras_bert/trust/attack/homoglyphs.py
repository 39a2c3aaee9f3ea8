"""Letters of other scripts that look like Latin ones."""

from keras_bert.trust.attack.proposer import Proposer, distinct
from keras_bert.trust.attack.sentence import Sentence

# Latin letters, and Cyrillic, Greek and Armenian ones of the same shape in most fonts. All but those of lnquvwGW are
# pairs of Unicode's intentional.txt.
_PAIRS = dict(zip("acdehijlnopqsuvwxy", "асԁеһіϳӏոοрԛѕսѵԝху", strict=True))
_PAIRS |= dict(zip("ABCEGHIJKMNOPSTWXYZ", "ΑΒСΕԌΗΙЈΚΜΝΟΡЅΤԜΧΥΖ", strict=True))
MOST = 8
"""Replacements of a word at most."""


class Homoglyphs(Proposer):
    """Proposes the word with one letter, and with all letters, of another script that looks alike.

    A reader sees nothing; a model that lower-cases and strips accents sees another word, mostly `[UNK]`. A program
    that maps such letters back before it asks the model is not fooled.

    Example:
        >>> Homoglyphs().variants("no") == ["ոo", "nο", "ոο"]
        True

    References:
        Unicode Technical Standard 39, intentional.txt
    """

    def for_word(self, sentence: Sentence, word: int) -> list[str]:
        """Returns the variants of the word."""
        return self.variants(sentence.original(word))

    def variants(self, word: str) -> list[str]:
        """Returns a word with each of its first letters replaced, and with all of them."""
        places = [at for at, letter in enumerate(word) if letter in _PAIRS][: MOST - 1]
        single = [word[:at] + _PAIRS[word[at]] + word[at + 1 :] for at in places]
        return distinct(word, [*single, "".join(_PAIRS.get(letter, letter) for letter in word)])
