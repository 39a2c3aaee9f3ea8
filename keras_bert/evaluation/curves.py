"""How a run went, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_bert.evaluation.extras import import_extra


def plot_curves(history: Mapping[str, Sequence[float]], path: str | Path) -> None:
    """Draws every value of a run over its epochs, training and held-out rows in one panel each.

    Args:
        history: Name → value of each epoch, as `fit(...).history` has it; `val_NAME` joins `NAME`.
        path: The .png to write.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> plot_curves({"loss": [0.7, 0.3], "val_loss": [0.5, 0.4]}, "curves.png")  # doctest: +SKIP
    """
    figures = import_extra("matplotlib.figure")
    ticker = import_extra("matplotlib.ticker")
    panels = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    columns = min(len(panels), 3) or 1
    rows = -(-len(panels) // columns) or 1
    figure = figures.Figure(figsize=(4.5 * columns, 3.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes in list(grid)[len(panels) :]:
        axes.set_axis_off()
    for axes, name in zip(figure.axes, panels, strict=False):
        for key, label, style in ((name, "training", "o-"), (f"val_{name}", "held out", "s--")):
            if key in history:
                axes.plot(range(1, len(history[key]) + 1), history[key], style, label=label)
        axes.set(title=name.replace("_", " "), xlabel="epoch")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)
