"""What all adversaries are: a way from a batch to a loss and its gradient."""

import dataclasses
import math
from typing import Any, ClassVar, NamedTuple

from keras_bert.errors import InputError
from keras_bert.training.adversary.batch_part import BatchPart
from keras_bert.training.adversary.gradients import Gradients


class Trained(NamedTuple):
    """What a part of a training step came to.

    Attributes:
        loss: That which is trained, a float scalar.
        outputs: The model's, for its metrics.
        gradients: Of the variables, scaled as the optimizer wants it.
    """

    loss: Any
    outputs: Any
    gradients: Gradients


@dataclasses.dataclass(frozen=True)
class Adversary:
    """Computes the loss and the gradient of a training step in several passes over its batch.

    A subclass is a frozen dataclass of its settings, numbers all of them, with a `name` and a `step`.

    Example:
        >>> isinstance(keras_bert.training.Fgm(), Adversary), keras_bert.training.Fgm.name
        (True, 'fgm')
    """

    name: ClassVar[str]
    """What `compile(adversary=...)` and `--adversary` call it."""

    compares_outputs: ClassVar[bool] = False
    """Whether it compares outputs with each other, for which it must know what they are."""

    needs_float32: ClassVar[bool] = False
    """Whether its shifts are too small for half precision."""

    def __post_init__(self) -> None:
        """Refuses settings out of their range.

        Raises:
            InputError: Names the setting.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "seed" or (value is None and field.default is None):
                continue
            whole = field.name == "steps"
            least = 1 if whole else 0
            good = isinstance(value, int) if whole else isinstance(value, int | float) and math.isfinite(value)
            if isinstance(value, bool) or not good or value < least:
                expected = "a whole number, 1 or more" if whole else "0 or more"
                raise InputError(f"{self.name}: {field.name} is {expected}, received: {value!r}")

    def step(self, part: BatchPart) -> Trained:
        """Computes what a part of a batch adds to the loss and to its gradient.

        Args:
            part: Perhaps of no rows.
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Returns the name and the settings, as `make_adversary` takes them."""
        return {"name": self.name, **dataclasses.asdict(self)}
