r"""Fine-tunes BERT on your rows.

    keras-bert finetune --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --label=label --output=runs/sst2
    keras-bert finetune --task=regress --train=sts/train.tsv --dev=sts/dev.tsv --text=sentence1 \
        --text_pair=sentence2 --label=score --output=runs/stsb
    keras-bert finetune --flagfile=runs/sst2/flags.txt --seed=2 --output=runs/sst2-again

Without flags it fine-tunes the `minilm` weights on the embedded `library_docs`. Into --output it writes `model/`
(the best epoch, a Hugging Face folder with a model card), `metrics.json`, `log.csv`, `curves.png`, `confusion.png`,
`tensorboard/`, and `flags.txt`, which --flagfile reads back.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.program import flag_lines, run_program
from keras_bert.scripts.run_folder import run_folder, worker_folder
from keras_bert.scripts.task_kinds import KINDS, TaskKind, kind_module, kind_modules, refuse_flags_of_others

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.task import BertTask

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
flags.DEFINE_enum("pooling", None, ["pooler", "cls", "mean", "max"], "What the head reads; by default BERT's pooler.")
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
flags.DEFINE_bool("overwrite", False, "Replace what an earlier run left in --output.")
flags.DEFINE_bool("tensorboard", False, "Write TensorBoard logs.")
flags.DEFINE_bool("plots", True, "Draw curves.png and confusion.png.")
flags.DEFINE_bool("dry_run", False, "Read and check everything, train two steps, write nothing.")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], row_flags, *kind_modules())


def main() -> None:
    """Fine-tunes as the flags say, and prints the metrics."""
    if metrics := finetune():
        print(json.dumps(metrics))


def finetune() -> dict[str, Any]:
    """Fine-tunes as the flags say.

    Returns:
        What `metrics.json` holds: `seconds`, `epochs`, `best_epoch`, and the scores on `dev` and `test`; nothing for a
        dry run.
    """
    import keras
    import tensorflow as tf

    from keras_bert.files import check_target
    from keras_bert.training import adamw, freeze, is_chief, make_strategy

    began = time.monotonic()
    _check_flags()
    if is_chief():
        check_target(FLAGS.output, FLAGS.overwrite)
    # Before the first tensor is made: a cluster cannot be joined later.
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    keras.utils.set_random_seed(FLAGS.seed)
    kind = KINDS[FLAGS.task]
    train = kind.read(FLAGS.train)
    labels = kind.labels(train)
    parts = {"train": train}
    for part in ("dev", "test"):
        if source := _source(part):
            parts[part] = kind.read(source, labels)
    for part, rows in parts.items():
        print(f"{part + ':':7} {int(rows.cardinality()):,} rows of {_source(part)}")
    device = "TPU" if FLAGS.strategy == "tpu" else "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(f"device: {device}{f', {replicas} replicas' if (replicas := strategy.num_replicas_in_sync) > 1 else ''}")
    if labels:
        print(f"labels: {', '.join(labels[:12])}{f', ... ({len(labels)})' if len(labels) > 12 else ''}", flush=True)

    with strategy.scope():
        task = kind.build(_checkpoint(), train, labels)
        batches = task.batches(train, FLAGS.batch_size, shuffle=True, seed=FLAGS.seed)
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
        )
        task.compile(optimizer, **({} if FLAGS.xla == "auto" else {"jit_compile": FLAGS.xla == "on"}))
    if FLAGS.dry_run:
        task.fit(batches.take(2), verbose=0)
        print(f"dry run: all is well; {int(batches.cardinality())} steps an epoch, nothing written to {FLAGS.output}")
        return {}
    with run_folder(FLAGS.output, FLAGS.overwrite) if is_chief() else worker_folder() as folder:
        try:
            return _train(task, batches, parts, folder, began)
        except KeyboardInterrupt:
            if (folder / "model").is_dir():
                logging.warning("%s holds the best epoch so far", folder / "model")
            raise


def _check_flags() -> None:
    """Refuses flags that do not go together, and a run whose scores or pictures could not be made at its end."""
    from keras_bert.evaluation.extras import import_extra

    refuse_flags_of_others(FLAGS.task)
    KINDS[FLAGS.task].check_flags()
    if FLAGS.early_stopping and not _source("dev"):
        raise InputError("--early_stopping needs --dev, rows to measure on")
    if _source("dev") or _source("test"):
        import_extra(KINDS[FLAGS.task].scored_by)
    if FLAGS.plots:
        import_extra("matplotlib.figure")
    if FLAGS.tensorboard:
        import_extra("tensorboard")


def _train(
    task: BertTask, batches: tf.data.Dataset, parts: dict[str, tf.data.Dataset], folder: Path, began: float
) -> dict[str, Any]:
    """Trains, leaves everything in the folder of the run, and returns the metrics."""
    from keras_bert.checkpoints import open_checkpoint

    kind = KINDS[FLAGS.task]
    lines = flag_lines(sys.modules[__name__], row_flags, kind_module(kind), leave_out=("overwrite", "dry_run"))
    (folder / "flags.txt").write_text(lines, encoding="utf-8")
    card = _card(parts)

    def save() -> None:
        task.save_preset(folder / "model", overwrite=True, card=card)

    callbacks, best = _callbacks(task, parts.get("dev"), folder, save)
    history = task.fit(batches, epochs=FLAGS.epochs, verbose=1 if sys.stdout.isatty() else 2, callbacks=callbacks)
    if best is not None and best.best_epoch != len(history.epoch):
        logging.info("going back to epoch %d, the best one", best.best_epoch)
        task.load_checkpoint(open_checkpoint(folder / "model"))

    metrics: dict[str, Any] = {"seconds": round(time.monotonic() - began, 1), "epochs": len(history.epoch)}
    if best is not None:
        metrics["best_epoch"] = best.best_epoch
    for part in ("dev", "test"):
        if part in parts:
            metrics[part] = task.evaluate_rows(parts[part], FLAGS.eval_batch_size)
            card["metrics"].update({f"{part} {name}": value for name, value in metrics[part].items()})
    save()
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if FLAGS.plots:
        _plots(kind, task, parts.get("test", parts.get("dev")), history.history, folder)
    return metrics


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


def _callbacks(task: BertTask, dev: tf.data.Dataset | None, output: Path, save: Any) -> tuple[list[Any], Any]:
    import keras

    from keras_bert.training import EvaluateRows, SaveBest

    callbacks: list[Any] = [keras.callbacks.LambdaCallback(on_epoch_end=_refuse_nan)]
    best = None
    if dev is not None:
        monitor = f"val_{task.monitor}"
        best = SaveBest(save, monitor, "max")
        callbacks += [EvaluateRows(lambda: task.evaluate_rows(dev, FLAGS.eval_batch_size)), best]
        if FLAGS.early_stopping:
            callbacks.append(keras.callbacks.EarlyStopping(monitor, patience=FLAGS.early_stopping, mode="max"))
    callbacks.append(keras.callbacks.CSVLogger(str(output / "log.csv")))
    if FLAGS.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(str(output / "tensorboard"), update_freq=50))
    return callbacks, best


def _refuse_nan(epoch: int, logs: dict[str, Any]) -> None:
    if not math.isfinite(logs["loss"]):
        raise InputError(f"epoch {epoch + 1}: the loss is {logs['loss']}; lower --learning_rate or raise --warmup")


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
