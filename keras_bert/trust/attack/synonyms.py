"""Words of like meaning, from a list of the user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_bert.data.sources.lines import read_lines
from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json
from keras_bert.trust.attack.proposer import Proposer, distinct, in_case_of
from keras_bert.trust.attack.sentence import Sentence


class Synonyms(Proposer):
    """Proposes what a list has for a word, written as the word is.

    What is in the list decides what the attack is worth: neighbours of plain word vectors are as often opposites
    (`good`, `bad`), which change the answer because they change the meaning. Counter-fitted vectors (Mrkšić et al.
    2016, arXiv:1603.00892) were made against that.

    Args:
        words: Word or phrase → words and phrases to put in its place; case does not matter.

    Raises:
        InputError: The list is empty, or holds what is no text.

    Example:
        >>> Synonyms({"good": ["fine", "decent"]}).of("Good")
        ['Fine', 'Decent']
    """

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self.words = {word.lower(): list(found) for word, found in _checked(words, "synonyms").items() if found}
        if not self.words:
            raise InputError("the list of synonyms has none")
        self.phrases = frozenset(self.words)

    @classmethod
    def from_file(cls, path: str | Path) -> "Synonyms":
        """Reads a list.

        Args:
            path: A .json file with one object, `{"good": ["fine", "decent"], ...}`; or a text file, a line for each
                word with tabs between it and its synonyms.

        Raises:
            InputError: The file is not there or holds something else.
        """
        path = Path(path)
        if path.suffix == ".json":
            found = read_json(path)
            if found is None:
                raise InputError(f"{path}: no such file")
            return cls(_checked(found, str(path)))
        words: dict[str, list[str]] = {}
        for number, line in read_lines(path):
            parts = [part.strip() for part in line.rstrip("\r\n").split("\t")]
            if parts == [""]:
                continue
            if len(parts) < 2 or not all(parts):
                raise InputError(f"{path}, line {number}: expected a word and its synonyms, with tabs between")
            words.setdefault(parts[0].lower(), []).extend(parts[1:])
        if not words:
            raise InputError(f"{path}: holds no words")
        return cls(words)

    def for_word(self, sentence: Sentence, word: int) -> list[str]:
        """Returns the word's synonyms."""
        return self.of(sentence.original(word))

    def of(self, word: str) -> list[str]:
        """Returns a word's synonyms, written as it is; none for a word that the list has not."""
        found = [in_case_of(word, synonym) for synonym in self.words.get(word.lower(), [])]
        return [synonym for synonym in distinct(word, found) if synonym.lower() != word.lower()]


def _checked(words: Any, source: str) -> Mapping[str, Sequence[str]]:
    if not isinstance(words, Mapping):
        raise InputError(f"{source}: expected words with their synonyms, found {type(words).__name__}")
    for word, found in words.items():
        fits = isinstance(found, list | tuple) and all(isinstance(synonym, str) for synonym in found)
        if not isinstance(word, str) or not fits:
            raise InputError(f"{source}: {word!r:.60}: expected a list of words, found {found!r:.60}")
    return words
