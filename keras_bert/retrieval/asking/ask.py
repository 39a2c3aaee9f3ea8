"""Asking an index: search, read, answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_bert.errors import InputError
from keras_bert.retrieval.asking.merge import merge, weigh
from keras_bert.retrieval.asking.read import read_passages
from keras_bert.tasks import BertQuestionAnswerer

if TYPE_CHECKING:
    from keras_bert.retrieval.index import Index

WEIGHT = 0.3
"""What the reader counts beside the search."""

Turn = tuple[str, str]
"""A question that was asked before, and its answer."""


def ask(
    index: "Index",
    questions: Sequence[str],
    reader: BertQuestionAnswerer,
    top_k: int = 3,
    passages: int = 10,
    *,
    weight: float = WEIGHT,
    threshold: float | None = None,
    history: Sequence[Turn] = (),
    batch_size: int = 32,
    **search: Any,
) -> list[list[dict[str, Any]]]:
    """Answers questions out of an index; see `Index.ask`, which checks what is asked."""
    if top_k < 1 or passages < 1:
        raise InputError(f"top_k is {top_k} and passages {passages}; expected 1 or more")
    if not 0 <= weight <= 1:
        raise InputError(f"weight is {weight}; it is the reader's share, from 0 to 1")
    # A reader takes the lines of a question for turns of a conversation.
    questions = [" ".join(question.split()) for question in questions]
    # A question such as "and where?" is found by what was asked before it.
    before = " ".join(question for question, _ in history[-1:])
    found = index.search([f"{before} {question}".strip() for question in questions], k=passages, **search)
    answers = []
    for candidates, own in zip(read_passages(reader, questions, found, batch_size), found, strict=True):
        best = merge(weigh(candidates, own, weight))
        kept = [same for same in best if threshold is None or max(each.read for each in same) >= threshold]
        answers.append([_described(same) for same in kept[:top_k]])
    return answers


def _described(same: Sequence[Any]) -> dict[str, Any]:
    """Makes an answer of candidates that say the same."""
    best = same[0]
    return {
        "answer": best.text,
        "score": round(best.weight, 6),
        "read": round(best.read, 6),
        **best.described(),
        "passage": best.found.passage.text,
        "sources": [{**other.described(), "score": round(other.weight, 6)} for other in same],
    }
