"""What an attack may put in the place of a word, and the way words are written."""

import abc
from collections.abc import Collection, Sequence

from keras_bert.trust.attack.sentence import Sentence


class Proposer(abc.ABC):
    """One kind of attack: proposes what to put in the place of a word.

    A subclass defines `for_word`, or `propose` where many words are best asked for together.
    """

    phrases: Collection[str] = ()
    """Phrases in lower case that are taken as one word."""

    @abc.abstractmethod
    def for_word(self, sentence: Sentence, word: int) -> list[str]:
        """Returns what may stand in the place of a word, the same for the same sentence; never the word itself.

        Args:
            sentence: The row, with what is changed already.
            word: Number of the word.
        """

    def propose(self, asked: Sequence[tuple[Sentence, int]]) -> list[list[str]]:
        """Answers several at once, each as `for_word` would."""
        return [self.for_word(sentence, word) for sentence, word in asked]


def in_case_of(word: str, replacement: str) -> str:
    """Writes a replacement as a word is written: all in capitals, with a capital at its begin, or as it is.

    Example:
        >>> [in_case_of(word, "bad") for word in ("good", "Good", "GOOD", "I")]
        ['bad', 'Bad', 'BAD', 'Bad']
    """
    if word.isupper() and sum(map(str.isalpha, word)) > 1:
        return replacement.upper()
    return replacement[:1].upper() + replacement[1:] if word[:1].isupper() else replacement


def distinct(word: str, replacements: Sequence[str]) -> list[str]:
    """Returns replacements each once, in their order, without empty ones and the word itself."""
    return [found for found in dict.fromkeys(replacements) if found.strip() and found != word]
