"""Precision, recall and F1 of entities, as the CoNLL shared tasks count them, by seqeval."""

import warnings
from collections.abc import Sequence

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra


def entity_scores(
    targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], types: Sequence[str] = ()
) -> dict[str, float]:
    """Scores tagged sentences by their entities: one counts only with its type and both its ends right.

    Args:
        targets: The true tags of each sentence, of any scheme with entities; where one begins is told as by conlleval.
        predictions: As many, for as many words each.
        types: Types of entities that have their scores also where there is none of them.

    Returns:
        `f1`, `precision` and `recall` over all entities, `accuracy` of words, and `f1_X`, `precision_X` and `recall_X`
        for each type of entity; 0 where there is nothing to divide by.

    Raises:
        InputError: seqeval is not installed; no sentences, or they do not fit each other.

    Example:
        >>> entity_scores([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "O", "O", "B-LOC"]])["f1"]
        0.5

    References:
        Tjong Kim Sang and De Meulder 2003, section 2.4; seqeval's default mode, the counts of conlleval.pl.
    """
    metrics = import_extra("seqeval.metrics")
    if not targets:
        raise InputError("there are no sentences to score")
    if [len(tags) for tags in targets] != [len(tags) for tags in predictions]:
        raise InputError("targets and predictions are not of the same sentences: their words differ in number")
    pair = [list(map(str, tags)) for tags in targets], [list(map(str, tags)) for tags in predictions]
    with warnings.catch_warnings():
        # Of its averages over types, not used here, where no sentence has an entity.
        warnings.simplefilter("ignore", RuntimeWarning)
        report = metrics.classification_report(*pair, output_dict=True, zero_division=0)
    total = report["micro avg"]
    names = {"f1": "f1-score", "precision": "precision", "recall": "recall"}
    scores = {name: float(total[key]) for name, key in names.items()}
    scores["accuracy"] = float(metrics.accuracy_score(*pair))
    averages = {"micro avg", "macro avg", "weighted avg"}
    for type_ in sorted({*types, *report} - averages):
        values = report.get(type_, {})
        scores.update({f"{name}_{type_}": float(values.get(key, 0.0)) for name, key in names.items()})
    return scores
