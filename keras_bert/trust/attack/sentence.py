"""A row while it is attacked: its words, what has been put in their places, and the texts that come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_bert.trust.attack.words import Span

Texts = tuple[str, ...]
Word = tuple[int, int, int]
"""Number of the text in its row, begin and end in it, in characters."""


@dataclass(frozen=True)
class Change:
    """One word that was put in the place of another.

    Attributes:
        field: Name of the text in its row: `text` or `text_pair`.
        start: Begin in the caller's text, in characters.
        end: End in the caller's text: `text[start:end] == original`.
        original: What stands there.
        new_start: Begin in the attacked text.
        new_end: End in the attacked text: `attacked[new_start:new_end] == replacement`.
        replacement: What was put there.

    Example:
        >>> change = Change("text", 2, 6, "good", 2, 7, "great")
        >>> "a good film"[change.start : change.end]
        'good'
    """

    field: str
    start: int
    end: int
    original: str
    new_start: int
    new_end: int
    replacement: str


@dataclass(frozen=True)
class AttackedRow:
    """What became of a row.

    Attributes:
        row: Its number among the rows, from 0.
        texts: The caller's texts by field.
        label: The true class.
        status: `skipped`: it was wrong already; `broken`: the attack changed the answer; `held`: it did not.
        answer: The class that was answered before.
        margin: Log-odds of the true class over the best other one before: negative where the answer is wrong.
        attacked: The texts with the changes, by field; as they were unless it is broken.
        new_answer: The class that is answered to them.
        new_margin: Its margin, of a row that held: the lowest one found.
        changes: What was changed, in the order of the text.
        words: Words that there are to change, stop words included.
        queries: Texts that the model was asked for this row, the row itself included.
        stopped: The budget of queries ended the search.

    Example:
        >>> before, after = {"text": "good"}, {"text": "g ood"}
        >>> row = AttackedRow(0, before, "1", "broken", "1", 2.5, after, "0", -0.5, words=1, queries=4)
        >>> row.status, row.attacked["text"], row.new_answer
        ('broken', 'g ood', '0')
    """

    row: int
    texts: Mapping[str, str]
    label: str
    status: str
    answer: str
    margin: float
    attacked: Mapping[str, str]
    new_answer: str
    new_margin: float
    changes: Sequence[Change] = ()
    words: int = 0
    queries: int = 1
    stopped: bool = False

    @property
    def changed_share(self) -> float:
        """Changed words as a share of all words."""
        return len(self.changes) / max(self.words, 1)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as a line of JSON has it, texts and attacked texts under their own names."""
        return {
            "row": self.row,
            **self.texts,
            "label": self.label,
            "status": self.status,
            "answer": self.answer,
            "margin": self.margin,
            **{f"attacked_{name}": text for name, text in self.attacked.items()},
            "new_answer": self.new_answer,
            "new_margin": self.new_margin,
            "changes": [vars(change) for change in self.changes],
            "changed_share": self.changed_share,
            "queries": self.queries,
            "stopped": self.stopped,
        }


@dataclass
class Sentence:
    """A row and its words; words are changed by number, places stay those of the caller's texts.

    Attributes:
        fields: Names of the texts.
        texts: The texts as they came.
        words: All words that there are, of the texts that may be changed.
        replacements: Number of a word → what stands in its place now.
    """

    fields: tuple[str, ...]
    texts: Texts
    words: list[Word]
    replacements: dict[int, str] = field(default_factory=dict)

    def original(self, word: int) -> str:
        """Returns what the caller's text has at a word."""
        at, start, end = self.words[word]
        return self.texts[at][start:end]

    def with_word(self, word: int, replacement: str) -> Texts:
        """Returns the texts with what is changed already, and one more word changed."""
        return self._written({**self.replacements, word: replacement})

    def without_word(self, word: int) -> Texts:
        """Returns the caller's texts without a word, and without one blank beside it."""
        at, start, end = self.words[word]
        text = self.texts[at]
        before, after = text[:start], text[end:]
        if after.startswith(" ") and (not before or before.endswith(" ")):
            after = after[1:]
        elif before.endswith(" ") and not after:
            before = before[:-1]
        return self._replaced(at, before + after)

    def around_word(self, word: int) -> tuple[str, str, Texts]:
        """Returns what stands before and behind a word in its text now, and the other texts of its row."""
        at, start, end = self.words[word]
        before, after = self.texts[at][:start], self.texts[at][end:]
        others = {number: new for number, new in self.replacements.items() if number != word}
        for number in sorted((n for n in others if self.words[n][0] == at), reverse=True):
            _, first, last = self.words[number]
            if first < start:
                before = before[:first] + others[number] + before[last:]
            else:
                after = after[: first - end] + others[number] + after[last - end :]
        texts = self._written(others)
        return before, after, texts[:at] + texts[at + 1 :]

    def now(self) -> Texts:
        """Returns the texts with what is changed."""
        return self._written(self.replacements)

    def changes(self) -> list[Change]:
        """Returns what is changed, in the order of the texts, with the places in both."""
        found, shift, last_text = [], 0, -1
        for number in sorted(self.replacements):
            at, start, end = self.words[number]
            shift, last_text = (shift, at) if at == last_text else (0, at)
            new = self.replacements[number]
            begin = start + shift
            change = Change(self.fields[at], start, end, self.texts[at][start:end], begin, begin + len(new), new)
            found.append(change)
            shift += len(new) - (end - start)
        return found

    def _written(self, replacements: Mapping[int, str]) -> Texts:
        texts = list(self.texts)
        for number in sorted(replacements, reverse=True):
            at, start, end = self.words[number]
            texts[at] = texts[at][:start] + replacements[number] + texts[at][end:]
        return tuple(texts)

    def _replaced(self, at: int, text: str) -> Texts:
        return (*self.texts[:at], text, *self.texts[at + 1 :])


def given_back(attacked: str, changes: Sequence[Change]) -> str:
    """Undoes changes of one text.

    Args:
        attacked: The attacked text.
        changes: Those of this text, in its order.

    Returns:
        The caller's text.

    Example:
        >>> given_back("a fine film", [Change("text", 2, 6, "good", 2, 6, "fine")])
        'a good film'
    """
    for change in reversed(changes):
        attacked = attacked[: change.new_start] + change.original + attacked[change.new_end :]
    return attacked


def words_of(texts: Texts, spans: Mapping[int, Sequence[Span]]) -> list[Word]:
    """Numbers the words of a row through, text by text.

    Args:
        texts: The texts of the row.
        spans: Number of a text → the words of it that may be changed.
    """
    return [(at, start, end) for at in range(len(texts)) for start, end in spans.get(at, ())]
