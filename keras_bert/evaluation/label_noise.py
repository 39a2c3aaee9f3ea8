"""Which labels are doubtful: confident learning, of probabilities that a model gave to rows it was not trained on."""

import dataclasses

import numpy as np

from keras_bert.errors import InputError

# As cleanlab has them, so that both count the same rows.
_ROUNDING, _LEAST_THRESHOLD = 1e-6, 2e-6


@dataclasses.dataclass(frozen=True)
class LabelNoise:
    """What confident learning says of labels.

    Attributes:
        thresholds: float (classes,): the mean probability of a class over the rows that have its label; nan of a class
            without rows.
        counts: int64 (classes, classes): `[label, guess]`, rows that are confidently of a class.
        joint: float (classes, classes): the counts brought to the labels' own shares; sums to 1. What is not on the
            diagonal is, by this estimate, labelled wrong.
        rows: int (rows,): those with a doubtful label, the most doubtful first.
        guesses: int (rows,): the class that each of them is more likely to have.
        margins: float (rows,): the probability of the label less that of the likeliest other class, of each of them.
    """

    thresholds: np.ndarray
    counts: np.ndarray
    joint: np.ndarray
    rows: np.ndarray
    guesses: np.ndarray
    margins: np.ndarray

    @property
    def share(self) -> float:
        """The share of all rows that is labelled wrong, by the joint."""
        return float(1 - np.trace(self.joint))


def label_noise(labels: np.ndarray, probabilities: np.ndarray) -> LabelNoise:
    """Finds doubtful labels.

    A row is counted for a class of which its probability is at least the class's threshold; of several such classes for
    the likeliest one, of none for nothing. Doubtful are rows that are counted for another class than their label's, and
    of which that label is not the likeliest.

    Args:
        labels: int (rows,).
        probabilities: float (rows, classes), out of sample: of a model that has not seen these labels.

    Raises:
        InputError: No rows, arrays that do not fit each other, rows that do not sum to 1, or a label that is none.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95]])
        >>> label_noise(np.array([0, 0, 1, 1, 0]), probabilities).rows.tolist()
        [4]

    References:
        Northcutt, Jiang and Chuang 2021, arXiv:1911.00068, sections 3.1 and 3.2; cleanlab 2, `compute_confident_joint`,
        `estimate_joint` (without its rounding) and `find_label_issues(filter_by="confident_learning")`.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, np.float64)
    _check(labels, probabilities)
    rows, classes = probabilities.shape
    sizes = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(rows), labels]
    with np.errstate(invalid="ignore"):
        thresholds = np.bincount(labels, own, classes) / sizes
    needed = np.where(sizes > 0, np.maximum(thresholds, _LEAST_THRESHOLD), np.inf)
    is_confident = probabilities >= needed - _ROUNDING
    how_many, likeliest = is_confident.sum(axis=1), probabilities.argmax(axis=1)
    guesses = np.where(how_many > 1, likeliest, is_confident.argmax(axis=1))
    counted = how_many > 0
    pairs = labels[counted] * classes + guesses[counted]
    counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    whole = counts.astype(np.float64)
    np.fill_diagonal(whole, np.maximum(np.diagonal(whole), 1))  # no class is all wrong
    joint = whole / whole.sum(axis=1, keepdims=True) * sizes[:, None]
    others = probabilities.copy()
    others[np.arange(rows), labels] = -np.inf
    margins = own - others.max(axis=1)
    doubtful = np.flatnonzero(counted & (guesses != labels) & (likeliest != labels))
    doubtful = doubtful[np.argsort(margins[doubtful], kind="stable")]
    return LabelNoise(thresholds, counts, joint / joint.sum(), doubtful, guesses[doubtful], margins[doubtful])


def _check(labels: np.ndarray, probabilities: np.ndarray) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise InputError(
            f"labels have shape {labels.shape}, probabilities {probabilities.shape}; expected as many rows"
        )
    if not labels.size or probabilities.shape[1] < 2:
        raise InputError("there are no rows, or no two classes, to find doubtful labels among")
    if not 0 <= labels.min() <= labels.max() < probabilities.shape[1]:
        raise InputError(f"labels go from {labels.min()} to {labels.max()}; expected 0 to {probabilities.shape[1] - 1}")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise InputError("the probabilities of a row must sum to 1")
