r"""Pre-trains BERT: masked words, and whether one sentence follows another; or the next word, as GPT; or as UniLM.

    keras-bert pretrain --text='corpus/*.txt' --vocabulary=vocab.txt --hidden_size=256 --num_hidden_layers=4 \
        --budget=1h --output=runs/mine
    keras-bert pretrain --records=data128,data512 --phase=128:0.9,512:0.1 --preset=hf://google-bert/bert-base-uncased \
        --steps=20000 --output=runs/adapted
    keras-bert pretrain --objective=clm --text='corpus/*.txt' --vocabulary=vocab.txt --budget=1h --output=runs/gpt
    keras-bert pretrain --flagfile=runs/mine/flags.txt          (goes on where it was stopped)

It starts from nothing (--config, or --hidden_size and --num_hidden_layers) or from any checkpoint (--preset), and
learns from text files or from what `keras-bert pretraining-data` wrote. Into --output it writes `model/` (a Hugging
Face folder with its heads), `metrics.json`, `log.csv`, `curves.png`, `checkpoints/` to go on from, `tensorboard/` and
`flags.txt`; `keras-bert status` shows how far it is.

After SIGTERM or Ctrl-C the step is ended and a checkpoint saved; the exit status is 143 or 130.
"""

from __future__ import annotations

import functools
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, packing_flags, start_flags, training_flags
from keras_bert.scripts.flag_file import flag_lines
from keras_bert.scripts.packing_flags import check_packing
from keras_bert.scripts.pretraining_examples import Part, PretrainingExamples, masks_asked_for, parts_of_run
from keras_bert.scripts.program import run_program
from keras_bert.scripts.random_weights import random_weights

if TYPE_CHECKING:
    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.pretraining.pretraining_task import PretrainingTask
    from keras_bert.training import Run

FLAGS = flags.FLAGS

# What to learn from
flags.DEFINE_list("text", [], "Text files or globs: one sentence a line, blank lines between documents.")
flags.DEFINE_enum(
    "layout", "sentence_per_line", ["sentence_per_line", "document_per_line"], "What a line of --text holds."
)
flags.DEFINE_list("records", [], "In place of --text: folder of keras-bert pretraining-data, one for each phase.")
flags.DEFINE_float("held_out", 0.02, "Share of the documents of --text to measure on; records bring their own.")
flags.DEFINE_enum(
    "objective",
    "mlm_nsp",
    ["mlm_nsp", "mlm", "clm", "unilm"],
    "Masked words with or without next sentences; clm: each token predicts the next one, from left to right; unilm: "
    "masked words under masks to both sides, to one, and from sequence to sequence.",
)
flags.DEFINE_bool("strict", False, "Refuse text that is not UTF-8, instead of counting it.")

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
flags.DEFINE_integer("eval_examples", 2000, "Held-out examples to measure on.", lower_bound=1)
flags.DEFINE_enum("optimizer", "adamw", ["adamw", "lamb"], "LAMB is for batches of thousands.")

# What to leave behind
flags.DEFINE_integer("log_steps", 100, "Steps between two rows of the log.", lower_bound=1)
flags.DEFINE_integer("evaluate_steps", 1000, "Steps between two evaluations, rounded up to --log_steps.", lower_bound=1)

training_flags.set_defaults(batch_size=64, learning_rate=5e-4, warmup=0.05, output="runs/pretrained")


def run() -> None:
    """Runs the program."""
    run_program(main, *_modules())


def _modules() -> tuple[types.ModuleType, ...]:
    """Returns the modules that define its flags."""
    return sys.modules[__name__], start_flags, training_flags, checkpoint_flags, packing_flags


def main() -> None:
    """Pre-trains as the flags say, and prints the metrics."""
    if metrics := pretrain():
        print(to_json(metrics))


def pretrain() -> dict[str, Any]:
    """Pre-trains as the flags say.

    Returns:
        What `metrics.json` holds: `seconds`, `steps`, `held_out` (the last scores), `unigram_accuracy` (that of always
        answering the commonest token), with several lengths `held_out_by_length`; nothing for a profile.
    """
    import keras

    from keras_bert.training import make_strategy, profile_step

    parts = parts_of_run()
    _check_flags(parts)
    training_flags.join_workers()
    training_flags.check_output()
    # Before the first tensor is made: a cluster cannot be joined later.
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    keras.utils.set_random_seed(FLAGS.seed)
    checkpoint = _checkpoint(parts)
    training_flags.refuse_unequal_workers(strategy, {}, *_modules())
    with strategy.scope():
        task = _task(checkpoint, parts)
        task.encoder.gradient_checkpointing = FLAGS.gradient_checkpointing
        examples = PretrainingExamples(task, parts)
        steps = _steps(examples, parts)
        _compile(task, steps)
    print(
        f"{task.count_params():,} parameters; {strategy.num_replicas_in_sync} device(s); "
        + (f"{steps[-1]:,} steps" if steps else f"budget {FLAGS.budget}"),
        flush=True,
    )
    if FLAGS.profile:
        print(profile_step(task, examples.epoch(0, 0)))
        return {}
    baselines = examples.unigram_accuracies()
    for length, accuracy in baselines.items():
        which = f" of rows of {length} tokens" if len(baselines) > 1 else ""
        print(
            f"held out: {accuracy:.4f} of the {_predicted()}{which} are the commonest one (the unigram baseline)",
            flush=True,
        )
    return _run(task, examples, parts, steps).train() or {}


def _predicted() -> str:
    return "next tokens" if FLAGS.objective == "clm" else "hidden tokens"


def _run(task: PretrainingTask, examples: PretrainingExamples, parts: list[Part], steps: list[int]) -> Run:
    """Makes the run that the flags describe."""
    from keras_bert.training import ClockSchedule, Phase, Run, parse_duration

    clock = None
    if FLAGS.budget:
        clock = ClockSchedule(FLAGS.learning_rate, parse_duration(FLAGS.budget), FLAGS.warmup)
    phases = [
        Phase(
            functools.partial(examples.epoch, index),
            steps=steps[index] if steps else None,
            share=None if steps else part.end,
            evaluate=functools.partial(task.evaluate_examples, examples.held_out(index)),
        )
        for index, part in enumerate(parts)
    ]
    flops_per_token, peak_flops = _flops(task, parts)
    run = Run(
        FLAGS.output,
        task,
        phases,
        clock=clock,
        card=_card(),
        data=examples.facts,
        log_steps=FLAGS.log_steps,
        evaluate_steps=FLAGS.evaluate_steps,
        flops_per_token=flops_per_token,
        peak_flops=peak_flops,
        verbose=0,
        **training_flags.run_settings(),
    )
    lines = flag_lines(*_modules(), leave_out=("overwrite", "worker"))
    training_flags.prepare(run, "pretrain", lines)
    run.on_end = functools.partial(_add_scores, examples)
    return run


def _add_scores(examples: PretrainingExamples, run: Run) -> None:
    run.metrics["unigram_accuracy"] = run.metrics["held_out"]["unigram_accuracy"]
    if len({phase.split(":")[0] for phase in FLAGS.phase}) > 1:
        run.metrics["held_out_by_length"] = examples.scores()


def _check_flags(parts: list[Part]) -> None:
    from keras_bert.training import parse_duration

    if bool(FLAGS.text) == bool(FLAGS.records):
        raise InputError("say what to learn from: --text=FILES, or --records=FOLDER of keras-bert pretraining-data")
    if FLAGS.records and len(FLAGS.records) not in (1, len(parts)):
        raise InputError(f"--records: {len(FLAGS.records)} folders for {len(parts)} phases; expected one each, or one")
    if sum(value is not None for value in (FLAGS.steps, FLAGS.epochs, FLAGS.budget)) != 1:
        raise InputError("say how long to train, with one of --steps, --epochs and --budget")
    for name in ("config", "hidden_size", "num_hidden_layers"):
        if FLAGS.preset and FLAGS[name].value is not None:
            raise InputError(f"--preset and --{name} exclude each other: go on from weights, or start from nothing")
        if FLAGS.config and name != "config" and FLAGS[name].value is not None:
            raise InputError(f"--config and --{name} exclude each other: the file says the sizes")
    if not FLAGS.preset and not FLAGS.vocabulary:
        raise InputError("a start from nothing needs --vocabulary; keras-bert vocabulary learns one from your text")
    if FLAGS.objective == "clm" and (given := masks_asked_for()):
        raise InputError(f"--{given[0]} has no effect on --objective=clm, which hides nothing; leave it out")
    check_packing()
    if FLAGS.budget:
        parse_duration(FLAGS.budget)


def _steps(examples: PretrainingExamples, parts: list[Part]) -> list[int]:
    """Returns the step after which each part ends; nothing for a budget of time."""
    if FLAGS.budget:
        return []
    if FLAGS.steps:
        return [round(FLAGS.steps * part.end) for part in parts]
    ends: list[int] = []
    for index in reversed(range(len(parts))):  # what is made for the first is then trained on
        begin = parts[index - 1].end if index else 0.0
        ends.insert(0, round(examples.count(index) * FLAGS.epochs * (parts[index].end - begin)))
    ends = list(itertools.accumulate(ends))
    if ends[-1] < 1:
        raise InputError(f"--epochs={FLAGS.epochs:g} of this data are no step; train longer")
    return ends


def _checkpoint(parts: list[Part]) -> Checkpoint:
    """Returns what to start from: --preset, or a checkpoint without weights."""
    from keras_bert.checkpoints import open_checkpoint, replace_vocabulary

    if FLAGS.preset:
        if FLAGS.vocabulary is None:
            return open_checkpoint(FLAGS.preset, lowercase=FLAGS.lowercase, pad_vocabulary=FLAGS.pad_vocabulary)
        return replace_vocabulary(
            open_checkpoint(FLAGS.preset, pad_vocabulary=FLAGS.pad_vocabulary), FLAGS.vocabulary, FLAGS.lowercase
        )
    return random_weights(max(part.length for part in parts))


def _task(checkpoint: Checkpoint, parts: list[Part]) -> PretrainingTask:
    from keras_bert.tasks import BertCausalLM, BertPretrainer

    longest = max(part.length for part in parts)
    options: dict[str, Any] = {"max_length": longest, "dtype": FLAGS.dtype_policy, "packing": FLAGS.packing}
    if FLAGS.objective == "clm":
        return BertCausalLM.from_preset(checkpoint, **options)
    if FLAGS.objective == "unilm":
        return BertPretrainer.from_preset(checkpoint, next_sentence=True, attention="unilm", **options)
    next_sentence = FLAGS.objective == "mlm_nsp"
    return BertPretrainer.from_preset(checkpoint, next_sentence=next_sentence, attention="bidirectional", **options)


def _compile(task: PretrainingTask, steps: list[int]) -> None:
    from keras_bert.training import AdamW, Lamb, LinearWarmupDecay

    rate = LinearWarmupDecay(FLAGS.learning_rate, steps[-1], round(FLAGS.warmup * steps[-1])) if steps else 0.0
    optimizer = {"adamw": AdamW, "lamb": Lamb}[FLAGS.optimizer]
    task.compile(
        optimizer(rate, FLAGS.decay, global_clipnorm=FLAGS.clip_norm or None, skip_nonfinite=True),
        **training_flags.compile_options(),
    )


def _flops(task: PretrainingTask, parts: list[Part]) -> tuple[float, float]:
    """Returns the operations of a token, and those that the device can do in a second."""
    from keras_bert.training import measured_peak_flops, train_flops_per_token

    dtype = task.encoder.dtype_policy.compute_dtype
    return (
        train_flops_per_token(
            task.encoder.config, parts[0].length, 1.0 if FLAGS.objective == "clm" else FLAGS.mask_rate
        ),
        measured_peak_flops(dtype),
    )


def _card() -> dict[str, Any]:
    names: tuple[str, ...] = ("objective", "phase", "packing", "steps", "epochs", "budget", "batch_size")
    names += () if FLAGS.objective == "clm" else ("mask_rate", "mask_unit")
    more = ("optimizer", "learning_rate", "warmup", "decay", "clip_norm", "seed", "dtype_policy", "strategy")
    settings = {name: value for name in (*names, *more) if (value := FLAGS[name].value) is not None}
    return {
        "preset": FLAGS.preset or "random weights",
        "data": {"train": ", ".join(FLAGS.text or FLAGS.records)},
        "training": settings,
    }


if __name__ == "__main__":
    run()
