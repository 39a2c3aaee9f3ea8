"""A program that leaves what a training run leaves, in a moment: its score follows from its settings."""

import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = """
import json, os, pathlib, signal, sys, time
sys.path.insert(0, {root!r})
folder, rate, mode = pathlib.Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
if mode == "refuse":
    print("keras-bert finetune: error: a.tsv: no such file", file=sys.stderr)
    sys.exit(2)
if mode == "fail" and rate > 0.5:
    sys.exit("out of memory")
import contextlib
lock = contextlib.nullcontext
if mode == "lock":
    from keras_bert.training.runs.run_lock import run_lock as lock
folder.mkdir(parents=True, exist_ok=True)
with lock(folder):
    def write(name, value):
        (folder / (name + ".new")).write_text(value if isinstance(value, str) else json.dumps(value))
        os.replace(folder / (name + ".new"), folder / name)
    (folder / "model").mkdir(exist_ok=True)
    with open(folder / "starts", "a") as file:
        file.write("x")
    rows = ["epoch,step,val_accuracy"]
    write("status.json", {{"state": "running", "monitor": "accuracy"}})
    for epoch in range(3):
        rows.append(f"{{epoch + 1}},{{epoch}},{{rate * (epoch + 1) / 3}}")
        write("log.csv", "\\n".join(rows) + "\\n")
        time.sleep({seconds})
    if mode == "hang":
        time.sleep(600)
    write("metrics.json", {{"seconds": 1.0, "dev": {{"accuracy": rate, "loss": 1 - rate}}}})
    write("status.json", {{"state": "finished", "monitor": "accuracy"}})
"""

ROOT = Path(__file__).resolve().parents[2]


def command(values: Mapping, folder: Path, mode: str = "run", seconds: float = 0.0) -> list[str]:
    """The command of a run whose accuracy is the setting `rate`."""
    program = PROGRAM.format(root=str(ROOT), seconds=seconds)
    return [sys.executable, "-c", program, str(folder), str(values["rate"]), mode]
