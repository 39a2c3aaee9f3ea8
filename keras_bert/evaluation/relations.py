"""Macro-F1 over relations with directions, the official score of SemEval-2010 Task 8."""

import re
from collections.abc import Sequence

from keras_bert.errors import InputError

OTHER = "Other"
_DIRECTED = re.compile(r"(.+)\((e1,e2|e2,e1)\)")


def has_directions(labels: Sequence[str]) -> bool:
    """Tells whether labels are relations with directions, `Cause-Effect(e1,e2)`, with or without `Other`.

    Example:
        >>> has_directions(["Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Other"])
        True
    """
    return any(map(_DIRECTED.fullmatch, labels)) and all(
        label == OTHER or _DIRECTED.fullmatch(label) for label in labels
    )


def relation_scores(targets: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """Scores relations as SemEval-2010 Task 8 does: (9+1)-way, with directions, without `Other`.

    A relation, both directions together, is right where its name and its direction are; the right name with the wrong
    direction is wrong for precision and for recall. The mean is over the relations that occur among the targets.

    Args:
        targets: Labels such as `Cause-Effect(e2,e1)`, and `Other`.
        predictions: As many.

    Returns:
        `relation_f1`, `relation_precision`, `relation_recall`: means over the relations, `Other` not among them.

    Raises:
        InputError: There is no relation among the targets, or there are not as many predictions.

    Example:
        >>> relation_scores(["A(e1,e2)", "A(e2,e1)", "Other"], ["A(e1,e2)", "A(e1,e2)", "Other"])["relation_f1"]
        0.5

    References:
        Hendrickx et al. 2010, aclanthology.org/S10-1006, section 5; the task's semeval2010_task8_scorer-v1.2.pl, its
        "official score".
    """
    if len(targets) != len(predictions):
        raise InputError(f"{len(targets)} labels and {len(predictions)} predictions; expected as many")
    relations = sorted({_relation(label) for label in targets} - {OTHER})
    if not relations:
        raise InputError("there is no relation among the labels to score")
    pairs = list(zip(targets, predictions, strict=True))
    precisions, recalls, scores = [], [], []
    for relation in relations:
        right = sum(target == prediction and _relation(target) == relation for target, prediction in pairs)
        proposed = sum(_relation(prediction) == relation for _, prediction in pairs)
        there = sum(_relation(target) == relation for target, _ in pairs)
        precisions.append(right / proposed if proposed else 0.0)
        recalls.append(right / there)
        scores.append(2 * right / (proposed + there))
    return {
        "relation_f1": sum(scores) / len(scores),
        "relation_precision": sum(precisions) / len(precisions),
        "relation_recall": sum(recalls) / len(recalls),
    }


def _relation(label: str) -> str:
    """Gives a label without its direction."""
    directed = _DIRECTED.fullmatch(label)
    return directed[1] if directed else str(label)
