"""Reading the passages that were found, all of them in one run."""

from collections.abc import Sequence

from keras_bert.retrieval.asking.candidate import Candidate
from keras_bert.retrieval.passages.passage import Found
from keras_bert.tasks import BertQuestionAnswerer

SPANS = 3
"""Spans of a passage that are candidates."""


def read_passages(
    reader: BertQuestionAnswerer, questions: Sequence[str], found: Sequence[Sequence[Found]], batch_size: int = 32
) -> list[list[Candidate]]:
    """Looks for the answer to each question in each of its passages.

    A passage in which the reader, by its threshold, sees no answer gives no candidate.

    Args:
        reader: The reader.
        questions: What is asked.
        found: The passages of each question.
        batch_size: Passages at a time.

    Returns:
        For each question its candidates, in the order of its passages.
    """
    rows = [
        {"question": question, "context": each.passage.text}
        for question, passages in zip(questions, found, strict=True)
        for each in passages
    ]
    answers = iter(reader.answer(rows, batch_size, n_best=SPANS) if rows else [])
    return [[candidate for each in passages for candidate in _candidates(each, next(answers))] for passages in found]


def _candidates(found: Found, answer: dict) -> list[Candidate]:
    if not answer["answer"]:
        return []
    there = 1.0 - answer["no_answer_score"]
    return [
        Candidate(found, span["start"], span["end"], span["score"] * there)
        for span in answer["n_best"]
        if span["answer"].strip()
    ]
