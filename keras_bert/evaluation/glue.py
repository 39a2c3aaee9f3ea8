"""Scores as GLUE counts them, by scikit-learn and scipy."""

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")


def scores(
    problem_type: str, targets: np.ndarray, predictions: np.ndarray, num_classes: int | None = None
) -> dict[str, float]:
    """Scores predictions against targets.

    Args:
        problem_type: `"single_label_classification"`, `"multi_label_classification"` or `"regression"`.
        targets: Class numbers int (rows,); for several labels zeros and ones (rows, classes); for regression
            float (rows,).
        predictions: Like `targets`.
        num_classes: For one label: how many classes there are, where not all of them need occur in the rows; the
            highest number that occurs decides otherwise.

    Returns:
        One label: `accuracy`; for two classes `f1` of class 1, for more `macro_f1`; `matthews`. Several labels:
        `accuracy` (rows with all labels right), `micro_f1`, `macro_f1`. Regression: `pearson`, `spearman`,
        `mse`; a correlation with a constant is 0, since it orders nothing.

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
        f1 = {
            kind: metrics.f1_score(targets, predictions, average=kind, zero_division=0) for kind in ("micro", "macro")
        }
        return {"accuracy": accuracy, "micro_f1": float(f1["micro"]), "macro_f1": float(f1["macro"])}
    if problem_type != "single_label_classification":
        raise InputError(f"problem_type must be one of {', '.join(PROBLEM_TYPES)}, received: {problem_type!r}")
    two = (num_classes or max(targets.max(), predictions.max()) + 1) <= 2
    f1 = metrics.f1_score(targets, predictions, average="binary" if two else "macro", zero_division=0)
    matthews = float(metrics.matthews_corrcoef(targets, predictions))
    return {"accuracy": accuracy, "f1" if two else "macro_f1": float(f1), "matthews": matthews}


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
