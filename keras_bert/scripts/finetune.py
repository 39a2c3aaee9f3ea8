r"""Fine-tunes BERT on your rows.

    keras-bert finetune --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --label=label --output=runs/sst2
    keras-bert finetune --task=regress --train=sts/train.tsv --dev=sts/dev.tsv --text=sentence1 \
        --text_pair=sentence2 --label=score --output=runs/stsb
    keras-bert finetune --lora_rank=8 --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --output=runs/sst2-lora
    keras-bert finetune --adversary=freelb --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --output=runs/free
    keras-bert finetune --privacy_epsilon=8 --privacy_delta=1e-5 --batch_size=1000 --accumulate=10 \
        --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --decay=0 --output=runs/sst2-private
    keras-bert finetune --flagfile=runs/sst2/flags.txt --seed=2 --output=runs/sst2-again
    keras-bert finetune --seeds=5 --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence --output=runs/sst2-seeds

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
import types
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError, one_line
from keras_bert.escaping import to_json
from keras_bert.scripts import (
    adapter_flags,
    adversary_flags,
    checkpoint_flags,
    long_text_flags,
    privacy_flags,
    row_flags,
    start_flags,
    training_flags,
)
from keras_bert.scripts.flag_file import flag_lines
from keras_bert.scripts.model_settings import row_settings
from keras_bert.scripts.prepared_train import (
    build,
    in_memory,
    prepared_train,
    refuse_with_prepared,
    rows_of,
    stream_folder,
    streamed_train,
)
from keras_bert.scripts.program import run_program
from keras_bert.scripts.random_weights import random_weights
from keras_bert.scripts.several_seeds import run_seeds
from keras_bert.scripts.task_kinds import KINDS, flag_modules, kind_modules, refuse_flags_of_others

if TYPE_CHECKING:
    from collections.abc import Callable

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.base.task import BertTask
    from keras_bert.training import Run

FLAGS = flags.FLAGS

# What to learn
flags.DEFINE_enum("task", "classify", list(KINDS), "What is to be learnt; some flags are for one of them only.")
flags.DEFINE_string("train", "library_docs:train", "Rows to train on: a file, tfds:NAME, or library_docs.")
flags.DEFINE_string("dev", None, "Rows to choose the best epoch by; for library_docs its own by default.")
flags.DEFINE_string("test", None, "Rows to score once, with the best epoch.")

flags.DEFINE_bool(
    "stream",
    False,
    "Do not hold the rows of --train, a file, a pattern or a list, in memory: they are written as examples beside "
    "--output first, as keras-bert prepare does.",
)

# What the head reads
flags.DEFINE_list(
    "pooling",
    None,
    "What the head reads: pooler, which is BERT's own and the default; cls, mean, max, mean_sqrt_len_tokens, "
    "weightedmean, lasttoken of the hidden states, for --task=embed several, joined; markers: <e1> and <e2> in the "
    "text, before the two entities.",
)
flags.DEFINE_integer(
    "layer", None, "Take the hidden states of this block, from 1, or from the last, -1; those above are left out."
)
flags.DEFINE_bool("new_pooler", False, "Start the pooler afresh.")
flags.DEFINE_integer("freeze_blocks", None, "Keep the embeddings and this many of the lowest blocks as they are.")

# How the text goes in
flags.DEFINE_integer("max_length", 128, "Longest input in tokens; more is cut off.")
flags.DEFINE_enum(
    "positions",
    None,
    ["trained", "hierarchical"],
    "For --max_length beyond the positions of the preset: hierarchical, more of them are made of those that there are.",
)
flags.DEFINE_enum(
    "truncation", None, ["longest_first", "only_first", "only_second"], "Which text of a pair is cut; longest_first."
)

# How to train
flags.DEFINE_integer("epochs", 3, "Passes over the training rows.", lower_bound=1)
flags.DEFINE_float("layer_decay", None, "Factor on the learning rate for each block below the head.")
flags.DEFINE_integer(
    "early_stopping", 0, "Stop after this many epochs without a better score; 0: never.", lower_bound=0
)
flags.DEFINE_integer("evaluations_per_epoch", 1, "How often an epoch is scored on --dev.", lower_bound=1)
flags.DEFINE_string(
    "monitor", None, "The score on --dev that makes an epoch the best, such as f1, matthews or loss; the task's own."
)

# What to leave behind
flags.DEFINE_integer(
    "seeds", 1, "Runs with so many seeds, from --seed on: mean and spread of the scores, and the best model.", 1
)
flags.DEFINE_bool("dry_run", False, "Read and check everything, train two steps, write nothing.")


training_flags.set_defaults(preset="minilm", output="runs/library_docs")

LEFT_OUT = ("overwrite", "dry_run", "worker")
"""Flags that `flags.txt` does not hold."""


def run() -> None:
    """Runs the program."""
    run_program(main, *shared_modules(), *kind_modules())


def main() -> None:
    """Fine-tunes as the flags say, and prints the metrics."""
    if metrics := finetune() if FLAGS.seeds == 1 else run_seeds(modules(), LEFT_OUT):
        print(to_json(metrics))


def finetune() -> dict[str, Any]:
    """Fine-tunes as the flags say.

    Returns:
        What `metrics.json` holds: `seconds`, `epochs`, `best_epoch`, `best_step`, and the scores on `dev` and `test`;
        nothing for a dry run or a profile.
    """
    import keras
    import tensorflow as tf

    from keras_bert.training import freeze, make_strategy, part_of_workers

    prepared = prepared_train()
    _check_flags()
    training_flags.join_workers()
    training_flags.check_output()
    # Before the first tensor is made: a cluster cannot be joined later.
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    if FLAGS.stream:
        prepared = streamed_train(modules())
    keras.utils.set_random_seed(FLAGS.seed)
    kind = KINDS[FLAGS.task]
    if prepared is None:
        train = kind.read_part("train", FLAGS.train)
        labels = kind.labels(train)
    else:
        train = prepared.of_part(*part_of_workers(strategy))
        labels = prepared.manifest.settings["labels"]
    sources = {part: source for part in ("train", "dev", "test") if (source := source_of(part))}
    parts = {part: train if part == "train" else rows_of(part, source, labels) for part, source in sources.items()}
    for part, rows in parts.items():
        print(f"{part + ':':7} {int(rows.cardinality()):,} rows of {sources[part]}")
    device = "TPU" if FLAGS.strategy == "tpu" else "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(f"device: {device}{f', {replicas} replicas' if (replicas := strategy.num_replicas_in_sync) > 1 else ''}")
    if labels:
        shown = one_line(", ".join(labels[:12]), 1000)
        print(f"labels: {shown}{f', ... ({len(labels)})' if len(labels) > 12 else ''}", flush=True)

    training_flags.refuse_unequal_workers(strategy, training_flags.told_apart(parts), *modules())
    with strategy.scope():
        task = adapter_flags.adapted(build(kind, _checkpoint(), train, labels))
        task.row_settings = row_settings()
        for part, rows in in_memory(parts).items():
            kind.check_rows(task, sources[part], rows)
        task.encoder.gradient_checkpointing = FLAGS.gradient_checkpointing
        batches = _batches(task, train, 0)
        if FLAGS.freeze_blocks is not None:
            freeze(task.encoder, FLAGS.freeze_blocks)
        steps = int(batches.cardinality()) * FLAGS.epochs
        optimizer = training_flags.make_adamw(
            steps,
            layer_decay=FLAGS.layer_decay,
            num_hidden_layers=task.encoder.config.num_hidden_layers,
        )
        ways = {
            "adversary": adversary_flags.settings(),
            "privacy": privacy_flags.budget(int(train.cardinality()), steps),
        }
        task.compile(optimizer, **ways, **training_flags.compile_options())
    epochs = _epochs(task, train)
    kind.describe(task, in_memory(parts))
    if training_flags.tried_out(task, batches if epochs is None else epochs(0)):
        metrics = {}
    else:
        metrics = _run(task, parts, epochs).train() or {}
    if FLAGS.stream:
        shutil.rmtree(stream_folder())
    if prepared is not None and train.parts > 1:
        shown = f"worker {train.part} of {train.parts} read {train.examples_read:,} of the examples"
        logging.info("%s; an epoch has %s", shown, f"{train.cardinality():,}")
    return metrics


def _check_flags() -> None:
    """Refuses flags that do not go together, and a run whose scores or pictures could not be made at its end."""
    from keras_bert.evaluation.extras import import_extra

    refuse_flags_of_others(FLAGS.task)
    KINDS[FLAGS.task].check_flags()
    adapter_flags.check_flags()
    adversary_flags.check_flags()
    privacy_flags.check_flags()
    refuse_with_prepared(("privacy_epsilon",))
    if FLAGS.long_texts == "windows" and (FLAGS.static_shapes == "on" or FLAGS.strategy == "tpu"):
        raise InputError(
            "--static_shapes, and a TPU, need as many windows of every text; leave out --long_texts=windows"
        )
    if FLAGS.static_shapes == "on" and KINDS[FLAGS.task].compares_rows():
        raise InputError(
            "--static_shapes fills the last batch with copies, which --objective=ranking would take for negatives"
        )
    for name in ("early_stopping", "evaluations_per_epoch", "monitor"):
        if FLAGS[name].value != FLAGS[name].default and not source_of("dev"):
            raise InputError(f"--{name} needs --dev, rows to measure on")
    if source_of("dev") or source_of("test"):
        for module, extra in KINDS[FLAGS.task].scoring_modules():
            import_extra(module, extra)
    if FLAGS.plots:
        import_extra("matplotlib.figure")
    if FLAGS.tensorboard:
        import_extra("tensorboard")


def _batches(task: BertTask, train: tf.data.Dataset, epoch: int, begin: int = 0) -> tf.data.Dataset:
    """Makes the batches of an epoch, from one on; they follow from the seed and its number alone."""
    made = task.batches(train, FLAGS.batch_size, shuffle=True, seed=FLAGS.seed * 100_003 + epoch, begin=begin)
    return made if KINDS[FLAGS.task].compares_rows() else training_flags.shaped(made, task)


def _epochs(task: Any, train: tf.data.Dataset) -> Callable[[int], tf.data.Dataset] | None:
    """Returns what makes the batches of an epoch in private training; None for batches as ever."""
    return None if FLAGS.privacy_epsilon is None else task.private_batches(train, FLAGS.batch_size)


def _run(
    task: BertTask, parts: dict[str, tf.data.Dataset], epochs: Callable[[int], tf.data.Dataset] | None = None
) -> Run:
    """Makes the run that the flags describe."""
    from keras_bert.compression import AdapterRun
    from keras_bert.training import Run

    run = (Run if FLAGS.lora_rank is None or FLAGS.lora_merge else AdapterRun)(
        FLAGS.output,
        task,
        epochs or functools.partial(_batches, task, parts["train"]),
        parts.get("dev"),
        parts.get("test"),
        card=_card(parts),
        data=_facts(parts["train"]),
        epochs=FLAGS.epochs,
        monitor=FLAGS.monitor,
        early_stopping=FLAGS.early_stopping,
        evaluations_per_epoch=FLAGS.evaluations_per_epoch,
        verbose=1 if sys.stdout.isatty() else 2,
        **training_flags.run_settings(),
    )
    lines = flag_lines(*modules(), leave_out=LEFT_OUT)
    training_flags.prepare(run, "finetune", lines)
    scored = {part: rows for part, rows in parts.items() if part != "train"}
    run.on_end = lambda run: _add_facts(run, task, scored)
    return run


def _add_facts(run: Run, task: BertTask, scored: dict[str, tf.data.Dataset]) -> None:
    """Adds what the scores are read beside, and the pictures of the task."""
    kind = KINDS[FLAGS.task]
    if facts := {part: found for part, rows in scored.items() if (found := kind.facts(task, rows))}:
        run.metrics["beside"] = facts
    if FLAGS.plots and scored:
        kind.plot(task, scored.get("test", scored.get("dev")), run.folder)


def modules() -> list[types.ModuleType]:
    """Returns the modules with the flags of the run."""
    return [*shared_modules(), *flag_modules(KINDS[FLAGS.task])]


def shared_modules() -> list[types.ModuleType]:
    """Returns the modules with the flags of every task."""
    own = [sys.modules[__name__], start_flags, checkpoint_flags, row_flags, training_flags]
    return [*own, adapter_flags, adversary_flags, long_text_flags, privacy_flags]


def _facts(train: tf.data.Dataset) -> dict[str, Any]:
    """Returns what the batches follow from."""
    from keras_bert.training import data_fingerprint

    names = ("batch_size", "seed", "max_length", *KINDS[FLAGS.task].batch_flags, *long_text_flags.card())
    shape = {name: FLAGS[name].value for name in names}
    return {"rows": data_fingerprint(train), **shape}


def source_of(part: str) -> str | None:
    """Returns where the rows of a part come from; the embedded data brings its own dev and test."""
    own = f"library_docs:{part}" if FLAGS.train.split(":")[0] == "library_docs" else None
    return FLAGS[part].value or own


def _checkpoint() -> Checkpoint:
    """Returns what to start from: --preset, or a start from nothing; up to --layer."""
    from keras_bert.checkpoints import up_to_layer
    from keras_bert.checkpoints.hierarchical_positions import with_positions

    longest = KINDS[FLAGS.task].longest_row()
    return with_positions(up_to_layer(_whole_checkpoint(), FLAGS.layer), FLAGS.positions, longest)


def _whole_checkpoint() -> Checkpoint:
    from keras_bert.checkpoints import open_checkpoint

    sizes = [name for name in ("config", "hidden_size", "num_hidden_layers") if FLAGS[name].value is not None]
    if not sizes:
        if FLAGS.vocabulary is not None:
            raise InputError("--vocabulary goes with --config, or --hidden_size; a preset brings its own")
        return open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase, pad_vocabulary=FLAGS.pad_vocabulary)
    if FLAGS.preset != FLAGS["preset"].default:
        raise InputError(f"--preset and --{sizes[0]} exclude each other: weights, or a start from nothing")
    if len(sizes) > 1 and FLAGS.config:
        raise InputError(f"--config and --{sizes[1]} exclude each other: the file says the sizes")
    if FLAGS.vocabulary is None:
        raise InputError(f"--{sizes[0]} needs --vocabulary, the vocab.txt to cut text with")
    return random_weights(KINDS[FLAGS.task].longest_row())


def _card(parts: dict[str, tf.data.Dataset]) -> dict[str, Any]:
    data = {part: f"{source_of(part)}, {int(rows.cardinality())} rows" for part, rows in parts.items()}
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
    settings = {name: FLAGS[name].value for name in (*names, "dtype_policy", "strategy")} | adapter_flags.card()
    settings |= adversary_flags.card() | long_text_flags.card() | privacy_flags.card()
    preset = FLAGS.config or ("random weights" if FLAGS.vocabulary else FLAGS.preset)
    return {"preset": preset, "data": data, "metrics": {}, "training": settings}


if __name__ == "__main__":
    run()
