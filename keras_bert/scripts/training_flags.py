"""The flags that the training programs share, and what they mean to a `keras_bert.training.Run`."""

from __future__ import annotations

import signal
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.files import write_file
from keras_bert.scripts.program import leave

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.tasks import BertTask
    from keras_bert.training import Run

FLAGS = flags.FLAGS

# How to train; the programs have defaults of their own for some of these
flags.DEFINE_integer("batch_size", 32, "Rows or examples a training step.", lower_bound=1)
flags.DEFINE_integer("eval_batch_size", 64, "Rows or examples a batch of evaluation.", lower_bound=1)
flags.DEFINE_float("learning_rate", 5e-5, "The peak learning rate.", lower_bound=0.0)
flags.DEFINE_float("warmup", 0.1, "Share of the run in which the learning rate rises.")
flags.DEFINE_float("decay", 0.01, "Weight decay, not on biases and norms.", lower_bound=0.0)
flags.DEFINE_float("clip_norm", 1.0, "Clip the gradients to this global norm; 0 for no clipping.", lower_bound=0.0)
flags.DEFINE_integer("seed", 0, "Of everything random.")
flags.DEFINE_enum(
    "on_nan", "stop", ["stop", "skip"], "A step whose loss or gradient is no number: stop, or leave the step out."
)

# Where and how to compute
flags.DEFINE_enum(
    "dtype_policy",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "Numbers to compute in; mixed_bfloat16 is faster where the processor has it.",
)
flags.DEFINE_enum("xla", "auto", ["auto", "on", "off"], "Compile with XLA; auto: where there is a GPU or TPU.")
flags.DEFINE_enum("strategy", "none", ["none", "mirrored", "multi_worker", "tpu"], "Devices to train on.")
flags.DEFINE_string("tpu", "", "Name or address of the TPU, for --strategy=tpu.")
flags.DEFINE_list(
    "workers", None, "For --strategy=multi_worker, unless TF_CONFIG says it: HOST:PORT of each worker, the chief first."
)
flags.DEFINE_integer("worker", None, "Which of --workers this one is, from 0.")
flags.DEFINE_integer("accumulate", 1, "Compute each batch in so many parts; takes less memory.", lower_bound=1)
flags.DEFINE_bool(
    "gradient_checkpointing",
    False,
    "Compute each block twice, to keep less in memory; takes a third more time.",
)
flags.DEFINE_enum(
    "static_shapes",
    "auto",
    ["auto", "on", "off"],
    "Batches of one number of rows and of few widths, for which XLA compiles once each; auto: under --strategy=tpu.",
)

# What to leave behind, and how to go on
flags.DEFINE_string("output", None, "Folder of the run.")
flags.DEFINE_enum(
    "resume",
    "auto",
    ["auto", "never", "changed"],
    "auto: go on from the checkpoints in --output, if there are any; changed: also with other rows or batches.",
)
flags.DEFINE_bool("overwrite", False, "Start anew and replace what an earlier run left in --output.")
flags.DEFINE_integer("checkpoint_steps", 500, "Steps between two checkpoints to resume from.", lower_bound=1)
flags.DEFINE_integer("keep_checkpoints", 3, "Checkpoints to keep.", lower_bound=1)
flags.DEFINE_float("stall_seconds", 300.0, "Warn when a step takes longer than this.", lower_bound=1.0)
flags.DEFINE_bool("tensorboard", False, "Write TensorBoard logs.")
flags.DEFINE_bool("plots", True, "Draw pictures, such as curves.png.")
flags.DEFINE_bool(
    "profile", False, "Train some 20 steps, print where their time goes (input, forward, backward, update), and end."
)


def set_defaults(**values: Any) -> None:
    """Gives flags the defaults that a program has for them."""
    for name, value in values.items():
        FLAGS.set_default(name, value)


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


def check_output() -> None:
    """Refuses an `--output` that holds something else, before anything is read or computed; an `InputError`."""
    from keras_bert.training import is_chief
    from keras_bert.training.runs.run_folder import goes_on

    if not FLAGS.profile and (FLAGS.strategy != "multi_worker" or is_chief()):
        goes_on(Path(FLAGS.output), FLAGS.overwrite, FLAGS.resume != "never")


def compile_options() -> dict[str, Any]:
    """Returns arguments of a task's `compile`."""
    xla = {} if FLAGS.xla == "auto" else {"jit_compile": FLAGS.xla == "on"}
    return {"accumulate": FLAGS.accumulate, **xla}


def shaped(batches: tf.data.Dataset, task: BertTask) -> tf.data.Dataset:
    """Gives training batches static shapes where the flags ask for it."""
    from keras_bert.data.batching.static_shapes import bucket_widths, static_shapes

    if FLAGS.static_shapes == "off" or (FLAGS.static_shapes == "auto" and FLAGS.strategy != "tpu"):
        return batches
    widths = bucket_widths(task.longest_row)
    return static_shapes(batches, FLAGS.batch_size, widths, task.tokenizer.pad_token_id)


def refuse_unequal_workers(strategy: tf.distribute.Strategy, data: dict[str, Any], *modules: types.ModuleType) -> None:
    """Refuses workers with other flags or other data than the chief, before a model is built on all of them.

    Args:
        strategy: That they train under.
        data: What tells their data from others, by name. Files may lie in other places.
        *modules: With the flags of the program.

    Raises:
        InputError: Names what differs.
    """
    from keras_bert.training.runs.between_workers import refuse_unequal_workers as refuse

    places = {"worker", "output", "train", "dev", "test", "text", "records", "data_dir", "preset", "config"}
    places |= {"teacher", "student", "cache"}
    places |= {"train_target", "dev_target", "test_target"}
    found = [flag for module in modules for flag in FLAGS.get_flags_for_module(module.__name__)]
    refuse(strategy, {**{f"--{flag.name}": flag.value for flag in found if flag.name not in places}, **data})


def told_apart(parts: dict[str, tf.data.Dataset]) -> dict[str, str]:
    """Returns what tells the rows of several workers from each other, by name; nothing for one process."""
    from keras_bert.training import data_fingerprint

    if FLAGS.strategy != "multi_worker":
        return {}
    return {f"the rows of --{part}": data_fingerprint(rows) for part, rows in parts.items()}


def make_adamw(steps: int, **options: Any) -> Any:
    """Makes the optimizer of the flags, for so many steps; `options` are more of `keras_bert.training.adamw`."""
    from keras_bert.training import adamw

    numbers = {"warmup": FLAGS.warmup, "decay": FLAGS.decay, "clip_norm": FLAGS.clip_norm or None}
    return adamw(FLAGS.learning_rate, steps=steps, skip_nonfinite=True, **numbers, **options)


def tried_out(model: Any, batches: tf.data.Dataset) -> bool:
    """Does what --dry_run or --profile asks for in place of a run, and tells whether one of them was given."""
    from keras_bert.training import profile_step

    if FLAGS.dry_run:
        model.fit(batches.take(2), verbose=0)
        print(f"dry run: all is well; {int(batches.cardinality())} steps an epoch, nothing written to {FLAGS.output}")
    elif FLAGS.profile:
        print(profile_step(model, batches))
    return FLAGS.dry_run or FLAGS.profile


def run_settings() -> dict[str, Any]:
    """Returns those settings of a `Run` that both programs have flags for."""
    names = ("batch_size", "eval_batch_size", "seed", "checkpoint_steps", "keep_checkpoints", "on_nan", "stall_seconds")
    settings = {name: FLAGS[name].value for name in (*names, "overwrite", "plots", "tensorboard")}
    return {**settings, "resume": FLAGS.resume}


def prepare(run: Run, program: str, lines: str) -> None:
    """Lets a run write down the flags, say that it goes on, and end the program when a signal has stopped it.

    Args:
        run: Not begun.
        program: `finetune`, `distill` or `pretrain`.
        lines: The text of `flags.txt`.
    """
    run.on_begin = lambda run: _note_flags(run, lines)
    run.on_stop = lambda run: _leave(run, program)


def _note_flags(run: Run, lines: str) -> None:
    steps = run.state.place["steps"]
    if steps:
        print(f"going on after step {steps:,}", flush=True)
        earlier = run.target / "flags.txt"
        known = earlier.read_bytes().decode("utf-8", "replace").splitlines() if earlier.is_file() else []
        # The first line, a comment, came later than the file.
        if changed := sorted(set(lines.splitlines()[1:]) - set(known)):
            logging.warning("the run goes on with other flags than before: %s", " ".join(changed))
    write_file(run.folder / "flags.txt", lines)


def _leave(run: Run, program: str) -> NoReturn:
    """Ends the program with the exit status of a shell."""
    assert run.stopped_by is not None
    print(
        f"stopped by {signal.Signals(run.stopped_by).name} after step {run.state.place['steps']:,}; "
        f"keras-bert {program} --flagfile={FLAGS.output}/flags.txt goes on from there",
        file=sys.stderr,
    )
    leave(128 + run.stopped_by)
