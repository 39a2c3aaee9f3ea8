"""Many searches side by side, so that the model is asked in full batches."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from keras_bert.trust.attack.proposer import Proposer
from keras_bert.trust.attack.sentence import AttackedRow
from keras_bert.trust.attack.similarity import SentenceSimilarity
from keras_bert.trust.attack.word_order import Asked
from keras_bert.trust.attack.word_search import Ask, Compare, Propose, Steps, WordSearch

TOGETHER = 64
"""Rows that are searched side by side. Each asks some texts at a time; together they fill batches of like length."""


class Answering(Protocol):
    """What is attacked, see `Victim`."""

    def ask(self, texts: Sequence[Asked]) -> np.ndarray:
        """Gives float64 (texts, classes), logarithms of probabilities."""


def search_together(
    searches: Iterable[WordSearch],
    victim: Answering,
    proposer: Proposer,
    similarity: SentenceSimilarity | None = None,
    together: int = TOGETHER,
) -> Iterator[AttackedRow]:
    """Runs searches, some at a time.

    Args:
        searches: One a row.
        victim: The model.
        proposer: The kind of attack.
        similarity: Compares sentences, where the searches ask for that.
        together: Searches side by side.

    Yields:
        What became of each row, as they end: in another order than they began.
    """
    waiting = iter(searches)
    running: list[tuple[Steps, Any]] = []
    while True:
        running += [_start(search.steps()) for search in itertools.islice(waiting, together - len(running))]
        if not running:
            return
        answers = _answers([asked for _, asked in running], victim, proposer, similarity)
        still: list[tuple[Steps, Any]] = []
        for (steps, _), answer in zip(running, answers, strict=True):
            try:
                still.append((steps, steps.send(answer)))
            except StopIteration as end:
                yield end.value
        running = still


def _start(steps: Steps) -> tuple[Steps, Any]:
    return steps, next(steps)


def _answers(
    asked: Sequence[Ask | Propose | Compare],
    victim: Answering,
    proposer: Proposer,
    similarity: SentenceSimilarity | None,
) -> list[Any]:
    """Answers what all searches ask, each kind of question in one call."""
    answers: list[Any] = [None] * len(asked)
    asks = [(at, one) for at, one in enumerate(asked) if isinstance(one, Ask)]
    if asks:
        found = victim.ask([text for _, one in asks for text in one.texts])
        ends = np.cumsum([len(one.texts) for _, one in asks])[:-1]
        for (at, _), part in zip(asks, np.split(found, ends), strict=True):
            answers[at] = part
    proposals = [(at, one) for at, one in enumerate(asked) if isinstance(one, Propose)]
    if proposals:
        lists = proposer.propose([(one.sentence, one.word) for _, one in proposals])
        for (at, _), words in zip(proposals, lists, strict=True):
            answers[at] = words
    compares = [(at, one) for at, one in enumerate(asked) if isinstance(one, Compare)]
    if compares:
        assert similarity is not None
        cosines = similarity.of([(one.before, after) for _, one in compares for after in one.after])
        ends = np.cumsum([len(one.after) for _, one in compares])[:-1]
        for (at, _), part in zip(compares, np.split(cosines, ends), strict=True):
            answers[at] = part
    return answers
