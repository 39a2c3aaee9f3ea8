"""What a run takes beside its folder, its model and its rows."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """The settings of a `Run`; all have defaults.

    Attributes:
        epochs: Passes over the training rows; 3, unless `steps` or a clock says how long the run is.
        steps: In place of epochs: training steps of the run.
        batch_size: Rows a training step.
        eval_batch_size: Rows a batch of evaluation.
        seed: Of the order of the rows.
        learning_rate: The peak, for a model that is not compiled yet: AdamW, with a warm-up over a tenth of the steps.
        monitor: The score on the held-out rows that makes a model the best, as `evaluate_rows` names it; None takes the
            task's own. Losses, errors and perplexities are better the lower they are, all others the higher.
        early_stopping: Epochs without a better score after which the run ends; 0: never.
        evaluations_per_epoch: How often an epoch is scored.
        log_steps: For long runs: a row of the log every so many steps, in place of one for each evaluation. The model
            at the end is kept then, not the best one, and the checkpoints stay, so that a longer run can go on.
        evaluate_steps: With `log_steps`: steps between two evaluations, rounded up to a multiple of it; 0: at the
            start and the end.
        checkpoint_steps: Steps between two checkpoints.
        keep_checkpoints: Checkpoints to keep.
        on_nan: `"stop"` or `"skip"`: what becomes of a step whose loss or gradient is no number.
        stall_seconds: Seconds after which a step that does not end is warned of.
        overwrite: Start anew, and replace what an earlier run left in the folder.
        resume: `"auto"` goes on from the checkpoints in the folder, if there are any, and refuses to where the rows,
            the batch size or the seed have changed since; `"changed"` goes on all the same; `"never"` starts anew.
        plots: Draw `curves.png`, for which matplotlib is needed.
        tensorboard: Write TensorBoard's files.
        flops_per_token: With `log_steps`: operations of a training step for one token, see `train_flops_per_token`.
        peak_flops: With `log_steps`: operations a second that the device can do, see `measured_peak_flops`.
        verbose: As that of Keras' `fit`.

    Raises:
        InputError: A setting out of its range.

    Example:
        >>> RunSettings(epochs=5).batch_size
        32
    """

    epochs: int | None = None
    steps: int | None = None
    batch_size: int = 32
    eval_batch_size: int = 64
    seed: int = 0
    learning_rate: float = 5e-5
    monitor: str | None = None
    early_stopping: int = 0
    evaluations_per_epoch: int = 1
    log_steps: int | None = None
    evaluate_steps: int = 0
    checkpoint_steps: int = 500
    keep_checkpoints: int = 3
    on_nan: str = "stop"
    stall_seconds: float = 300.0
    overwrite: bool = False
    resume: str = "auto"
    plots: bool = False
    tensorboard: bool = False
    flops_per_token: float = 0.0
    peak_flops: float = 0.0
    verbose: int = 2

    def __post_init__(self) -> None:
        lowest = {"early_stopping": 0, "evaluate_steps": 0, "checkpoint_steps": 0, "epochs": 1, "steps": 1}
        names = ("batch_size", "eval_batch_size", "evaluations_per_epoch", "log_steps", "keep_checkpoints")
        for name, least in {**lowest, **dict.fromkeys(names, 1)}.items():
            value = getattr(self, name)
            if value is None and name in ("epochs", "steps", "log_steps"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} is a whole number, {least} or more, received: {value!r}")
        if self.on_nan not in ("stop", "skip"):
            raise InputError(f"on_nan must be 'stop' or 'skip', received: {self.on_nan!r}")
        if self.resume not in ("auto", "changed", "never"):
            raise InputError(f"resume must be 'auto', 'changed' or 'never', received: {self.resume!r}")
        if self.epochs is not None and self.steps is not None:
            raise InputError("epochs and steps both say how long the run is; leave out one of them")

    def check(self, has_phases: bool, has_clock: bool, has_dev: bool) -> None:
        """Refuses settings that do not go with the rest of a run, or that need a package that is not installed.

        Raises:
            InputError: Names the setting.
        """
        ends = [end for end in (self.epochs, self.steps) if end is not None]
        if has_phases and ends:
            raise InputError("phases say themselves when they end; leave out epochs and steps")
        if has_clock and ends:
            raise InputError("a clock, epochs and steps each say how long the run is; leave out all but one")
        if not has_dev and not has_phases:
            for name, none in {"early_stopping": 0, "monitor": None, "evaluations_per_epoch": 1}.items():
                if getattr(self, name) != none:
                    raise InputError(f"{name} needs dev, rows to measure on")
        if self.plots:
            import_extra("matplotlib.figure")
        if self.tensorboard:
            import_extra("tensorboard")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "RunSettings":
        """Makes settings of names and values.

        Raises:
            InputError: There is no setting of a name; or as the class.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in settings:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise InputError(
                    f"a run has no setting {name!r}" + (f"; {near[0]!r}?" if near else f"; it has {', '.join(known)}")
                )
        return cls(**settings)
