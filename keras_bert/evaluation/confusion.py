"""Which class is taken for which: the counts, and a picture of them."""

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_bert.errors import InputError, one_line
from keras_bert.evaluation.extras import import_extra
from keras_bert.evaluation.fonts import drawable, fonts_for
from keras_bert.files import write_file

MOST_CLASSES = 150
"""Classes of a picture at most; of more, those that are confused the most often are drawn, and the rest as one."""

# From this many classes on, cells are as small as can be read.
_MANY = 20
_LARGE_CELL, _SMALL_CELL = 0.55, 0.145  # inches
_POINTS = 72


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
    targets, predictions = _checked(targets, predictions, num_classes)
    pairs = targets.astype(np.int64) * num_classes + predictions
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def _checked(targets: np.ndarray, predictions: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise InputError(f"targets have shape {targets.shape}, predictions {predictions.shape}; expected (rows,) twice")
    for name, numbers in (("targets", targets), ("predictions", predictions)):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < num_classes:
            raise InputError(f"{name} go from {numbers.min()} to {numbers.max()}; expected 0 to {num_classes - 1}")
    return targets, predictions


def plot_confusion(targets: np.ndarray, predictions: np.ndarray, labels: Sequence[str], path: str | Path) -> None:
    """Draws the confusion matrix: rows are the true classes, columns the answers.

    Colours are shares of the true class, numbers are counts, what never happens is white. Of more than `MOST_CLASSES`
    classes, those with the most errors are drawn, and all others together as the last row and column. Labels whose
    script no installed font has are replaced by the numbers of their classes, with a warning that names a font.

    Args:
        targets: True class numbers, int (rows,).
        predictions: Answered class numbers, int (rows,).
        labels: Names of the classes in the order of their numbers.
        path: The .png to write.

    Raises:
        InputError: matplotlib is not installed; no rows, or class numbers that do not fit the labels.

    Example:
        >>> import numpy as np
        >>> plot_confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), ["no", "yes"], "confusion.png")
    """
    matplotlib, colors, figures = map(import_extra, ("matplotlib", "matplotlib.colors", "matplotlib.figure"))
    targets, predictions = _checked(targets, predictions, len(labels))
    if not targets.size:
        raise InputError("there are no rows to draw a confusion matrix of")
    accuracy = np.mean(targets == predictions)
    title = f"{targets.size:,} rows, accuracy {accuracy:.3f}"
    names = [_short(label) for label in labels]
    fonts, missing = fonts_for(names)
    names = drawable(names, missing)
    if len(labels) > MOST_CLASSES:
        shown = _most_confused(targets, predictions, len(labels))
        title += f"; the {len(shown)} of {len(labels):,} classes with the most errors"
        place = np.full(len(labels), len(shown))
        place[shown] = np.arange(len(shown))
        targets, predictions = place[targets], place[predictions]
        names = [*(names[number] for number in shown), f"all other {len(labels) - len(shown):,}"]
    counts = confusion_matrix(targets, predictions, len(names))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    many = len(names) > _MANY
    cell = _SMALL_CELL if many else _LARGE_CELL
    font, heading = (0.75 * cell * _POINTS, 14) if many else (10, 11)
    # Laid out by hand: matplotlib's own layouts measure every text several times, which takes most of the time.
    side = max(cell * len(names), 1.5)
    longest = max(map(_width, names)) * font / _POINTS
    left, below, above, right = longest + 0.9, longest * (1 if many else 0.75) + 0.8, 0.6, 1.5
    width, height = left + side + right, below + side + above
    figure = figures.Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, below / height, side / width, side / height))
    # One hue, which reads the same with and without colour blindness; it begins where white stands out from it.
    blues = colors.ListedColormap(matplotlib.colormaps["Blues"](np.linspace(0.15, 1, 256)))
    edges = np.arange(len(names) + 1) - 0.5
    cells = np.ma.masked_where(counts == 0, shares)
    image = axes.pcolormesh(edges, edges, cells, cmap=blues, vmin=0, vmax=1)  # faster than imshow
    axes.invert_yaxis()
    tall = min(side, 5)
    beside = figure.add_axes(((left + side + 0.25) / width, (below + side - tall) / height, 0.2 / width, tall / height))
    figure.colorbar(image, cax=beside, label="share of the true class")
    figure.suptitle(title, x=(left + side / 2) / width, y=1 - 0.3 / height, va="center", fontsize=heading + 1)
    axes.set_xlabel("answer", fontsize=heading)
    axes.set_ylabel("true class", fontsize=heading)
    text = {"fontsize": font, "family": fonts, "parse_math": False}
    angle = {"rotation": 90} if many else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, **angle, **text)
    axes.set_yticks(range(len(names)), names, **text)
    if many:
        # Lines that lead from a label to its cells.
        for draw in (axes.hlines, axes.vlines):
            draw(edges[1:-1], edges[0], edges[-1], color="0.88", linewidth=0.4, zorder=2)
    for row, column in zip(*np.nonzero(counts), strict=True):
        count = f"{counts[row, column]}"
        fits = min(font, 1.6 * cell * _POINTS / len(count)) if many else font
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=fits, zorder=3)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_file(path, picture.getvalue())


def _most_confused(targets: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """The numbers of the classes with the most errors, as truth or as answer, in order; more rows break a tie."""
    wrong = targets != predictions
    errors = np.bincount(np.concatenate([targets[wrong], predictions[wrong]]), minlength=num_classes)
    rows = np.bincount(targets, minlength=num_classes)
    return np.sort(np.lexsort((-rows, -errors))[: MOST_CLASSES - 1])


def _short(label: str, limit: int = 30) -> str:
    """A label of one line that fits beside the matrix."""
    line = one_line(label, 10 * limit)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _width(text: str) -> float:
    """About how wide a text is, in heights of its font: Chinese characters are as wide as high, letters less."""
    return sum(1.05 if unicodedata.east_asian_width(character) in "WF" else 0.62 for character in text)
