"""Typing errors: five small edits of a word."""

import random
from collections.abc import Mapping

from keras_bert.errors import InputError
from keras_bert.trust.attack.proposer import Proposer, distinct
from keras_bert.trust.attack.sentence import Sentence

KINDS = ("insert", "delete", "swap", "keyboard", "look_alike")

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LOOK_ALIKES = dict(zip("aegilostz", ("@", "3", "9", "1", "1", "0", "5", "7", "2"), strict=True))


class Typos(Proposer):
    """Proposes one edit of each of five kinds, at places drawn at random.

    `insert` puts a blank into the word, `delete` takes a character out, `swap` exchanges two neighbours, `keyboard`
    hits a neighbouring key, `look_alike` writes a sign that looks alike (`l` as `1`). `delete` and `swap` leave the
    first and the last character, since readers hold on to them. Short words get fewer kinds, those of one character,
    such as ideographs, none.

    These are TextBugger's edits of characters; its fifth kind, another word of like meaning, is an attack of its own
    here (`synonyms`), and its substitution of characters is `keyboard` and `look_alike`.

    Args:
        seed: Of the places. They follow from it, the word and its place alone, so that rows can be attacked in any
            order.
        kinds: Some of `KINDS`.

    Raises:
        InputError: A kind that is none.

    Example:
        >>> Typos(seed=0).edits("wonderful", "0")
        {'insert': 'wonder ful', ...}

    References:
        Li et al. 2019, TextBugger, arXiv:1812.05271, section III-B
    """

    def __init__(self, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> None:
        for kind in kinds:
            if kind not in KINDS:
                raise InputError(f"no kind of typing error {kind!r}; there are: {', '.join(KINDS)}")
        self.seed = seed
        self.kinds = kinds

    def for_word(self, sentence: Sentence, word: int) -> list[str]:
        """Returns the word with one edit, at most once a kind."""
        at, start, _ = sentence.words[word]
        original = sentence.original(word)
        found = self.edits(original, f"{at} {start}")
        return distinct(original, [found[kind] for kind in self.kinds if kind in found])

    def edits(self, word: str, place: str = "") -> Mapping[str, str]:
        """Returns kind → the word with this edit; kinds that it is too short for are left out.

        Args:
            word: The word.
            place: Words at different places get different edits.
        """
        draw = random.Random(f"{self.seed} {place} {word}")  # a string: the same in every process
        size, edits = len(word), {}
        if size > 2:
            at = draw.randrange(1, size)
            edits["insert"] = f"{word[:at]} {word[at:]}"
            at = draw.randrange(1, size - 1)
            edits["delete"] = word[:at] + word[at + 1 :]
        inner = [at for at in range(1, size - 2) if word[at] != word[at + 1]]
        if inner:
            at = draw.choice(inner)
            edits["swap"] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        keys = [at for at in range(size) if word[at].lower() in _NEIGHBOURS]
        if size > 1 and keys:
            at = draw.choice(keys)
            key = draw.choice(_NEIGHBOURS[word[at].lower()])
            edits["keyboard"] = word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]
        signs = [at for at in range(size) if word[at].lower() in _LOOK_ALIKES]
        if size > 1 and signs:
            at = draw.choice(signs)
            edits["look_alike"] = word[:at] + _LOOK_ALIKES[word[at].lower()] + word[at + 1 :]
        return edits


def _neighbours() -> dict[str, str]:
    """Returns the keys beside, above and below each letter of a QWERTY keyboard."""
    found = {}
    for row, keys in enumerate(_ROWS):
        for at, key in enumerate(keys):
            # Each row lies half a key to the right of the one above.
            near = [(row, at - 1), (row, at + 1), (row - 1, at), (row - 1, at + 1), (row + 1, at - 1), (row + 1, at)]
            found[key] = "".join(_ROWS[r][a] for r, a in near if 0 <= r < len(_ROWS) and 0 <= a < len(_ROWS[r]))
    return found


_NEIGHBOURS = _neighbours()
