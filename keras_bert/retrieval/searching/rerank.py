"""Passages put in the order that a model of pairs gives them."""

from collections.abc import Sequence

import numpy as np

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertRegressor


def pair_scores(
    model: BertClassifier | BertRegressor,
    pairs: Sequence[tuple[str, str]],
    label: str | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """Says how well the second text of each pair fits the first: the query first, as rerankers are trained.

    Args:
        model: A regressor, whose number it is, or a classifier, of which it is the probability of a class; on pairs.
        pairs: Query and passage.
        label: The class of a classifier; None takes its last.
        batch_size: Pairs a batch.

    Returns:
        float32 (pairs,).

    Raises:
        InputError: The model takes single texts, or has no such class.
    """
    if not isinstance(model, BertClassifier | BertRegressor):
        raise InputError(f"reranker is a {type(model).__name__}; expected a BertClassifier or a BertRegressor")
    if not model.text_pair:
        raise InputError("the reranker takes one text; expected a model of pairs (text_pair=True), query and passage")
    is_classifier = isinstance(model, BertClassifier)
    if label is not None and (not is_classifier or label not in model.labels):
        known = ", ".join(model.labels) if isinstance(model, BertClassifier) else "none, it gives a number"
        raise InputError(f"the reranker has no class {label!r}; its classes: {known}")
    if isinstance(model, BertClassifier):
        name = model.labels[-1] if label is None else label
        answers = model.answer(list(pairs), batch_size, scores=True)
        return np.array([answer["scores"][name] for answer in answers], np.float32)
    return np.array([answer["score"] for answer in model.answer(list(pairs), batch_size)], np.float32)
