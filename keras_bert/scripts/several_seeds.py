"""`finetune --seeds=5`: the same run with several seeds, their mean and spread, and the best of them."""

from __future__ import annotations

import shutil
import statistics
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts.flag_file import flag_lines

FLAGS = flags.FLAGS


def run_seeds(modules: Sequence[types.ModuleType], leave_out: Sequence[str]) -> dict[str, Any]:
    """Runs --seeds runs, each a process in OUTPUT/seeds, and goes on with those that were stopped.

    Args:
        modules: Those with the flags of a run.
        leave_out: Flags that a run does not take from this one.

    Returns:
        What `metrics.json` of OUTPUT holds: `seeds`, `best_seed`, and for `dev` and `test` each score's `mean`, sample
        standard deviation `std`, and the values `each`, in the order of the seeds.

    Raises:
        InputError: OUTPUT holds something else, or a run failed.
    """
    from keras_bert.files import check_target, write_file
    from keras_bert.foreign_files import read_json
    from keras_bert.tuning.run_process import RunProcess

    folder = Path(FLAGS.output)
    for name in ("dry_run", "profile"):
        if FLAGS[name].value:
            raise InputError(f"--{name} is for one run; leave out --seeds")
    if FLAGS.strategy == "multi_worker":
        raise InputError("--seeds: its runs are processes of this machine; --strategy=multi_worker takes one seed")
    if FLAGS.overwrite or not (folder / "seeds").is_dir():
        check_target(folder, FLAGS.overwrite)
    if FLAGS.overwrite:
        shutil.rmtree(folder / "seeds", ignore_errors=True)
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    lines = flag_lines(*modules, leave_out=(*leave_out, "output", "resume", "seed", "seeds"))
    flag_file = folder / "seeds" / "flags.txt"
    if flag_file.is_file() and flag_file.read_text(encoding="utf-8") != lines and FLAGS.resume != "changed":
        raise InputError(f"{flag_file}: the runs there have other flags than these; replace them, --overwrite")
    write_file(flag_file, lines)
    found = {}
    for seed in range(FLAGS.seed, FLAGS.seed + FLAGS.seeds):
        own = folder / "seeds" / str(seed)
        start = [sys.executable, "-m", "keras_bert.scripts.finetune", f"--flagfile={flag_file}"]
        run = RunProcess([*start, f"--seed={seed}", "--seeds=1", f"--resume={FLAGS.resume}", f"--output={own}"], own)
        try:
            metrics = run.wait()
        except BaseException:  # Ctrl-C, SIGTERM: the run saves and ends
            run.close()
            raise
        if metrics is None:
            raise InputError(f"seed {seed}: {run.last_words.partition('error: ')[2] or run.last_words}; see {run.log}")
        found[seed] = metrics
        scores = ", ".join(f"{name} {value:.4f}" for name, value in metrics.get("dev", {}).items())
        print(f"seed {seed}: {scores or 'trained, no dev rows to score'}", flush=True)
    status = read_json(folder / "seeds" / str(FLAGS.seed) / "status.json") or {}
    summary = summarize(found, status.get("monitor") if "dev" in found[FLAGS.seed] else None)
    _keep(folder, summary)
    write_file(folder / "metrics.json", to_json(summary, indent=2) + "\n")
    return summary


def summarize(found: Mapping[int, Mapping[str, Any]], monitor: str | None) -> dict[str, Any]:
    """Returns mean and spread of each score; see `run_seeds`.

    Args:
        found: Seed → its `metrics.json`.
        monitor: The score that decides which seed is the best; None takes the first seed.

    Example:
        >>> summarize({1: {"dev": {"f1": 0.5}}, 2: {"dev": {"f1": 0.7}}}, "f1")["dev"]["f1"]["each"]
        [0.5, 0.7]
    """
    from keras_bert.training.runs.save_best import mode_of

    seeds = list(found)
    best = seeds[0]
    if monitor is not None:
        sign = 1 if mode_of(monitor) == "max" else -1
        best = max(seeds, key=lambda seed: sign * found[seed]["dev"][monitor])
    summary: dict[str, Any] = {"seeds": seeds, "best_seed": best}
    for part in ("dev", "test"):
        if all(part in metrics for metrics in found.values()):
            names = [name for name, value in found[best][part].items() if isinstance(value, int | float)]
            columns = {name: [float(metrics[part][name]) for metrics in found.values()] for name in names}
            summary[part] = {
                name: {"mean": statistics.fmean(each), "std": statistics.stdev(each), "each": each}
                for name, each in columns.items()
            }
    return summary


def _keep(folder: Path, summary: Mapping[str, Any]) -> None:
    """Puts the best seed's model where a run would have it, with a card that tells of all of them."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.tasks import open_task

    source = folder / "seeds" / str(summary["best_seed"]) / "model"
    checkpoint = open_checkpoint(source)
    card = dict(checkpoint.extra.get("card") or {})
    count = len(summary["seeds"])
    card["metrics"] = {
        f"{part} {name}, {count} seeds": f"{score['mean']:.4f} ± {score['std']:.4f}"
        for part in ("dev", "test")
        for name, score in summary.get(part, {}).items()
    }
    card["training"] = {**card.get("training", {}), "seed": f"{summary['best_seed']}, the best of {count}"}
    open_task(checkpoint).save_preset(folder / "model", overwrite=True, card=card)
