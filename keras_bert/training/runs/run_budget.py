"""What a run with a budget of privacy does beside: it keeps a key, and tells what is spent where it tells of itself."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training.privacy.privacy import Privacy
from keras_bert.training.runs.run_settings import RunSettings
from keras_bert.training.runs.run_status import RunStatus


class RunBudget:
    """The budget of a run, or none.

    Steps that a process was killed after and that are taken again draw the same rows and the same noise, from the key
    in the checkpoint, and count once.

    Args:
        model: Compiled with `privacy`, or another.
        settings: Of the run.
        card: Facts of the model card, which get `privacy`.

    Raises:
        InputError: Settings that a budget does not go with.
    """

    def __init__(self, model: Any, settings: RunSettings, card: dict[str, Any]) -> None:
        self._model = model
        self._card = card
        self._privacy: Privacy | None = getattr(model, "privacy", None)
        if self._privacy is not None and (settings.log_steps is not None or settings.resume == "changed"):
            raise InputError(
                "a run with a budget of privacy has its log by epochs, and goes on with the rows and batches that it "
                "began with: leave out log_steps, and resume='changed'"
            )

    @property
    def facts(self) -> dict[str, Any]:
        """What must be the same when a run goes on."""
        return {} if self._privacy is None else {"privacy": str(self._privacy)}

    def batches_of(self, rows: Any, batch_size: int) -> Callable[[int], tf.data.Dataset] | None:
        """Returns what draws the batches of an epoch; None without a budget."""
        return None if self._privacy is None else self._model.private_batches(rows, batch_size)

    def begin(self, place: dict[str, Any]) -> None:
        """Takes the key of a run that goes on, or gives one to its checkpoints."""
        if self._privacy is not None:
            self._model.secret.keep_in(place)

    def spent(self, steps: int, status: RunStatus | None) -> dict[str, float]:
        """Returns what stands in a row of the log, `epsilon`; tells status and card, too."""
        if self._privacy is None:
            return {}
        self._card["privacy"] = self._privacy.facts(steps)
        spent = {"epsilon": self._card["privacy"]["epsilon spent"]}
        if status is not None:
            status.note(spent)
        return spent

    def metrics(self, steps: int) -> dict[str, Any]:
        """Returns what `metrics.json` says of a run that is over."""
        self.spent(steps, None)
        return {} if self._privacy is None else {"privacy": self._card["privacy"]}
