"""A picture of how groups fare: their accuracy, and how often each class is answered, with intervals."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError, one_line
from keras_bert.evaluation.extras import import_extra
from keras_bert.evaluation.fonts import drawable, fonts_for
from keras_bert.files import write_file

MOST_CLASSES = 4
"""Classes that have a panel; of more the first ones."""


def plot_groups(scores: Mapping[str, Any], path: str | Path) -> None:
    """Draws accuracy, and rate and recall of each class, group by group.

    Args:
        scores: What `group_scores` returns.
        path: The .png to write.

    Raises:
        InputError: matplotlib is not installed, or there are no groups.

    Example:
        >>> import numpy as np
        >>> targets, answers = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1])
        >>> groups = ["a", "a", "b", "b"]
        >>> scores = keras_bert.evaluation.group_scores(targets, answers, groups, ["no", "yes"], least_rows=2)
        >>> plot_groups(scores, "groups.png")
    """
    figures = import_extra("matplotlib.figure")
    groups = scores["groups"]
    if not groups:
        raise InputError("there are no groups to draw")
    classes = list(next(iter(groups.values()))["classes"])[:MOST_CLASSES]
    panels = [("accuracy", [found["accuracy"] for found in groups.values()])]
    for label in classes:
        for name, words in (("rate", "answered"), ("recall", "recall of")):
            panels.append((f"{words} {label}", [found["classes"][label][name] for found in groups.values()]))
    names = [one_line(name, 30) for name in groups]
    titles = [one_line(title, 40) for title, _ in panels]
    fonts, missing = fonts_for([*names, *titles])
    names, titles = drawable(names, missing), drawable(titles, missing)
    height = 1.2 + 0.35 * len(names)
    figure = figures.Figure(figsize=(3.2 * len(panels) + 1, height), layout="constrained")
    for axes, title, (_, entries) in zip(
        figure.subplots(1, len(panels), squeeze=False, sharey=True)[0], titles, panels, strict=True
    ):
        values = np.array([entry["value"] for entry in entries])
        ends = np.array([entry["interval"] for entry in entries])
        spread = np.abs(np.nan_to_num(ends - values[:, None])).T
        axes.errorbar(values, range(len(names)), xerr=spread, fmt="o", capsize=3)
        axes.set_xlim(-0.02, 1.02)
        axes.set_title(title, fontsize=10, family=fonts, parse_math=False)
        axes.set_yticks(range(len(names)), names, family=fonts, parse_math=False)
        axes.grid(alpha=0.3)
        axes.set_ylim(len(names) - 0.5, -0.5)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_file(path, picture.getvalue())
