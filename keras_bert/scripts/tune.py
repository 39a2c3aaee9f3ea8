r"""Tries settings of `keras-bert finetune`, and keeps the best model.

    keras-bert tune --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --output=runs/tuned
    keras-bert tune --space='learning_rate=1e-5..1e-4:log,batch_size=16|32,epochs=2..4' --trials=20 \
        --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --output=runs/tuned
    keras-bert tune --flagfile=runs/tuned/tune.txt --trials=40              (goes on with the study)
    keras-bert finetune --flagfile=runs/tuned/flags.txt --output=runs/best  (repeats the best trial)

Without --space it is the grid of the BERT paper (appendix A.3): batches of 16 and 32, rates of 5e-5, 3e-5 and 2e-5,
2, 3 and 4 epochs. With it, the first trial is the flags as they stand, where the space holds them; then Optuna proposes
(the extra `tune`). All flags of `finetune` are taken. Each trial is a process, in OUTPUT/trials/0007 with what it says
in 0007.log; one that is worse than the median of the others after an epoch is stopped (--noprune: none is).

Into --output it writes `model/` (that of the best trial), `metrics.json`, `flags.txt`, `trials.csv`, `study.json`, and
pictures: `history.png`, `importance.png`, `parallel.png`. Ctrl-C, SIGTERM or a kill lose nothing: the same command goes
on, also within a trial, and ends with the same study.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import finetune, training_flags
from keras_bert.scripts.flag_file import flag_lines
from keras_bert.scripts.program import run_program
from keras_bert.scripts.task_kinds import KINDS, flag_modules, kind_modules

if TYPE_CHECKING:
    from keras_bert.tuning import Choice, Range, Study, Trial
    from keras_bert.tuning.space import Value

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "space", None, "What is tried: NAME=LOW..HIGH, NAME=LOW..HIGH:log, NAME=A|B|C, with commas between; see above."
)
flags.DEFINE_integer("trials", None, "Trials in all, earlier ones among them; 20, of the grid as many as it has.", 1)
flags.DEFINE_integer("jobs", 1, "Trials at a time, each a process.", lower_bound=1)
flags.DEFINE_bool("prune", True, "Stop a trial that is worse than the median of the others after as many epochs.")
flags.DEFINE_bool("keep_trials", False, "Keep the models of all trials, in place of the best one's alone.")

training_flags.set_defaults(output="runs/tuned")

GRID = "batch_size=16|32,learning_rate=5e-5|3e-5|2e-5,epochs=2|3|4"
"""Devlin et al. 2018, arXiv:1810.04805, appendix A.3."""

_TRIALS = 20
_NOT_TRIED = ("output", "overwrite", "resume", "dry_run", "profile", "strategy", "worker", "workers", "tpu", "seeds")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], *finetune.shared_modules(), *kind_modules())


def main() -> None:
    """Tries settings as the flags say."""
    from keras_bert.evaluation.extras import import_extra
    from keras_bert.files import write_file
    from keras_bert.tuning import tune
    from keras_bert.tuning.plots import plot_study
    from keras_bert.tuning.report import table, told, write_trials

    import_extra("optuna", "tune")
    space = _space()
    folder = Path(FLAGS.output)
    _check_flags(folder)
    if FLAGS.overwrite:
        shutil.rmtree(folder / "trials", ignore_errors=True)
        (folder / "study.json").unlink(missing_ok=True)
    (folder / "trials").mkdir(parents=True, exist_ok=True)
    study, trials = _study(folder, space)
    if study.trials:
        print(f"going on after {sum(trial.state != 'running' for trial in study.trials)} trials", flush=True)
    modules = [*finetune.shared_modules(), *flag_modules(KINDS[FLAGS.task])]
    left_out = (*finetune.LEFT_OUT, "output", "resume", "seeds", *space)
    write_file(folder / "trials" / "flags.txt", flag_lines(*modules, leave_out=left_out))
    write_file(folder / "tune.txt", flag_lines(sys.modules[__name__], *modules, leave_out=(*finetune.LEFT_OUT, *space)))

    def ended(trial: Trial) -> None:
        print(told(trial, trials), flush=True)
        write_trials(study, folder / "trials.csv")

    settings: dict[str, Any] = {"jobs": FLAGS.jobs, "prune": FLAGS.prune, "keep_models": FLAGS.keep_trials}
    best = tune(study, _command, folder / "trials", trials, on_end=ended, **settings)
    write_trials(study, folder / "trials.csv")
    _keep(folder, best)
    if FLAGS.plots:
        plot_study(study, folder)
    print(f"\n{table(study)}\n")
    states = [trial.state for trial in study.trials]
    counts = {state: states.count(state) for state in ("complete", "pruned", "failed")}
    print(
        to_json({"trials": len(states), **counts, "best": {"trial": best.number, "values": best.values, **best.facts}})
    )


def _space() -> dict[str, Range | Choice]:
    """Returns what --space says, each a flag that takes such values."""
    from keras_bert.tuning import Range, parse_space

    space = parse_space(FLAGS.space or GRID)
    modules = [*finetune.shared_modules(), *flag_modules(KINDS[FLAGS.task])]
    known = {flag.name: flag for module in modules for flag in FLAGS.get_flags_for_module(module.__name__)}
    for name, values in space.items():
        if name not in known or name in _NOT_TRIED:
            raise InputError(f"--space: {name} is no flag of finetune --task={FLAGS.task} that can be tried")
        if known[name].present:
            raise InputError(f"--space tries {name}, which is given as well, --{name}; leave one out")
        if isinstance(values, Range) and known[name].flag_type() not in ("float", "int"):
            raise InputError(f"--space: {name} takes no range of numbers; name its values, {name}=A|B")
        if isinstance(values, Range) and known[name].flag_type() == "int" and not values.whole:
            raise InputError(f"--space: {name} takes whole numbers: {name}={values.low:.0f}..{values.high:.0f}")
        for value in (values.low, values.high) if isinstance(values, Range) else values.values:
            try:
                known[name].parser.parse(f"{value:.0f}" if isinstance(values, Range) and values.whole else str(value))
            except ValueError as error:
                raise InputError(f"--space: {name}={value}: {error}") from None
    return space


def _check_flags(folder: Path) -> None:
    from keras_bert.files import check_target

    for name in ("dry_run", "profile"):
        if FLAGS[name].value:
            raise InputError(f"--{name} is for keras-bert finetune; here every trial is a run")
    if FLAGS.strategy == "multi_worker":
        raise InputError("--strategy=multi_worker: a trial is a process of this machine; use --jobs")
    if FLAGS.seeds != 1:
        raise InputError("--seeds is for keras-bert finetune; give it the best settings, --flagfile=OUTPUT/flags.txt")
    if not finetune.source_of("dev"):
        raise InputError("--dev is missing: rows to compare the settings by")
    if FLAGS.overwrite or not (folder / "study.json").is_file():
        check_target(folder, FLAGS.overwrite)


def _study(folder: Path, space: Mapping[str, Range | Choice]) -> tuple[Study, int]:
    """Opens the study, and tells how many trials it is to have."""
    from keras_bert.training.runs.save_best import mode_of
    from keras_bert.tuning import Choice, Study
    from keras_bert.tuning.study import grid

    if FLAGS.space is None:
        first = grid({name: values for name, values in space.items() if isinstance(values, Choice)})
    else:
        own: dict[str, Any] = {name: FLAGS[name].value for name in space}
        first = [own] if all(values.holds(own[name]) for name, values in space.items()) else []
    trials = FLAGS.trials or (len(first) if FLAGS.space is None else _TRIALS)
    mode = mode_of(FLAGS.monitor or _own_monitor())
    return Study(folder / "study.json", space, mode, FLAGS.seed, first, parallel=FLAGS.jobs > 1), trials


def _own_monitor() -> str:
    """Returns the score that makes an epoch the best where --monitor does not say so."""
    from keras_bert import tasks

    return str(getattr(tasks, KINDS[FLAGS.task].task_class).monitor)


def _command(values: Mapping[str, Value], folder: Path) -> list[str]:
    """Returns the command of a trial."""
    given = [f"--{name}={value}" for name, value in values.items()]
    start = [sys.executable, "-m", "keras_bert.scripts.finetune", f"--flagfile={folder.parent}/flags.txt"]
    return [*start, *given, "--seeds=1", "--resume=auto", f"--output={folder}"]


def _keep(folder: Path, best: Trial) -> None:
    """Puts what the best trial left where a run would have it."""
    from keras_bert.files import atomic_folder, write_file
    from keras_bert.scripts.flag_file import HEAD

    source = folder / "trials" / f"{best.number:04d}"
    with atomic_folder(folder / "model", overwrite=True) as temporary:
        shutil.copytree(source / "model", temporary, dirs_exist_ok=True)
    for name in ("metrics.json", "log.csv"):
        write_file(folder / name, (source / name).read_bytes())
    lines = (source / "flags.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines[1:] if not line.startswith(("--output=", "--resume="))]
    write_file(folder / "flags.txt", "\n".join([HEAD, *kept]) + "\n")


if __name__ == "__main__":
    run()
