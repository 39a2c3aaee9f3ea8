"""A training run whose model is kept as adapters."""

from keras_bert.compression.adapters import save_adapters
from keras_bert.training.runs.run import Run
from keras_bert.training.runs.run_folder import new_model_is_there


class AdapterRun(Run):
    """A `Run` of a task with adapters, whose `model/` is a PEFT folder.

    Args:
        *args: Those of `Run`.
        **kwargs: Those of `Run`.

    Example:
        >>> AdapterRun("runs/sst2", add_adapters(model), train, dev, epochs=3).train()  # doctest: +SKIP
    """

    def save(self) -> None:
        """Writes the adapters and the head, over what the run has written before."""
        save_adapters(self.model, self.folder / "model", overwrite=True, card=self.card)
        new_model_is_there(self.folder)
