"""What a study found, as a table: for people, and as a CSV file."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_bert.errors import one_line
from keras_bert.files import write_file
from keras_bert.tuning.study import Study, Trial


def write_trials(study: Study, path: str | Path) -> None:
    """Writes a row for each trial: `trial`, `state`, `score`, its settings, `seconds`, `error`.

    Args:
        study: The study.
        path: The .csv file; it appears whole or not at all.

    Raises:
        InputError: The file cannot be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["trial", "state", "score", *study.space, "seconds", "error"])
    for trial in study.trials:
        facts = [trial.facts.get("seconds", ""), trial.facts.get("error", "")]
        writer.writerow([trial.number, trial.state, _number(trial.score), *_settings(study, trial), *facts])
    write_file(path, out.getvalue())


def table(study: Study, most: int = 10) -> str:
    """Returns the best trials as lines of text, the best first.

    Args:
        study: The study.
        most: Trials at most.
    """
    sign = 1 if study.mode == "max" else -1
    complete = [trial for trial in study.trials if trial.score is not None]
    best = sorted(complete, key=lambda trial: -sign * float(trial.score or 0))[:most]
    rows = [["trial", "score", *study.space]]
    rows += [[str(trial.number), _number(trial.score), *_settings(study, trial)] for trial in best]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def told(trial: Trial, of: int) -> str:
    """Returns a line on a trial that ended."""
    values = " ".join(f"{name}={_value(value)}" for name, value in trial.values.items())
    end = _number(trial.score) if trial.score is not None else trial.state
    best = f" (best epoch score {_number(max(trial.scores))})" if trial.score is None and trial.scores else ""
    return one_line(f"trial {trial.number + 1} of {of}: {values}: {end}{best}", 1000)


def _settings(study: Study, trial: Trial) -> Sequence[str]:
    return [_value(trial.values[name]) for name in study.space]


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
