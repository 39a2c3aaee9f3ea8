"""How a run went, as a picture."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_bert.errors import InputError, one_line
from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file

MARKED_POINTS = 30
"""A curve of more points than this is drawn without marks."""


def read_csv_log(path: str | Path) -> dict[str, list[float]]:
    r"""Reads the log that Keras' `CSVLogger` writes, in the form of `fit(...).history`.

    Args:
        path: The .csv: a column `epoch`, one column a value; what was not measured in an epoch (`NA`) is nan.

    Raises:
        InputError: No such file, or no such log.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("log.csv").write_text("epoch,loss,val_loss\n0,0.7,0.6\n1,0.5,NA\n")
        >>> read_csv_log("log.csv")
        {'loss': [0.7, 0.5], 'val_loss': [0.6, nan]}
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: [_number(row[name]) for row in rows] for name in (rows[0] if rows else ()) if name != "epoch"}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise InputError(f"{path}: not a log of Keras' CSVLogger: expected a number in every column") from None


def plot_curves(
    history: Mapping[str, Sequence[float]],
    path: str | Path,
    steps: Sequence[float] | None = None,
) -> None:
    """Draws every value of a run over its epochs or steps, training and held-out rows in one panel each.

    Args:
        history: Name → values, as `fit(...).history` or `read_csv_log` has it; `val_NAME` joins `NAME`. A value that
            was not measured is nan.
        path: The .png to write.
        steps: The training step of each value; without, they are of the epochs from 1.

    Raises:
        InputError: matplotlib is not installed, or there is nothing to draw.

    Example:
        >>> plot_curves({"loss": [0.7, 0.3], "val_loss": [0.5, 0.4]}, "curves.png")
    """
    figures = import_extra("matplotlib.figure")
    ticker = import_extra("matplotlib.ticker")
    panels = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    if not panels:
        raise InputError("the history of the run is empty: there are no curves to draw")
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure = figures.Figure(figsize=(4.5 * columns, 3.2 * rows), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, panels, strict=False):
        # Blue and orange, circles and squares: told apart without colours too.
        for key, label, style in ((name, "training", "C0o-"), (f"val_{name}", "held out", "C1s--")):
            if key in history:
                places = steps or range(1, len(history[key]) + 1)
                points = [point for point in zip(places, history[key], strict=True) if not math.isnan(point[1])]
                # Many points would hide the line.
                marks = {"markersize": 0} if len(points) > MARKED_POINTS else {}
                axes.plot([x for x, _ in points], [y for _, y in points], style, label=label, **marks)
        # Names of classes stand in some of these, which are no formulas.
        words = one_line(name, 60).replace("_", " ")
        axes.set_xlabel("step" if steps else "epoch")
        axes.set_ylabel(words, parse_math=False)
        axes.set_title(words, parse_math=False)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_file(path, picture.getvalue())


def _number(value: str) -> float:
    return float("nan") if value == "NA" else float(value)
