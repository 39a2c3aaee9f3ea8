"""Pictures of a study: how it went, which settings matter, which of them go together."""

import io
import math
from pathlib import Path
from typing import Any

from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file
from keras_bert.tuning.study import Study

_TEXT = {"fontsize": 8, "va": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}

LEAST = 4
"""Complete trials from which importances say something."""


def plot_study(study: Study, folder: str | Path) -> list[str]:
    """Draws `history.png`, and with enough trials `importance.png` and `parallel.png`.

    Args:
        study: The study.
        folder: Where to write.

    Returns:
        The names of the files written.

    Raises:
        InputError: matplotlib or scikit-learn is not installed.

    References:
        Hutter et al. 2014, An Efficient Approach for Assessing Hyperparameter Importance (fANOVA), by Optuna.
    """
    complete = [trial for trial in study.trials if trial.score is not None]
    if not complete:
        return []
    drawn = {"history.png": _history(study)}
    varies = len({trial.score for trial in complete}) > 1
    if len(complete) >= LEAST and len(study.space) > 1 and varies:
        drawn["importance.png"] = _importance(study)
    if len(complete) > 1:
        drawn["parallel.png"] = _parallel(study)
    for name, figure in drawn.items():
        picture = io.BytesIO()
        figure.savefig(picture, dpi=120, format="png")
        write_file(Path(folder) / name, picture.getvalue())
    return list(drawn)


def importances(study: Study) -> dict[str, float]:
    """Returns how much of the scores' variance each setting explains, the most important first; they add up to 1.

    Args:
        study: With at least two complete trials of different scores.
    """
    import_extra("sklearn.ensemble", "tune")
    optuna = import_extra("optuna", "tune")
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=study.seed)
    return dict(optuna.importance.get_param_importances(study.optuna_study(), evaluator=evaluator))


def _figure(width: float, height: float) -> Any:
    return import_extra("matplotlib.figure", "tune").Figure(figsize=(width, height), layout="constrained")


def _history(study: Study) -> Any:
    """Draws the score of each trial, and the best so far."""
    figure = _figure(6, 3.5)
    axes = figure.subplots()
    complete = [trial for trial in study.trials if trial.score is not None]
    numbers, scores = [trial.number for trial in complete], [float(trial.score or 0) for trial in complete]
    better = max if study.mode == "max" else min
    best = [better(scores[: index + 1]) for index in range(len(scores))]
    axes.plot(numbers, scores, "C0o", label="trial")
    axes.step(numbers, best, "C1-", where="post", label="best so far")
    pruned = [trial for trial in study.trials if trial.state == "pruned" and trial.scores]
    axes.plot([t.number for t in pruned], [better(t.scores) for t in pruned], "C7x", label="stopped early")
    axes.set_xlabel("trial")
    axes.set_ylabel(_score_name(study), parse_math=False)
    axes.xaxis.set_major_locator(import_extra("matplotlib.ticker", "tune").MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _importance(study: Study) -> Any:
    """Draws the importance of each setting as a bar."""
    found = importances(study)
    figure = _figure(6, 1 + 0.4 * len(found))
    axes = figure.subplots()
    names = list(found)[::-1]
    bars = axes.barh(range(len(names)), [found[name] for name in names], color="C0")
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xlabel("share of the variance of the score")
    axes.set_xlim(0, 1.1)
    return figure


def _parallel(study: Study) -> Any:
    """Draws each trial as a line over its settings to its score, the darker the better."""
    complete = [trial for trial in study.trials if trial.score is not None]
    sign = 1 if study.mode == "max" else -1
    complete.sort(key=lambda trial: sign * float(trial.score or 0))  # the best on top
    names = [*study.space, _score_name(study)]
    figure = _figure(2 + 1.5 * len(names), 4)
    axes = figure.subplots()
    columns = [[trial.values[name] for trial in complete] for name in study.space]
    columns.append([float(trial.score or 0) for trial in complete])
    logs = [getattr(study.space.get(name), "log", False) for name in names]
    scaled = [_scaled(column, log) for column, log in zip(columns, logs, strict=True)]
    colours = import_extra("matplotlib", "tune").colormaps["Blues"]
    for index in range(len(complete)):
        shade = colours(0.25 + 0.75 * (index + 1) / len(complete))
        axes.plot(range(len(names)), [places[index] for places, _ in scaled], color=shade, linewidth=1.5)
    for column, (_, ticks) in enumerate(scaled):
        axes.axvline(column, color="0.7", linewidth=1, zorder=0)
        for place, text in ticks:
            axes.annotate(text, (column, place), xytext=(4, 0), textcoords="offset points", **_TEXT)
    axes.set_xticks(range(len(names)), names, parse_math=False)
    axes.set_yticks([])
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    return figure


def _scaled(values: list[Any], log: bool) -> tuple[list[float], list[tuple[float, str]]]:
    """Gives values places from 0 to 1, and the places with what is written there."""
    if any(isinstance(value, str) for value in values) or len(set(values)) <= 4:
        distinct = sorted(set(values))
        step = 1 / max(1, len(distinct) - 1)
        places = {value: index * step for index, value in enumerate(distinct)}
        shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in distinct]
        return [places[value] for value in values], list(zip(places.values(), shown, strict=True))
    numbers = [math.log(value) if log else float(value) for value in values]
    low, high = min(numbers), max(numbers)
    width = high - low
    ends = [(0.0, f"{min(values):.4g}"), (1.0, f"{max(values):.4g}")]
    return [(number - low) / width for number in numbers], ends


def _score_name(study: Study) -> str:
    names = {str(trial.facts["monitor"]) for trial in study.trials if "monitor" in trial.facts}
    return f"dev {names.pop()}".replace("_", " ") if len(names) == 1 else "score"
