r"""Shows how far a run is.

    keras-bert status runs/mine

For a folder of keras-bert finetune or pretrain, whether it runs, was stopped, or is finished: step, rate, time left,
the last metrics. --json prints the same as one JSON object.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from absl import flags

from keras_bert.errors import InputError, one_line
from keras_bert.escaping import to_json
from keras_bert.foreign_files import read_json_value
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("run", None, "Folder of the run; may be given without --run=.")
flags.DEFINE_bool("json", False, "Print a JSON object.")

SILENCE = 120.0
"""Seconds without a sign of life after which a run on another machine counts as lost; it gives one every 5."""


_NUMBER = (int, float)
_MOST = 1e15
FIELDS: dict[str, tuple[type, ...]] = {
    "state": (str,),
    "step": (int,),
    "steps": (int, type(None)),
    "epoch": (int,),
    "seconds": _NUMBER,
    "seconds_left": (*_NUMBER, type(None)),
    "steps_per_second": _NUMBER,
    "metrics": (dict,),
    "process": (int,),
    "host": (str,),
    "time": _NUMBER,
}
"""What a run writes of itself: the kinds of value under each name."""


def run() -> None:
    """Runs the program."""
    sys.argv[1:] = [part if part.startswith("-") else f"--run={part}" for part in sys.argv[1:]]
    run_program(main, sys.modules[__name__], tensorflow=False)


def main() -> None:
    """Prints the status of the run."""
    if not FLAGS.run:
        raise InputError("which run? keras-bert status runs/mine")
    status = read_status(Path(FLAGS.run))
    print(to_json(status) if FLAGS.json else "\n".join(one_line(line, 1000) for line in described(status)))


def read_status(folder: Path) -> dict[str, Any]:
    """Reads what a run last wrote of itself.

    Returns:
        What `RunStatus` writes, with `state` made true: `lost` for a run that says it runs and does not; and
        `silent`, seconds since it was written.

    Raises:
        InputError: There is no run in the folder.
    """
    path = folder / "status.json"
    status = read_json_value(path)
    if status is None and not path.exists():
        raise InputError(f"{folder}: no status.json; expected the folder of a run of finetune or pretrain")
    if not isinstance(status, dict) or (missing := [name for name in FIELDS if not _is_right(name, status.get(name))]):
        wrong = f"nothing to be used under {missing[0]!r}" if isinstance(status, dict) else "no JSON object"
        raise InputError(f"{path}: not what a run writes ({wrong})")
    silent = max(0.0, time.time() - status["time"])
    if status["state"] == "running":
        here = status["host"] == socket.gethostname()
        if not _is_alive(status["process"]) if here else silent > SILENCE:
            status["state"] = "lost"
    return {**status, "silent": round(silent, 1)}


def _spelt(value: Any) -> str:
    """Writes a metric; null stands for one that was no number."""
    return f"{value:.4g}" if _is_number(value) else "nan"


def _is_right(name: str, value: Any) -> bool:
    """Tells whether a value may stand under a name; what is not known yet is null."""
    return isinstance(value, FIELDS[name]) and (not isinstance(value, _NUMBER) or _is_number(value))


def _is_number(value: Any) -> bool:
    """Tells whether a value is a number that can be written in words: no NaN, and none without end."""
    return isinstance(value, _NUMBER) and not isinstance(value, bool) and -_MOST < value < _MOST


def described(status: dict[str, Any]) -> list[str]:
    """Returns the lines for a reader."""
    step, steps = status["step"], status["steps"]
    share = f" of {steps:,} ({step / steps:.0%})" if steps else ""
    ends = {"lost": "lost: its process is gone; the same command goes on from the last checkpoint"}
    lines = [
        f"state:   {ends.get(status['state'], status['state'])}",
        f"step:    {step:,}{share}" + (f", epoch {status['epoch']}" if status["state"] != "finished" else ""),
        f"time:    {spelt(status['seconds'])}, {status['steps_per_second']:.3g} steps/s",
    ]
    if status["state"] == "running":
        left = status["seconds_left"]
        lines.append(f"left:    {'not known yet' if left is None else spelt(left)}")
        lines.append(f"written: {spelt(status['silent'])} ago by process {status['process']} on {status['host']}")
    width = max(map(len, status["metrics"]), default=0)
    return lines + [f"{name:{width}} {_spelt(value)}" for name, value in status["metrics"].items()]


def spelt(seconds: float) -> str:
    """Writes a time as `2h03m`, `3m20s` or `12s`.

    Example:
        >>> spelt(7380.0), spelt(200.0), spelt(12.3)
        ('2h03m', '3m20s', '12s')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def _is_alive(process: int) -> bool:
    if not 0 < process < 2**31:  # others are groups of processes, or none
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


if __name__ == "__main__":
    run()
