"""The flags of adversarial training."""

from __future__ import annotations

from typing import Any

from absl import flags

from keras_bert.errors import InputError

FLAGS = flags.FLAGS

NAMES = ("fgm", "pgd", "freelb", "smart", "rdrop")

SETTINGS = ("epsilon", "step_size", "steps", "init", "weight")
"""Settings of adversaries, each with a flag."""

flags.DEFINE_enum(
    "adversary",
    None,
    list(NAMES),
    "Train on word vectors moved to where the loss is higher: fgm, a step of the gradient; pgd, several; freelb, "
    "several that all train; or so that outputs agree: smart, with those at a shift; rdrop, of two dropout masks.",
)
flags.DEFINE_float(
    "adversary_epsilon", None, "Longest shift of an example: 0.1 of fgm and pgd, 0.6 of freelb.", lower_bound=0.0
)
flags.DEFINE_float(
    "adversary_step_size", None, "Length of a step: 0.05 of pgd, 0.1 of freelb, 0.001 of smart.", lower_bound=0.0
)
flags.DEFINE_integer("adversary_steps", None, "Steps: 3 of pgd, 2 of freelb, 1 of smart.", lower_bound=1)
flags.DEFINE_float("adversary_init", None, "Size of freelb's random beginning, 1.", lower_bound=0.0)
flags.DEFINE_float("adversary_weight", None, "Weight of the divergence: 1 of smart and rdrop.", lower_bound=0.0)


def check_flags() -> None:
    """Refuses settings of an adversary without one, and those that it does not have; an `InputError`."""
    for name in SETTINGS:
        if FLAGS[f"adversary_{name}"].value is not None and FLAGS.adversary is None:
            raise InputError(f"--adversary_{name} is a setting of an adversary; name one: --adversary=fgm")
    if FLAGS.adversary is None:
        return
    from keras_bert.training.adversary import ADVERSARIES

    known = [name for name in SETTINGS if hasattr(ADVERSARIES[FLAGS.adversary], name)]
    for name in SETTINGS:
        if FLAGS[f"adversary_{name}"].value is not None and name not in known:
            raise InputError(
                f"--adversary_{name} is no setting of --adversary={FLAGS.adversary}, which has: "
                + ", ".join(f"--adversary_{one}" for one in known)
            )


def settings() -> dict[str, Any] | None:
    """Returns the adversary as `compile` takes it; None for none."""
    if FLAGS.adversary is None:
        return None
    from keras_bert.training.adversary import ADVERSARIES

    given = {name: value for name in SETTINGS if (value := FLAGS[f"adversary_{name}"].value) is not None}
    seed = {"seed": FLAGS.seed} if hasattr(ADVERSARIES[FLAGS.adversary], "seed") else {}
    return {"name": FLAGS.adversary, **given, **seed}


def card() -> dict[str, Any]:
    """Returns what the model card says of the adversary."""
    return {} if FLAGS.adversary is None else {"adversary": settings()}
