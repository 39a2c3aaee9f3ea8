"""The flags of low-rank adapters, trained in place of an encoder's weights."""

from __future__ import annotations

from typing import Any

from absl import flags

from keras_bert.errors import InputError

FLAGS = flags.FLAGS

LEARNING_RATE = 1e-3
"""Of adapters, in the few epochs of a usual run; docs/compression.md has what was measured. Hu et al. 2021,
arXiv:2106.09685, table 9, take 5e-4 for RoBERTa-base on SST-2, and 60 epochs."""

flags.DEFINE_integer(
    "lora_rank",
    None,
    "Train low-rank adapters of this rank, such as 8, with the head, in place of all weights; --learning_rate is "
    f"{LEARNING_RATE:g} then, unless it is given.",
)
flags.DEFINE_float(
    "lora_alpha", None, "The change by adapters counts this, divided by the rank, times; twice the rank."
)
flags.DEFINE_float("lora_dropout", 0.0, "Dropout rate on what goes into adapters.")
flags.DEFINE_list(
    "lora_targets",
    ["query", "value"],
    "The dense layers that get adapters: query, key, value, attention.output.dense, intermediate.dense, output.dense, "
    "or all-linear.",
)
flags.DEFINE_bool(
    "lora_merge",
    True,
    "Write model/ with plain weights; --nolora_merge keeps the adapters, a folder of the peft library.",
)


def check_flags() -> None:
    """Refuses flags of adapters without any, and what adapters cannot be kept of; an `InputError`."""
    if FLAGS.lora_rank is None:
        for name in ("lora_alpha", "lora_dropout", "lora_targets", "lora_merge"):
            if FLAGS[name].value != FLAGS[name].default:
                raise InputError(f"--{name} is for adapters; name their rank, such as --lora_rank=8")
        return
    if FLAGS.lora_rank < 1:
        raise InputError(f"--lora_rank={FLAGS.lora_rank}: expected 1 or more, such as 8")
    if not FLAGS["learning_rate"].present:
        FLAGS["learning_rate"].value = LEARNING_RATE
    if FLAGS.lora_merge:
        return
    changed = [
        name for name in ("layer", "config", "hidden_size", "num_hidden_layers") if FLAGS[name].value is not None
    ]
    if FLAGS.pooling == ["markers"]:
        changed.append("pooling")
    if changed:
        raise InputError(
            f"--nolora_merge keeps adapters for the weights of --preset, which --{changed[0]} changes; leave one out"
        )


def adapted(task: Any) -> Any:
    """Returns a task with the adapters that the flags ask for, or the task as it is."""
    from keras_bert.compression import add_adapters

    if FLAGS.lora_rank is None:
        return task
    made = add_adapters(task, FLAGS.lora_rank, FLAGS.lora_alpha, FLAGS.lora_dropout, FLAGS.lora_targets)
    trained, total = (sum(map(count, weights)) for weights in (made.trainable_weights, made.weights))
    print(f"adapters: {trained:,} of {total:,} weights are trained, {trained / total:.2%}", flush=True)
    return made


def count(weight: Any) -> int:
    """Returns how many numbers a weight has."""
    size = 1
    for length in weight.shape:
        size *= length
    return size


def card() -> dict[str, Any]:
    """Returns what the model card says of adapters."""
    names = ("lora_rank", "lora_alpha", "lora_dropout", "lora_targets")
    return {} if FLAGS.lora_rank is None else {name: FLAGS[name].value for name in names}
