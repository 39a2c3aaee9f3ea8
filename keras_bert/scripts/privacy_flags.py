"""The flags of private training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError

if TYPE_CHECKING:
    from keras_bert.training import Privacy

FLAGS = flags.FLAGS

LEARNING_RATE = 5e-4
"""Of private training: Li et al. 2021, arXiv:2110.05679, for SST-2: batches of 1,000, 3 epochs, a clip of 0.1."""

flags.DEFINE_float(
    "privacy_epsilon",
    None,
    "Train within this budget of differential privacy: each row's gradient is clipped, noise is added, batches are "
    f"drawn, best large ones; inf: without noise. --learning_rate is {LEARNING_RATE:g} then, unless it is given.",
)
flags.DEFINE_float("privacy_delta", None, "The delta of the budget; 1 / (2 · rows).")
flags.DEFINE_float("privacy_clip", 0.1, "Largest norm of a row's gradient.")


def check_flags() -> None:
    """Refuses numbers that are none, and what does not go together, before anything is read; an `InputError`."""
    if FLAGS.privacy_epsilon is None:
        for name in ("privacy_delta", "privacy_clip"):
            if FLAGS[name].value != FLAGS[name].default:
                raise InputError(f"--{name} is for private training; say its budget, such as --privacy_epsilon=8")
        return
    from keras_bert.evaluation.extras import import_extra

    if not FLAGS.privacy_epsilon > 0:
        raise InputError(f"--privacy_epsilon={FLAGS.privacy_epsilon:g}: expected a number above 0, such as 8")
    for name, value in (("adversary", FLAGS.adversary), ("lora_rank", FLAGS.lora_rank)):
        if value is not None:
            raise InputError(f"--privacy_epsilon and --{name} exclude each other; leave one out")
    if FLAGS.strategy == "multi_worker":
        raise InputError("--privacy_epsilon is for one process: --strategy=none or mirrored")
    if FLAGS.static_shapes == "on" or FLAGS.xla == "on":
        raise InputError("--privacy_epsilon draws batches of all sizes, each of which XLA would compile; leave it off")
    if FLAGS.resume == "changed":
        raise InputError("--privacy_epsilon: a budget is for the rows and batches that it began with; --resume=auto")
    if not math.isinf(FLAGS.privacy_epsilon):
        import_extra("dp_accounting", "privacy")
    if not FLAGS["learning_rate"].present:
        FLAGS["learning_rate"].value = LEARNING_RATE


def budget(rows: int, steps: int) -> Privacy | None:
    """Returns the budget as `compile` takes it; None without one.

    Args:
        rows: Training rows.
        steps: Of the run.
    """
    from keras_bert.training import Privacy

    if FLAGS.privacy_epsilon is None:
        return None
    made = Privacy(
        rows=rows,
        batch_size=FLAGS.batch_size,
        steps=steps,
        epsilon=FLAGS.privacy_epsilon,
        delta=FLAGS.privacy_delta,
        clip=FLAGS.privacy_clip,
    )
    print(
        f"privacy: epsilon {FLAGS.privacy_epsilon:g} at delta {made.delta:.3g} in {steps:,} steps, each with "
        f"{FLAGS.batch_size} of {rows:,} rows on average: noise of {made.noise_multiplier:.4f} times the clip, "
        f"{made.clip:g}",
        flush=True,
    )
    return made


def card() -> dict[str, Any]:
    """Returns what the model card says of the flags."""
    return {} if FLAGS.privacy_epsilon is None else {"privacy_epsilon": FLAGS.privacy_epsilon}
