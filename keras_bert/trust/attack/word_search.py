"""The greedy search of one row: what it asks, and what it does with the answers."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_bert.trust.attack.constraints import Constraints
from keras_bert.trust.attack.sentence import AttackedRow, Sentence, Texts
from keras_bert.trust.attack.victim import margins
from keras_bert.trust.attack.word_order import Asked


@dataclass(frozen=True)
class Ask:
    """Asks the model; answered by float64 (texts, classes), logarithms of probabilities."""

    texts: Sequence[Asked]


@dataclass(frozen=True)
class Propose:
    """Asks what may stand in the place of a word; answered by a list of strings."""

    sentence: Sentence
    word: int


@dataclass(frozen=True)
class Compare:
    """Asks how like texts are to those of the caller; answered by float64 (texts,)."""

    before: Texts
    after: Sequence[Texts]


Steps = Generator[Ask | Propose | Compare, Any, Any]


class WordSearch:
    """Changes one word after the other until the answer is another one.

    Words are tried in the order of their importance: the one first without which the true class loses most. Of what is
    proposed for a word, the one is kept that lowers the margin most; of those that change the answer, the one that
    leaves the sentence most like itself, where this is measured. Nothing that was kept is taken back, so that a row
    that held is no proof that nothing breaks it.

    The search is a generator of questions: many rows are searched side by side, and what they ask goes to the model in
    full batches (`search_together`). What is found does not depend on that.

    Args:
        number: Of the row.
        sentence: The row, nothing changed.
        label: Number of its true class.
        labels: Names of the classes.
        without: Leaves a word out, see `word_order`.
        constraints: What to keep to.
        least: Cosine of the sentences at least; None: they are not compared.

    References:
        Jin et al. 2020, TextFooler, arXiv:1907.11932, algorithm 1
    """

    def __init__(
        self,
        number: int,
        sentence: Sentence,
        label: int,
        labels: Sequence[str],
        without: Callable[[Sentence, int], Asked],
        constraints: Constraints,
        least: float | None = None,
    ) -> None:
        self._number = number
        self._sentence = sentence
        self._label = label
        self._labels = labels
        self._without = without
        self._constraints = constraints
        self._least = least
        self._queries = 0
        self._stopped = False

    def steps(self) -> Steps:
        """Yields what is to be asked, takes the answers, and returns an `AttackedRow`."""
        sentence = self._sentence
        (before,) = yield from self._ask([sentence.texts])
        answer = int(before.argmax())
        first = now = float(margins(before[None], self._label)[0])
        status, new_answer = ("skipped" if answer != self._label else "held"), answer
        if status == "held":
            order = yield from self._order()
            most = self._constraints.most_changes(len(sentence.words))
            for word in order:
                if len(sentence.replacements) == most:
                    break
                if self._left == 0:
                    self._stopped = True
                    break
                found = yield from self._best(word, now)
                if found is None:
                    continue
                sentence.replacements[word], now, new_answer = found
                if new_answer != self._label:
                    status = "broken"
                    break
        return self._result(status, answer, first, new_answer, now)

    @property
    def _left(self) -> int:
        return self._constraints.queries - self._queries

    def _ask(self, texts: Sequence[Asked]) -> Steps:
        """Asks as many as the budget allows, the first."""
        allowed = texts[: self._left]
        self._stopped = self._stopped or len(allowed) < len(texts)
        self._queries += len(allowed)
        return (yield Ask(allowed)) if allowed else np.zeros((0, len(self._labels)))

    def _order(self) -> Steps:
        """Ranks the words; those that the budget does not reach come last, in the order of the text."""
        sentence = self._sentence
        words = [word for word in range(len(sentence.words)) if self._constraints.may_change(sentence, word)]
        answers = yield from self._ask([self._without(sentence, word) for word in words])
        lowest = np.argsort(margins(answers, self._label), kind="stable")
        return [*(words[place] for place in lowest), *words[len(lowest) :]]

    def _best(self, word: int, now: float) -> Steps:
        """Finds the best replacement: itself, the margin and the answer to it; None where nothing lowers the margin."""
        proposed = yield Propose(self._sentence, word)
        texts = [self._sentence.with_word(word, replacement) for replacement in proposed]
        answers = yield from self._ask(texts)
        values, classes = margins(answers, self._label), answers.argmax(axis=1)
        places = [place for place in range(len(values)) if values[place] < now]
        likeness = np.zeros(len(places))
        if places and self._least is not None:
            likeness = yield Compare(self._sentence.texts, [texts[place] for place in places])
            kept = likeness >= self._least
            places, likeness = [place for place, keep in zip(places, kept, strict=True) if keep], likeness[kept]
        if not places:
            return None
        breaking = [at for at, place in enumerate(places) if classes[place] != self._label]
        if breaking:
            best = places[max(breaking, key=lambda at: (likeness[at], -values[places[at]]))]
        else:
            best = min(places, key=lambda place: values[place])
        return proposed[best], float(values[best]), int(classes[best])

    def _result(self, status: str, answer: int, first: float, new_answer: int, last: float) -> AttackedRow:
        sentence, is_broken = self._sentence, status == "broken"
        return AttackedRow(
            row=self._number,
            texts=dict(zip(sentence.fields, sentence.texts, strict=True)),
            label=self._labels[self._label],
            status=status,
            answer=self._labels[answer],
            margin=first,
            attacked=dict(zip(sentence.fields, sentence.now() if is_broken else sentence.texts, strict=True)),
            new_answer=self._labels[new_answer],
            new_margin=last,
            changes=tuple(sentence.changes()) if is_broken else (),
            words=len(sentence.words),
            queries=self._queries,
            stopped=self._stopped,
        )
