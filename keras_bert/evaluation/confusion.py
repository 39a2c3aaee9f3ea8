"""Which class is taken for which: the counts, and a picture of them."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file

# With more classes the numbers in the cells cannot be read.
_MOST_WITH_NUMBERS = 20


def confusion_matrix(targets: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts how often each class is answered for each true class.

    Args:
        targets: True class numbers, int (rows,).
        predictions: Answered class numbers, int (rows,).
        num_classes: How many classes there are, also those without rows.

    Returns:
        int64 (classes, classes): `[true, answered]`.

    Raises:
        InputError: Arrays that do not fit each other, or a class number that is none.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise InputError(f"targets have shape {targets.shape}, predictions {predictions.shape}; expected (rows,) twice")
    for name, numbers in (("targets", targets), ("predictions", predictions)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < num_classes:
            raise InputError(f"{name} go from {numbers.min()} to {numbers.max()}; expected 0 to {num_classes - 1}")
    pairs = targets.astype(np.int64) * num_classes + predictions
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def plot_confusion(targets: np.ndarray, predictions: np.ndarray, labels: Sequence[str], path: str | Path) -> None:
    """Draws the confusion matrix: rows are the true classes, columns the answers.

    Colours are shares of the true class, numbers (up to 20 classes) are counts.

    Args:
        targets: True class numbers, int (rows,).
        predictions: Answered class numbers, int (rows,).
        labels: Names of the classes in the order of their numbers.
        path: The .png to write.

    Raises:
        InputError: matplotlib is not installed; no rows, or class numbers that do not fit the labels.

    Example:
        >>> plot_confusion(np.array([0, 1]), np.array([0, 1]), ["no", "yes"], "confusion.png")  # doctest: +SKIP
    """
    figures = import_extra("matplotlib.figure")
    counts = confusion_matrix(targets, predictions, len(labels))
    if not counts.any():
        raise InputError("there are no rows to draw a confusion matrix of")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(max(0.55 * len(labels) + 2.5, 4.5), 24)
    figure = figures.Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    # cividis reads the same with and without colour blindness.
    image = axes.imshow(shares, cmap="cividis_r", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    accuracy = counts.trace() / counts.sum()
    axes.set(title=f"{counts.sum():,} rows, accuracy {accuracy:.3f}", xlabel="answer", ylabel="true class")
    font = 10 if len(labels) <= _MOST_WITH_NUMBERS else 5
    names = [_short(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=font)
    axes.set_yticks(range(len(labels)), names, fontsize=font)
    if len(labels) <= _MOST_WITH_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_file(path, picture.getvalue())


def _short(label: str, limit: int = 30) -> str:
    """A label that fits beside the matrix; `$` would begin a formula."""
    return (label if len(label) <= limit else label[: limit - 1] + "…").replace("$", r"\$")
