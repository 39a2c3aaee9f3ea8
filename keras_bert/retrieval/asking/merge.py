"""From candidates of many passages to answers: weighed, and those that say the same put together."""

import dataclasses
from collections.abc import Sequence

from keras_bert.evaluation.squad import normalized
from keras_bert.retrieval.asking.candidate import Candidate
from keras_bert.retrieval.passages.passage import Found


def weigh(candidates: Sequence[Candidate], found: Sequence[Found], weight: float) -> list[Candidate]:
    """Gives candidates what they count: (1 - weight) · search + weight · read.

    The score of the search is scaled over the passages that were read, from 0 for the worst to 1 for the best; where
    all are alike it is 1.

    Args:
        candidates: Of one question.
        found: The passages that were read for it, those without a candidate among them.
        weight: Of the reader, from 0 to 1.

    Returns:
        The candidates with their `weight`.

    References:
        Yang et al. 2019, arXiv:1902.01718, section 3.2 (BERTserini), where the scores are not scaled.
    """
    scores = [each.score for each in found]
    low, width = min(scores, default=0.0), max(scores, default=0.0) - min(scores, default=0.0)

    def weighed(candidate: Candidate) -> Candidate:
        search = (candidate.found.score - low) / width if width > 0 else 1.0
        return dataclasses.replace(candidate, weight=(1 - weight) * search + weight * candidate.read)

    return [weighed(candidate) for candidate in candidates]


def merge(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Puts candidates together that say the same, by the form in which SQuAD compares answers.

    A place that two passages share, as they overlap, is one candidate, the better of the two. Candidates of one passage
    that overlap each other are one answer, the best of them.

    Args:
        candidates: Of one question, weighed.

    Returns:
        The answers, the best first: of each its candidates, the best first. An answer is as good as its best candidate;
        of as good ones that with more, then the one whose passage was found earlier.
    """
    places: dict[tuple[str, int | None, tuple[int, int]], Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: -candidate.weight):
        passage = candidate.found.passage
        places.setdefault((passage.file, passage.line, candidate.place), candidate)
    kept: list[Candidate] = []
    for candidate in places.values():
        if not any(_overlap(candidate, better) for better in kept):
            kept.append(candidate)
    answers: dict[str, list[Candidate]] = {}
    for candidate in kept:
        answers.setdefault(normalized(candidate.text) or candidate.text, []).append(candidate)
    return sorted(answers.values(), key=lambda same: (-same[0].weight, -len(same)))


def _overlap(one: Candidate, other: Candidate) -> bool:
    """Tells whether two candidates share a byte of a document."""
    if (one.found.passage.file, one.found.passage.line) != (other.found.passage.file, other.found.passage.line):
        return False
    return one.place[0] < other.place[1] and other.place[0] < one.place[1]
