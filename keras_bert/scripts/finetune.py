r"""Fine-tunes BERT on your rows.

    keras-bert finetune --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --label=label --output=runs/sst2
    keras-bert finetune --task=regress --train=sts/train.tsv --dev=sts/dev.tsv --text=sentence1 \
        --text_pair=sentence2 --label=score --output=runs/stsb
    keras-bert finetune --flagfile=runs/sst2/flags.txt --seed=2 --output=runs/sst2-again

Without flags it fine-tunes the `minilm` weights on the embedded `library_docs`. Into --output it writes `model/`
(the best epoch, a Hugging Face folder with a model card), `metrics.json`, `log.csv`, `curves.png`, `confusion.png`,
`tensorboard/`, and `flags.txt`, which --flagfile reads back; `keras-bert status` shows how far it is.

After SIGTERM or Ctrl-C the step is ended and a checkpoint saved, and the exit status is 143 or 130; the same command,
or --flagfile=runs/mine/flags.txt, goes on from there. So it does after a crash, from the last of --checkpoint_steps.
"""

from __future__ import annotations

import functools
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError, one_line
from keras_bert.escaping import to_json
from keras_bert.files import write_file
from keras_bert.scripts import resume, row_flags
from keras_bert.scripts.program import flag_lines, run_program
from keras_bert.scripts.task_kinds import KINDS, kind_module, kind_modules, refuse_flags_of_others
from keras_bert.scripts.task_kinds.task_kind import TaskKind

if TYPE_CHECKING:
    from collections.abc import Callable

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.base.task import BertTask
    from keras_bert.training import EpochRun, RunState, RunStatus

FLAGS = flags.FLAGS

# What to learn
flags.DEFINE_enum("task", "classify", list(KINDS), "What is to be learnt; some flags are for one of them only.")
flags.DEFINE_string("train", "library_docs:train", "Rows to train on: a file, tfds:NAME, or library_docs.")
flags.DEFINE_string("dev", None, "Rows to choose the best epoch by; for library_docs its own by default.")
flags.DEFINE_string("test", None, "Rows to score once, with the best epoch.")

# What to start from
flags.DEFINE_string("preset", "minilm", "Weights: a folder of any known format, hf://org/name, kaggle://..., minilm.")
flags.DEFINE_string("config", None, "In place of --preset: a config.json to start from random weights.")
flags.DEFINE_string("vocabulary", None, "The vocab.txt, or tokenizer folder, that goes with --config.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default as the preset does, True with --config.")
flags.DEFINE_enum(
    "pooling",
    None,
    ["pooler", "cls", "mean", "max", "markers"],
    "What the head reads; by default BERT's pooler. markers: <e1> and <e2> in the text, before the two entities.",
)
flags.DEFINE_bool("new_pooler", False, "Start the pooler afresh.")
flags.DEFINE_integer("freeze_blocks", None, "Keep the embeddings and this many of the lowest blocks as they are.")

# How the text goes in
flags.DEFINE_integer("max_length", 128, "Longest input in tokens; more is cut off.")
flags.DEFINE_enum(
    "truncation", None, ["longest_first", "only_first", "only_second"], "Which text of a pair is cut; longest_first."
)

# How to train
flags.DEFINE_integer("epochs", 3, "Passes over the training rows.", lower_bound=1)
flags.DEFINE_integer("batch_size", 32, "Rows a training step.", lower_bound=1)
flags.DEFINE_integer("eval_batch_size", 64, "Rows a batch of evaluation.", lower_bound=1)
flags.DEFINE_float("learning_rate", 5e-5, "The peak learning rate.", lower_bound=0.0)
flags.DEFINE_float("warmup", 0.1, "Share of the steps in which the learning rate rises.")
flags.DEFINE_float("decay", 0.01, "Weight decay, not on biases and norms.", lower_bound=0.0)
flags.DEFINE_float("clip_norm", 1.0, "Clip the gradients to this global norm; 0 for no clipping.", lower_bound=0.0)
flags.DEFINE_float("layer_decay", None, "Factor on the learning rate for each block below the head.")
flags.DEFINE_integer(
    "early_stopping", 0, "Stop after this many epochs without a better score; 0: never.", lower_bound=0
)
flags.DEFINE_integer("evaluations_per_epoch", 1, "How often an epoch is scored on --dev.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of everything random.")
flags.DEFINE_enum(
    "dtype_policy",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "Numbers to compute in; mixed_bfloat16 is faster where the processor has it.",
)
flags.DEFINE_enum("xla", "auto", ["auto", "on", "off"], "Compile with XLA; auto: where there is a GPU or TPU.")
flags.DEFINE_enum("strategy", "none", ["none", "mirrored", "multi_worker", "tpu"], "Devices to train on.")
flags.DEFINE_string("tpu", "", "Name or address of the TPU, for --strategy=tpu.")

# What to leave behind
flags.DEFINE_string("output", "runs/library_docs", "Folder of the run.")
flags.DEFINE_bool("tensorboard", False, "Write TensorBoard logs.")
flags.DEFINE_bool("plots", True, "Draw curves.png and confusion.png.")
flags.DEFINE_bool("dry_run", False, "Read and check everything, train two steps, write nothing.")


LEFT_OUT = ("overwrite", "dry_run", "worker")
"""Flags that `flags.txt` does not hold."""


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], row_flags, resume, *kind_modules())


def main() -> None:
    """Fine-tunes as the flags say, and prints the metrics."""
    if metrics := finetune():
        print(to_json(metrics))


def finetune() -> dict[str, Any]:
    """Fine-tunes as the flags say.

    Returns:
        What `metrics.json` holds: `seconds`, `epochs`, `best_epoch`, `best_step`, and the scores on `dev` and `test`;
        nothing for a dry run or a profile.
    """
    import keras
    import tensorflow as tf

    from keras_bert.training import adamw, freeze, make_strategy, profile_step

    _check_flags()
    resume.join_workers()
    folder = Path(FLAGS.output)
    resumed = not FLAGS.profile and resume.resumes(folder)
    # Before the first tensor is made: a cluster cannot be joined later.
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    keras.utils.set_random_seed(FLAGS.seed)
    kind = KINDS[FLAGS.task]
    train = kind.read(FLAGS.train)
    labels = kind.labels(train)
    sources = {part: source for part in ("train", "dev", "test") if (source := _source(part))}
    parts = {part: train if part == "train" else kind.read(source, labels) for part, source in sources.items()}
    for part, rows in parts.items():
        print(f"{part + ':':7} {int(rows.cardinality()):,} rows of {sources[part]}")
    device = "TPU" if FLAGS.strategy == "tpu" else "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(f"device: {device}{f', {replicas} replicas' if (replicas := strategy.num_replicas_in_sync) > 1 else ''}")
    if labels:
        shown = one_line(", ".join(labels[:12]), 1000)
        print(f"labels: {shown}{f', ... ({len(labels)})' if len(labels) > 12 else ''}", flush=True)

    with strategy.scope():
        task = kind.build(_checkpoint(), train, labels)
        for part, rows in parts.items():
            kind.check_rows(task, sources[part], rows)
        task.encoder.gradient_checkpointing = FLAGS.gradient_checkpointing
        batches = _batches(task, train, 0)
        if FLAGS.freeze_blocks is not None:
            freeze(task.encoder, FLAGS.freeze_blocks)
        optimizer = adamw(
            FLAGS.learning_rate,
            steps=int(batches.cardinality()) * FLAGS.epochs,
            warmup=FLAGS.warmup,
            decay=FLAGS.decay,
            clip_norm=FLAGS.clip_norm or None,
            layer_decay=FLAGS.layer_decay,
            num_hidden_layers=task.encoder.config.num_hidden_layers,
            skip_nonfinite=True,
        )
        xla = {} if FLAGS.xla == "auto" else {"jit_compile": FLAGS.xla == "on"}
        task.compile(optimizer, accumulate=FLAGS.accumulate, **xla)
    if FLAGS.dry_run:
        task.fit(batches.take(2), verbose=0)
        print(f"dry run: all is well; {int(batches.cardinality())} steps an epoch, nothing written to {FLAGS.output}")
        return {}
    if FLAGS.profile:
        print(profile_step(task, batches))
        return {}
    with resume.folder_of_run(folder, resumed) as folder, resume.lost_workers_named():
        return _train(task, parts, folder, resumed)


def _check_flags() -> None:
    """Refuses flags that do not go together, and a run whose scores or pictures could not be made at its end."""
    from keras_bert.evaluation.extras import import_extra

    refuse_flags_of_others(FLAGS.task)
    KINDS[FLAGS.task].check_flags()
    if FLAGS.static_shapes == "on" and KINDS[FLAGS.task].compares_rows():
        raise InputError(
            "--static_shapes fills the last batch with copies, which --objective=ranking would take for negatives"
        )
    if FLAGS.early_stopping and not _source("dev"):
        raise InputError("--early_stopping needs --dev, rows to measure on")
    if FLAGS.evaluations_per_epoch > 1 and not _source("dev"):
        raise InputError("--evaluations_per_epoch needs --dev, rows to measure on")
    if _source("dev") or _source("test"):
        import_extra(KINDS[FLAGS.task].scored_by)
    if FLAGS.plots:
        import_extra("matplotlib.figure")
    if FLAGS.tensorboard:
        import_extra("tensorboard")


def _batches(task: BertTask, train: tf.data.Dataset, epoch: int) -> tf.data.Dataset:
    """Makes the batches of an epoch; they follow from the seed and its number alone."""
    made = task.batches(train, FLAGS.batch_size, shuffle=True, seed=FLAGS.seed * 100_003 + epoch)
    return made if KINDS[FLAGS.task].compares_rows() else resume.shaped(made, task)


def _train(task: BertTask, parts: dict[str, tf.data.Dataset], folder: Path, resumed: bool) -> dict[str, Any]:
    """Trains, leaves everything in the folder of the run, and returns the metrics."""
    from keras_bert.checkpoints import open_checkpoint

    kind = KINDS[FLAGS.task]
    lines = flag_lines(sys.modules[__name__], row_flags, resume, kind_module(kind), leave_out=LEFT_OUT)
    state = resume.restored_state(task, folder, resumed, lines, keep_metrics=True)
    card = _card(parts)

    def save() -> None:
        task.save_preset(folder / "model", overwrite=True, card=card)

    run, status = _epoch_run(task, parts, folder, state, save)
    state.before_leaving = functools.partial(resume.leave_if_stopped, state, status, "finetune")
    is_done = run.train()
    resume.leave_if_stopped(state, status, "finetune")
    assert is_done
    state.listen()
    try:
        best, last = run.best_row, run.rows[-1]
        if best is not None and best is not last:
            logging.info("going back to step %d, in epoch %d, the best one", best["step"], best["epoch"] + 1)
            # A worker that was resumed has no model of its own yet.
            own = folder if (folder / "model").is_dir() else Path(FLAGS.output)
            task.load_checkpoint(open_checkpoint(own / "model"))
        if "dev" in parts:
            kind.tune(task, parts["dev"])
        metrics: dict[str, Any] = {"seconds": round(state.seconds, 1), "epochs": last["epoch"] + 1}
        if best is not None:
            metrics |= {"best_epoch": best["epoch"] + 1, "best_step": best["step"]}
        for part in ("dev", "test"):
            if part in parts:
                metrics[part] = task.evaluate_rows(parts[part], FLAGS.eval_batch_size)
                card["metrics"].update({f"{part} {name}": value for name, value in metrics[part].items()})
        save()
    finally:
        state.stop_listening()
    write_file(folder / "metrics.json", to_json(metrics, indent=2) + "\n")
    if FLAGS.plots:
        _plots(kind, task, parts.get("test", parts.get("dev")), run.history, folder)
    status.write("finished")
    # The run is over: what it was to go on from takes three times the room of its model.
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return metrics


def _epoch_run(
    task: BertTask, parts: dict[str, tf.data.Dataset], folder: Path, state: RunState, save: Callable[[], None]
) -> tuple[EpochRun, RunStatus]:
    from keras_bert.training import EpochRun, RunStatus, WatchLoss, WatchStalls

    train, dev = parts["train"], parts.get("dev")
    status = RunStatus(folder / "status.json", state, int(_batches(task, train, 0).cardinality()) * FLAGS.epochs)

    def evaluate() -> dict[str, float]:
        scores = task.evaluate_rows(dev, FLAGS.eval_batch_size)
        status.note({f"val_{name}": float(value) for name, value in scores.items()})
        return scores

    run = EpochRun(
        task,
        state,
        lambda epoch: _batches(task, train, epoch),
        FLAGS.epochs,
        folder / "log.csv",
        evaluate=None if dev is None else evaluate,
        save=save,
        monitor=f"val_{task.monitor}",
        early_stopping=FLAGS.early_stopping,
        evaluations_per_epoch=FLAGS.evaluations_per_epoch,
        before=[WatchLoss(state, FLAGS.on_nan)],
        callbacks=[status, WatchStalls(state, FLAGS.stall_seconds)],
        tensorboard=folder / "tensorboard" if FLAGS.tensorboard else None,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    return run, status


def _source(part: str) -> str | None:
    """Returns where the rows of a part come from; the embedded data brings its own dev and test."""
    own = f"library_docs:{part}" if FLAGS.train.split(":")[0] == "library_docs" else None
    return FLAGS[part].value or own


def _checkpoint() -> Checkpoint:
    """Returns what to start from: --preset, or a checkpoint without weights from --config."""
    from keras_bert.checkpoints import open_checkpoint, without_weights

    if FLAGS.config is None:
        if FLAGS.vocabulary is not None:
            raise InputError("--vocabulary goes with --config; a preset brings its own")
        return open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase)
    if FLAGS.vocabulary is None:
        raise InputError("--config needs --vocabulary, the vocab.txt to cut text with")
    return without_weights(FLAGS.config, FLAGS.vocabulary, FLAGS.lowercase)


def _card(parts: dict[str, tf.data.Dataset]) -> dict[str, Any]:
    data = {part: f"{_source(part)}, {int(rows.cardinality())} rows" for part, rows in parts.items()}
    names = (
        "epochs",
        "batch_size",
        "learning_rate",
        "warmup",
        "decay",
        "clip_norm",
        "layer_decay",
        "max_length",
        "seed",
    )
    settings = {name: FLAGS[name].value for name in (*names, "dtype_policy", "strategy")}
    return {"preset": FLAGS.config or FLAGS.preset, "data": data, "metrics": {}, "training": settings}


def _plots(kind: TaskKind, task: BertTask, rows: tf.data.Dataset | None, history: dict[str, Any], output: Path) -> None:
    from keras_bert.evaluation import plot_curves

    plot_curves(history, output / "curves.png")
    if rows is not None:
        kind.plot(task, rows, output)


if __name__ == "__main__":
    run()
