"""Which class is taken for which, as a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_bert.evaluation.extras import import_extra

# With more classes the numbers in the cells cannot be read.
_MOST_WITH_NUMBERS = 20


def plot_confusion(targets: np.ndarray, predictions: np.ndarray, labels: Sequence[str], path: str | Path) -> None:
    """Draws the confusion matrix: rows are the true classes, columns the answers.

    Colours are shares of the true class, numbers are counts.

    Args:
        targets: True class numbers, int (rows,).
        predictions: Answered class numbers, int (rows,).
        labels: Names of the classes in the order of their numbers.
        path: The .png to write.

    Raises:
        InputError: scikit-learn or matplotlib is not installed.

    Example:
        >>> plot_confusion(np.array([0, 1]), np.array([0, 1]), ["no", "yes"], "confusion.png")  # doctest: +SKIP
    """
    metrics = import_extra("sklearn.metrics")
    figures = import_extra("matplotlib.figure")
    counts = metrics.confusion_matrix(targets, predictions, labels=range(len(labels)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(max(0.55 * len(labels) + 2.5, 4.5), 24)
    figure = figures.Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="cividis_r", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    accuracy = float(np.mean(np.asarray(targets) == np.asarray(predictions)))
    axes.set(title=f"{len(targets)} rows, accuracy {accuracy:.3f}", xlabel="answer", ylabel="true class")
    font = 10 if len(labels) <= _MOST_WITH_NUMBERS else 5
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=font)
    axes.set_yticks(range(len(labels)), labels, fontsize=font)
    if len(labels) <= _MOST_WITH_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
    figure.savefig(path, dpi=120)
