"""The reliability diagram: what is right of what is said with a confidence, before and after a temperature."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.calibration import Reliability
from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file


def plot_reliability(diagrams: Mapping[str, Reliability], path: str | Path) -> None:
    """Draws one diagram beside the other, each with how many decisions are in its bins below it.

    On the diagonal what is said with a confidence of 0.8 is right in 80 of 100 cases; bars below it are too sure.

    Args:
        diagrams: Title → what was measured, such as `before` and `after`.
        path: The .png to write.

    Raises:
        InputError: matplotlib is not installed, or there is nothing to draw.

    Example:
        >>> import numpy as np
        >>> found = keras_bert.evaluation.reliability(np.array([0.95, 0.85, 0.65]), np.array([1, 1, 0]))
        >>> plot_reliability({"dev.tsv": found}, "reliability.png")

    References:
        Niculescu-Mizil and Caruana 2005, "Predicting good probabilities with supervised learning"; Guo et al. 2017,
        arXiv:1706.04599, figure 4.
    """
    figures = import_extra("matplotlib.figure")
    if not diagrams:
        raise InputError("there is no reliability diagram to draw")
    figure = figures.Figure(figsize=(4.2 * len(diagrams), 5), layout="constrained")
    grid = figure.subplots(2, len(diagrams), squeeze=False, sharex=True, height_ratios=(3, 1))
    for column, (title, found) in enumerate(diagrams.items()):
        bins = len(found.counts)
        edges, width = np.arange(bins) / bins, 1 / bins
        upper, lower = grid[0][column], grid[1][column]
        upper.bar(edges, np.nan_to_num(found.accuracy), width, align="edge", color="C0", edgecolor="white")
        upper.plot([0, 1], [0, 1], "k--", linewidth=1, label="what is said is so")
        filled = found.counts > 0
        upper.plot(found.confidence[filled], found.accuracy[filled], "C1o", markersize=4, label="mean of a bin")
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
        upper.set_title(f"{title}: ECE {found.error:.3f}", parse_math=False)
        upper.legend(loc="upper left")
        lower.bar(edges, found.counts, width, align="edge", color="0.6", edgecolor="white")
        lower.set(xlabel="confidence", ylabel="how many")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_file(path, picture.getvalue())
