"""What an attack must keep to: which words stay, how many may change, what a row may cost."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from keras_bert.errors import InputError
from keras_bert.trust.attack.sentence import Sentence
from keras_bert.trust.attack.stop_words import STOP_WORDS

MAX_SHARE = 0.4
QUERIES = 500


@dataclass(frozen=True)
class Constraints:
    """What every attacked sentence fulfils.

    Attributes:
        stop_words: Words that stay as they are; case does not matter.
        max_share: Share of the words of a row that may be changed; one may be in any case. 0.4 is BERT-Attack's.
        queries: Texts that the model may be asked for one row, the row itself included.

    Raises:
        InputError: A number out of its range.
    """

    stop_words: Collection[str] = STOP_WORDS
    max_share: float = MAX_SHARE
    queries: int = QUERIES

    def __post_init__(self) -> None:
        if isinstance(self.stop_words, str):
            raise InputError(f"stop_words is a list of words, received: {self.stop_words!r:.60}")
        object.__setattr__(self, "stop_words", frozenset(word.lower() for word in self.stop_words))
        if not 0 < self.max_share <= 1:
            raise InputError(f"max_share {self.max_share:g}: expected a share above 0, up to 1: words that may change")
        if self.queries < 1:
            raise InputError(f"queries {self.queries}: expected 1 or more, the texts that a row may cost")

    def may_change(self, sentence: Sentence, word: int) -> bool:
        """Tells whether a word may be changed."""
        return sentence.original(word).lower() not in self.stop_words

    def most_changes(self, words: int) -> int:
        """Returns how many words of a row may be changed.

        Args:
            words: How many there are.

        Example:
            >>> [Constraints().most_changes(words) for words in (1, 4, 5, 10)]
            [1, 1, 2, 4]
        """
        return max(1, math.floor(self.max_share * words + 1e-9))
