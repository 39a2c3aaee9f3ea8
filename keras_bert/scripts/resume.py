"""What the training programs share to go on where a run was stopped: flags, folders, and how they take their leave."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.files import check_target, write_file
from keras_bert.scripts.program import INTERRUPTED, TERMINATED
from keras_bert.scripts.run_folder import remove_earlier, run_folder, worker_folder

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from keras_bert.tasks import BertTask
    from keras_bert.training import RunState, RunStatus

FLAGS = flags.FLAGS

flags.DEFINE_enum(
    "resume", "auto", ["auto", "never"], "auto: go on from the checkpoints in --output, if there are any."
)
flags.DEFINE_bool("overwrite", False, "Start anew and replace what an earlier run left in --output.")
flags.DEFINE_integer("checkpoint_steps", 500, "Steps between two checkpoints to resume from.", lower_bound=1)
flags.DEFINE_integer("keep_checkpoints", 3, "Checkpoints to keep.", lower_bound=1)
flags.DEFINE_enum(
    "on_nan", "stop", ["stop", "skip"], "A step whose loss or gradient is no number: stop, or leave the step out."
)
flags.DEFINE_integer("accumulate", 1, "Compute each batch in so many parts; takes less memory.", lower_bound=1)
flags.DEFINE_bool(
    "gradient_checkpointing",
    False,
    "Compute each block twice, to keep less in memory; takes a third more time.",
)
flags.DEFINE_bool(
    "profile", False, "Train some 20 steps, print where their time goes (input, forward, backward, update), and end."
)
flags.DEFINE_enum(
    "static_shapes",
    "auto",
    ["auto", "on", "off"],
    "Batches of one number of rows and of few widths, for which XLA compiles once each; auto: under --strategy=tpu.",
)
flags.DEFINE_list(
    "workers", None, "For --strategy=multi_worker, unless TF_CONFIG says it: HOST:PORT of each worker, the chief first."
)
flags.DEFINE_integer("worker", None, "Which of --workers this one is, from 0.")
flags.DEFINE_float("stall_seconds", 300.0, "Warn when a step takes longer than this.", lower_bound=1.0)


def shaped(batches: tf.data.Dataset, task: BertTask) -> tf.data.Dataset:
    """Gives training batches static shapes where the flags ask for it."""
    from keras_bert.data.batching.static_shapes import bucket_widths, static_shapes

    if FLAGS.static_shapes == "off" or (FLAGS.static_shapes == "auto" and FLAGS.strategy != "tpu"):
        return batches
    widths = bucket_widths(task.preprocessor.max_length)
    return static_shapes(batches, FLAGS.batch_size, widths, task.tokenizer.pad_token_id)


def join_workers() -> None:
    """Tells TensorFlow of `--workers`; comes before everything that asks who the chief is.

    Raises:
        InputError: One flag without the other, or without its strategy; or as `name_workers`.
    """
    from keras_bert.training import name_workers

    if FLAGS.workers is None and FLAGS.worker is None:
        return
    if FLAGS.strategy != "multi_worker":
        raise InputError("--workers and --worker are for --strategy=multi_worker")
    if FLAGS.workers is None or FLAGS.worker is None:
        raise InputError("--workers, the same for all, goes with --worker, the number of this one")
    name_workers(FLAGS.workers, FLAGS.worker)


def resumes(folder: Path) -> bool:
    """Tells whether the run goes on from what is in its folder; if it does not, the folder must be free for it.

    Raises:
        InputError: The folder holds something that is not to be replaced.
    """
    from keras_bert.training import is_chief

    if FLAGS.resume == "auto" and not FLAGS.overwrite and (folder / "checkpoints").is_dir():
        return True
    if is_chief():
        check_target(folder, FLAGS.overwrite, tensorflow=True)
    return False


@contextlib.contextmanager
def folder_of_run(folder: Path, resumed: bool) -> Iterator[Path]:
    """Makes the folder that this process writes to: the run's own for the chief, and one that is thrown away else."""
    from keras_bert.training import is_chief

    if not is_chief():
        with worker_folder() as own:
            yield own
    elif resumed:
        yield folder
        remove_earlier(folder)
    else:
        with run_folder(folder, FLAGS.overwrite) as own:
            yield own


def restored_state(model: keras.Model, folder: Path, resumed: bool, lines: str, keep_metrics: bool) -> RunState:
    """Makes the state of a run, takes up the newest checkpoint, and writes down the flags.

    Args:
        model: Compiled.
        folder: Where this process writes.
        resumed: Go on from the checkpoints in `--output`, which are the chief's.
        lines: The text of `flags.txt`.
        keep_metrics: See `RunState`.
    """
    from keras_bert.training import RunState

    state = RunState(folder / "checkpoints", FLAGS.checkpoint_steps, FLAGS.keep_checkpoints, keep_metrics)
    if state.restore(model, Path(FLAGS.output) / "checkpoints" if resumed else None):
        print(f"going on after step {state.place['steps']:,}", flush=True)
        earlier = Path(FLAGS.output, "flags.txt")
        known = earlier.read_text(encoding="utf-8").splitlines() if earlier.is_file() else []
        if changed := sorted(set(lines.splitlines()) - set(known)):
            logging.warning("the run goes on with other flags than before: %s", " ".join(changed))
    write_file(folder / "flags.txt", lines)
    return state


def leave_if_stopped(state: RunState, status: RunStatus, program: str) -> None:
    """Ends the program with the exit status of a shell if a signal has stopped the training."""
    if state.stopped_by is None:
        return
    status.write("stopped")
    name = signal.Signals(state.stopped_by).name
    print(
        f"stopped by {name} after step {state.place['steps']:,}; "
        f"keras-bert {program} --flagfile={FLAGS.output}/flags.txt goes on from there",
        file=sys.stderr,
    )
    sys.exit(TERMINATED if state.stopped_by == signal.SIGTERM else INTERRUPTED)


@contextlib.contextmanager
def lost_workers_named() -> Iterator[None]:
    """Says in one line what a failed operation between workers means.

    Raises:
        InputError: Another worker has gone.
    """
    import tensorflow as tf

    lost = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    try:
        yield
    except lost as error:
        if FLAGS.strategy != "multi_worker":
            raise
        raise InputError(
            f"another worker has gone ({' '.join(str(error).split())[:160]}); start all workers again with the same "
            "flags: the run goes on from its last checkpoint"
        ) from error
