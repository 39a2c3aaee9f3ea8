"""Scores as GLUE counts them, by scikit-learn and scipy."""

from collections.abc import Sequence

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


def scores(
    problem_type: str,
    targets: np.ndarray,
    predictions: np.ndarray,
    num_classes: int | None = None,
    names: Sequence[str] = (),
) -> dict[str, float]:
    """Scores predictions against targets.

    Args:
        problem_type: `"single_label_classification"`, `"multi_label_classification"` or `"regression"`.
        targets: Class numbers int (rows,); for several labels zeros and ones (rows, classes); for regression
            float (rows,).
        predictions: Like `targets`.
        num_classes: For one label: how many classes there are, where not all of them need occur in the rows; the
            highest number that occurs decides otherwise.
        names: For two classes: their names, to be told which F1 is whose.

    Returns:
        One label: `accuracy`; for two classes `f1` of class 1, and with `names` `f1_NAME` of each; for more
        `macro_f1`; `matthews`. Several labels: `accuracy` (rows with all labels right), `micro_f1`, `macro_f1`.
        Regression: `pearson`, `spearman`, `mse`; a correlation with a constant is 0, since it orders nothing.

        `macro_f1` is the mean over the classes that occur in the targets or the predictions, for one label and for
        several: a class that is in neither has no F1, and does not count.

    Raises:
        InputError: No rows, arrays that do not fit each other, or no such problem type.

    Example:
        >>> scores("single_label_classification", np.array([0, 1, 1]), np.array([0, 1, 0]))["accuracy"]
        0.6666666666666666

    References:
        Wang et al. 2018, arXiv:1804.07461, table 1: accuracy and F1 (MRPC, QQP), Matthews (CoLA), Pearson and
        Spearman (STS-B).
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape:
        raise InputError(f"targets have shape {targets.shape}, predictions {predictions.shape}; expected the same")
    if not targets.size:
        raise InputError("there are no rows to score")
    if problem_type == "regression":
        return _regression(targets, predictions)
    metrics = import_extra("sklearn.metrics")
    accuracy = float(metrics.accuracy_score(targets, predictions))
    if problem_type == "multi_label_classification":
        occur = (targets != 0).any(axis=0) | (predictions != 0).any(axis=0)
        f1 = metrics.f1_score(targets, predictions, average=None, zero_division=0)[occur]
        return {
            "accuracy": accuracy,
            "micro_f1": float(metrics.f1_score(targets, predictions, average="micro", zero_division=0)),
            "macro_f1": float(f1.mean()) if occur.any() else 0.0,
        }
    if problem_type != "single_label_classification":
        raise InputError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, received: {problem_type!r}")
    two = (num_classes or max(targets.max(), predictions.max()) + 1) <= 2
    matthews = float(metrics.matthews_corrcoef(targets, predictions))
    if not two:
        macro = metrics.f1_score(targets, predictions, average="macro", zero_division=0)
        return {"accuracy": accuracy, "macro_f1": float(macro), "matthews": matthews}
    first, second = metrics.f1_score(targets, predictions, labels=[0, 1], average=None, zero_division=0).tolist()
    by_name = {f"f1_{names[1]}": second, f"f1_{names[0]}": first} if len(names) == 2 else {}
    return {"accuracy": accuracy, "f1": second, **by_name, "matthews": matthews}


def _regression(targets: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    stats = import_extra("scipy.stats")
    mse = float(np.mean(np.square(targets - predictions)))
    if np.ptp(targets) == 0 or np.ptp(predictions) == 0:
        return {"pearson": 0.0, "spearman": 0.0, "mse": mse}
    return {
        "pearson": float(stats.pearsonr(targets, predictions).statistic),
        "spearman": float(stats.spearmanr(targets, predictions).statistic),
        "mse": mse,
    }
