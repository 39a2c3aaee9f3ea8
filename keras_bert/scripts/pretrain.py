r"""Pre-trains BERT: masked words, and whether one sentence follows another.

    keras-bert pretrain --text='corpus/*.txt' --vocabulary=vocab.txt --hidden_size=256 --num_hidden_layers=4 \
        --budget=1h --output=runs/mine
    keras-bert pretrain --records=data128,data512 --phase=128:0.9,512:0.1 --preset=hf://google-bert/bert-base-uncased \
        --steps=20000 --output=runs/adapted
    keras-bert pretrain --flagfile=runs/mine/flags.txt          (goes on where it was stopped)

It starts from nothing (--config, or --hidden_size and --num_hidden_layers) or from any checkpoint (--preset), and
learns from text files or from what `keras-bert pretraining-data` wrote. Into --output it writes `model/` (a Hugging
Face folder with both heads), `metrics.json`, `log.csv`, `curves.png`, `checkpoints/` to go on from, `tensorboard/` and
`flags.txt`; `keras-bert status` shows how far it is.

After SIGTERM or Ctrl-C the step is ended and a checkpoint saved; the exit status is 143 or 130.
"""

from __future__ import annotations

import functools
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import resume
from keras_bert.scripts.program import flag_lines, run_program

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertPretrainer
    from keras_bert.training import ClockSchedule, RunState, RunStatus, TrainingLog

FLAGS = flags.FLAGS

# What to learn from
flags.DEFINE_list("text", [], "Text files or globs: one sentence a line, blank lines between documents.")
flags.DEFINE_enum(
    "layout", "sentence_per_line", ["sentence_per_line", "document_per_line"], "What a line of --text holds."
)
flags.DEFINE_list("records", [], "In place of --text: folder of keras-bert pretraining-data, one for each phase.")
flags.DEFINE_float("held_out", 0.02, "Share of the documents of --text to measure on; records bring their own.")
flags.DEFINE_enum("objective", "mlm_nsp", ["mlm_nsp", "mlm"], "Masked words with or without next sentences.")
flags.DEFINE_bool("strict", False, "Refuse text that is not UTF-8, instead of counting it.")

# What to start from
flags.DEFINE_string("preset", None, "Weights to go on from: a folder of any known format, hf://org/name, minilm.")
flags.DEFINE_string("config", None, "A config.json to start from nothing.")
flags.DEFINE_integer("hidden_size", 256, "To start from nothing without --config: units, 64 a head.", lower_bound=1)
flags.DEFINE_integer("num_hidden_layers", 4, "To start from nothing without --config: blocks.", lower_bound=1)
flags.DEFINE_string("vocabulary", None, "vocab.txt or folder of keras-bert vocabulary; a preset brings its own.")
flags.DEFINE_bool("lowercase", None, "Lower-case the text; by default as the preset or vocabulary folder does.")

# What is hidden
flags.DEFINE_float("mask_rate", 0.15, "Share of the tokens that is hidden.")
flags.DEFINE_enum("mask_unit", "token", ["token", "word"], "Hide tokens one by one, or whole words.")
flags.DEFINE_string("phrases", None, "File of phrases (or Chinese words), one a line, that are hidden as a whole.")
flags.DEFINE_integer("max_predictions", None, "Hidden tokens of a row at most; by default no such bound.")

# How to train
flags.DEFINE_list("phase", ["128:1.0"], "Phases, LENGTH:SHARE of the run: 128:0.9,512:0.1.")
flags.DEFINE_integer("steps", None, "Training steps of the run.", lower_bound=1)
flags.DEFINE_float("epochs", None, "In place of --steps: passes over the data.")
flags.DEFINE_string("budget", None, "In place of --steps: time of the run, such as 2h; the schedule follows the clock.")
flags.DEFINE_integer("batch_size", 64, "Examples a training step.", lower_bound=1)
flags.DEFINE_bool("packing", False, "Let several short examples share a row, each with attention of its own.")
flags.DEFINE_integer("eval_batch_size", 64, "Examples a batch of evaluation.", lower_bound=1)
flags.DEFINE_integer("eval_examples", 2000, "Held-out examples to measure on.", lower_bound=1)
flags.DEFINE_enum("optimizer", "adamw", ["adamw", "lamb"], "LAMB is for batches of thousands.")
flags.DEFINE_float("learning_rate", 5e-4, "The peak learning rate.", lower_bound=0.0)
flags.DEFINE_float("warmup", 0.05, "Share of the run in which the learning rate rises.")
flags.DEFINE_float("decay", 0.01, "Weight decay, not on biases and norms.", lower_bound=0.0)
flags.DEFINE_float("clip_norm", 1.0, "Clip the gradients to this global norm; 0 for no clipping.", lower_bound=0.0)
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
flags.DEFINE_string("output", "runs/pretrained", "Folder of the run.")
flags.DEFINE_integer("log_steps", 100, "Steps between two rows of the log.", lower_bound=1)
flags.DEFINE_integer("evaluate_steps", 1000, "Steps between two evaluations, rounded up to --log_steps.", lower_bound=1)
flags.DEFINE_bool("tensorboard", False, "Write TensorBoard logs.")
flags.DEFINE_bool("plots", True, "Draw curves.png.")


class Phase(NamedTuple):
    """A part of the run: rows of one length.

    Attributes:
        length: Tokens of a row at most.
        end: Share of the run that is done when the phase ends.
    """

    length: int
    end: float


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], resume)


def main() -> None:
    """Pre-trains as the flags say, and prints the metrics."""
    if metrics := pretrain():
        print(to_json(metrics))


def pretrain() -> dict[str, Any]:
    """Pre-trains as the flags say.

    Returns:
        What `metrics.json` holds: `seconds`, `steps`, `held_out` (the last scores), `unigram_accuracy` (that of always
        answering the commonest token); nothing for a profile.
    """
    import keras

    from keras_bert.training import make_strategy, profile_step

    phases = _phases()
    _check_flags(phases)
    resume.join_workers()
    folder = Path(FLAGS.output)
    resumed = not FLAGS.profile and resume.resumes(folder)
    # Before the first tensor is made: a cluster cannot be joined later.
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    keras.utils.set_random_seed(FLAGS.seed)
    checkpoint = _checkpoint(phases)
    with strategy.scope():
        task = _task(checkpoint, phases)
        task.encoder.gradient_checkpointing = FLAGS.gradient_checkpointing
        examples = _Examples(task, phases)
        steps = _steps(examples, phases)
        _compile(task, steps)
    print(
        f"{task.count_params():,} parameters; {strategy.num_replicas_in_sync} device(s); "
        + (f"{steps[-1]:,} steps" if steps else f"budget {FLAGS.budget}"),
        flush=True,
    )
    if FLAGS.profile:
        print(profile_step(task, examples.epoch(0, 0)))
        return {}
    with resume.folder_of_run(folder, resumed) as folder, resume.lost_workers_named():
        return _train(task, examples, phases, steps, folder, resumed)


def _train(
    task: BertPretrainer,
    examples: _Examples,
    phases: list[Phase],
    steps: list[int],
    folder: Path,
    resumed: bool,
) -> dict[str, Any]:
    from keras_bert.training import ClockSchedule, RunStatus, TrainingLog, parse_duration

    lines = flag_lines(sys.modules[__name__], resume, leave_out=("overwrite", "worker"))
    state = resume.restored_state(task, folder, resumed, lines, keep_metrics=False)
    clock = None
    if FLAGS.budget:
        clock = ClockSchedule(FLAGS.learning_rate, parse_duration(FLAGS.budget), FLAGS.warmup, state.seconds)
    status = RunStatus(
        folder / "status.json", state, steps[-1] if steps else None, parse_duration(FLAGS.budget) if clock else None
    )
    state.before_leaving = functools.partial(resume.leave_if_stopped, state, status, "pretrain")

    def evaluate() -> dict[str, float]:
        scores = task.evaluate_examples(examples.held_out)
        status.note({f"val_{name}": float(value) for name, value in scores.items()})
        return scores

    log = TrainingLog(
        folder / "log.csv",
        state,
        FLAGS.log_steps,
        evaluate,
        -(-FLAGS.evaluate_steps // FLAGS.log_steps) * FLAGS.log_steps,
        *_flops(task, phases),
        folder / "tensorboard" if FLAGS.tensorboard else None,
    )
    baseline = examples.unigram_accuracy()
    print(f"held out: {baseline:.4f} of the hidden tokens are the commonest one (the unigram baseline)", flush=True)
    try:
        for index, phase in enumerate(phases):
            if index >= state.place["phase"]:
                _train_phase(task, examples, phase, steps[index] if steps else None, state, log, clock, status)
                state.next_phase()
    finally:
        state.stop_listening()
    log.finish()
    metrics = {
        "seconds": round(state.seconds, 1),
        "steps": state.place["steps"],
        "unigram_accuracy": baseline,
        "held_out": {name[4:]: value for name, value in log.rows[-1].items() if name.startswith("val_")},
    }
    task.save_preset(folder / "model", overwrite=True, card=_card(metrics))
    (folder / "metrics.json").write_text(to_json(metrics, indent=2) + "\n", encoding="utf-8")
    state.save()
    if FLAGS.plots:
        _plot(log, folder)
    status.write("finished")
    return metrics


def _train_phase(
    task: BertPretrainer,
    examples: _Examples,
    phase: Phase,
    last_step: int | None,
    state: RunState,
    log: TrainingLog,
    clock: ClockSchedule | None,
    status: RunStatus,
) -> None:
    """Trains until the phase's last step, or its share of the budget, is done."""
    from keras_bert.training import WatchLoss, WatchStalls

    if clock is not None:
        clock.stop_at = phase.end
    place = state.place
    while place["steps"] < last_step if last_step is not None else clock is not None and clock.progress < phase.end:
        batches = examples.epoch(place["phase"], place["epoch"])
        count = int(batches.cardinality())
        if place["step"] >= count:
            state.next_epoch()
            continue
        batches = batches.skip(place["step"])
        if last_step is not None:
            batches = batches.take(last_step - place["steps"])
        watch = WatchLoss(state, FLAGS.on_nan)
        stalls = WatchStalls(state, FLAGS.stall_seconds)
        task.fit(batches, verbose=0, callbacks=[watch, state, log, status, stalls, *([clock] if clock else [])])
        resume.leave_if_stopped(state, status, "pretrain")


class _Examples:
    """Where the batches come from: the epochs of each phase, and the held-out ones."""

    def __init__(self, task: BertPretrainer, phases: list[Phase]) -> None:
        from keras_bert.data.pretraining import pretraining_documents, pretraining_records, pretraining_text
        from keras_bert.data.pretraining.records import check_records_fit
        from keras_bert.text.masks.masking import TokenMasker

        self._task = task
        self._phases = phases
        self._masker = TokenMasker(
            task.tokenizer, FLAGS.mask_rate, FLAGS.max_predictions, FLAGS.mask_unit, FLAGS.phrases
        )
        self._documents = None
        if FLAGS.text:
            options = {"layout": FLAGS.layout, "held_out": FLAGS.held_out, "strict": FLAGS.strict}
            self._documents = pretraining_documents(FLAGS.text, task.tokenizer, split="train", **options)
            others = pretraining_documents(FLAGS.text, task.tokenizer, split="held_out", **options)
            held_out = pretraining_text(others, max_length=phases[0].length, objective=FLAGS.objective, seed=FLAGS.seed)
        else:
            for index, phase in enumerate(phases):
                check_records_fit(self._folder(index), phase.length, FLAGS.objective)
            held_out = pretraining_records(Path(FLAGS.records[0]) / "held_out", task.tokenizer)
            if "mask_positions" in held_out.element_spec and _masks_asked_for():
                raise InputError(
                    f"{FLAGS.records[0]}: its masks are made already, so --mask_rate, --mask_unit, --phrases and "
                    "--max_predictions have no effect; leave them out, or build the records with --masking=dynamic"
                )
        # Made once: the same rows with the same masks in every evaluation.
        self.held_out = list(
            task.batches(
                held_out.take(FLAGS.eval_examples), FLAGS.eval_batch_size, seed=FLAGS.seed, masker=self._masker
            )
        )

    def epoch(self, phase: int, epoch: int) -> tf.data.Dataset:
        """Makes the batches of an epoch of a phase; they follow from the seed alone."""
        from keras_bert.data.pretraining import pretraining_records, pretraining_text
        from keras_bert.tasks.pretraining.packed_batches import static_packed_batches

        seed = (FLAGS.seed * 1009 + phase) * 100_003 + epoch
        if self._documents is not None:
            examples = pretraining_text(
                self._documents,
                max_length=self._phases[phase].length,
                objective=FLAGS.objective,
                seed=FLAGS.seed,
                epoch=epoch,
            )
        else:
            examples = pretraining_records(self._folder(phase), self._task.tokenizer, shuffle=True, seed=seed)
        batches = functools.partial(
            self._task.batches, examples, FLAGS.batch_size, shuffle=True, seed=seed, masker=self._masker
        )
        if not FLAGS.packing:
            return resume.shaped(batches(), self._task)
        length = self._phases[phase].length
        made = batches(row_length=length)
        if FLAGS.static_shapes != "on":
            return made
        return static_packed_batches(made, FLAGS.batch_size, length, self._task.tokenizer.pad_token_id)

    def _folder(self, phase: int) -> str:
        """Returns where the records of a phase are."""
        return FLAGS.records[min(phase, len(FLAGS.records) - 1)]

    def unigram_accuracy(self) -> float:
        """Returns the accuracy of always answering the commonest hidden token."""
        from keras_bert.tasks.pretraining.scores import unigram_accuracy

        return unigram_accuracy(self.held_out)


def _masks_asked_for() -> bool:
    return any(FLAGS[name].present for name in ("mask_rate", "mask_unit", "phrases", "max_predictions"))


def _phases() -> list[Phase]:
    parts = []
    for text in FLAGS.phase:
        try:
            length, share = text.split(":")
            parts.append((int(length), float(share)))
        except ValueError:
            raise InputError(f"--phase: {text!r}: expected LENGTH:SHARE, such as 128:0.9,512:0.1") from None
    total = sum(share for _, share in parts)
    if abs(total - 1) > 1e-6 or any(share <= 0 for _, share in parts):
        raise InputError(f"--phase: the shares must be more than 0 and add up to 1, received: {total:g}")
    ends = [sum(share for _, share in parts[: index + 1]) for index in range(len(parts))]
    return [Phase(length, min(end, 1.0)) for (length, _), end in zip(parts, ends, strict=True)]


def _check_flags(phases: list[Phase]) -> None:
    from keras_bert.evaluation.extras import import_extra
    from keras_bert.training import parse_duration

    if bool(FLAGS.text) == bool(FLAGS.records):
        raise InputError("say what to learn from: --text=FILES, or --records=FOLDER of keras-bert pretraining-data")
    if FLAGS.records and len(FLAGS.records) not in (1, len(phases)):
        raise InputError(f"--records: {len(FLAGS.records)} folders for {len(phases)} phases; expected one each, or one")
    if sum(value is not None for value in (FLAGS.steps, FLAGS.epochs, FLAGS.budget)) != 1:
        raise InputError("say how long to train, with one of --steps, --epochs and --budget")
    if FLAGS.preset and FLAGS.config:
        raise InputError("--preset and --config exclude each other: go on from weights, or start from nothing")
    if not FLAGS.preset and not FLAGS.vocabulary:
        raise InputError("a start from nothing needs --vocabulary; keras-bert vocabulary learns one from your text")
    if FLAGS.packing and FLAGS.strategy == "tpu":
        raise InputError("--packing makes batches of several numbers of rows, --strategy=tpu wants one; leave one out")
    if FLAGS.budget:
        parse_duration(FLAGS.budget)
    if FLAGS.plots:
        import_extra("matplotlib.figure")
    if FLAGS.tensorboard:
        import_extra("tensorboard")


def _steps(examples: _Examples, phases: list[Phase]) -> list[int]:
    """Returns the step after which each phase ends; nothing for a budget of time."""
    if FLAGS.budget:
        return []
    if FLAGS.steps:
        return [round(FLAGS.steps * phase.end) for phase in phases]
    ends, begin, steps = [], 0.0, 0
    for index, phase in enumerate(phases):
        steps += round(int(examples.epoch(index, 0).cardinality()) * FLAGS.epochs * (phase.end - begin))
        begin = phase.end
        ends.append(steps)
    if steps < 1:
        raise InputError(f"--epochs={FLAGS.epochs:g} of this data are no step; train longer")
    return ends


def _checkpoint(phases: list[Phase]) -> Checkpoint:
    """Returns what to start from: --preset, or a checkpoint without weights."""
    from keras_bert.checkpoints import open_checkpoint, replace_vocabulary, without_weights
    from keras_bert.config import BertConfig

    if FLAGS.preset:
        if FLAGS.vocabulary is None:
            return open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase)
        return replace_vocabulary(open_checkpoint(FLAGS.preset), FLAGS.vocabulary, FLAGS.lowercase)
    if FLAGS.config:
        return without_weights(FLAGS.config, FLAGS.vocabulary, FLAGS.lowercase)
    size = FLAGS.hidden_size
    config = BertConfig(
        hidden_size=size,
        num_hidden_layers=FLAGS.num_hidden_layers,
        num_attention_heads=max(1, size // 64),
        intermediate_size=4 * size,
        max_position_embeddings=max(512, *(phase.length for phase in phases)),
    )
    return without_weights(config, FLAGS.vocabulary, FLAGS.lowercase)


def _task(checkpoint: Checkpoint, phases: list[Phase]) -> BertPretrainer:
    from keras_bert.tasks import BertPretrainer

    return BertPretrainer.from_preset(
        checkpoint,
        max_length=max(phase.length for phase in phases),
        next_sentence=FLAGS.objective == "mlm_nsp",
        dtype=FLAGS.dtype_policy,
        packing=FLAGS.packing,
    )


def _compile(task: BertPretrainer, steps: list[int]) -> None:
    from keras_bert.training import AdamW, Lamb, LinearWarmupDecay

    rate = LinearWarmupDecay(FLAGS.learning_rate, steps[-1], round(FLAGS.warmup * steps[-1])) if steps else 0.0
    optimizer = {"adamw": AdamW, "lamb": Lamb}[FLAGS.optimizer]
    task.compile(
        optimizer(rate, FLAGS.decay, global_clipnorm=FLAGS.clip_norm or None, skip_nonfinite=True),
        accumulate=FLAGS.accumulate,
        **({} if FLAGS.xla == "auto" else {"jit_compile": FLAGS.xla == "on"}),
    )


def _flops(task: BertPretrainer, phases: list[Phase]) -> tuple[float, float]:
    """Returns the operations of a token, and those that the device can do in a second."""
    from keras_bert.training import measured_peak_flops, train_flops_per_token

    dtype = task.encoder.dtype_policy.compute_dtype
    return (
        train_flops_per_token(task.encoder.config, phases[0].length, FLAGS.mask_rate),
        measured_peak_flops(dtype),
    )


def _card(metrics: dict[str, Any]) -> dict[str, Any]:
    names = ("objective", "mask_rate", "mask_unit", "phase", "packing", "steps", "epochs", "budget", "batch_size")
    more = ("optimizer", "learning_rate", "warmup", "decay", "clip_norm", "seed", "dtype_policy", "strategy")
    settings = {name: value for name in (*names, *more) if (value := FLAGS[name].value) is not None}
    return {
        "preset": FLAGS.preset or "random weights",
        "data": {"train": ", ".join(FLAGS.text or FLAGS.records)},
        "metrics": {f"held out {name}": value for name, value in metrics["held_out"].items()},
        "training": settings,
    }


def _plot(log: TrainingLog, folder: Path) -> None:
    from keras_bert.evaluation import plot_curves

    names = list(dict.fromkeys(name for row in log.rows for name in row if name not in ("step", "seconds")))
    history = {name: [row.get(name, math.nan) for row in log.rows] for name in names}
    plot_curves(history, folder / "curves.png", [row["step"] for row in log.rows])


if __name__ == "__main__":
    run()
