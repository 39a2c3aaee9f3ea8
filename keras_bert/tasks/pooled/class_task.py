"""What a classifier answers with: logits as probabilities, softened by a temperature, and sure or not."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.pooled.class_answers import ClassAnswers
from keras_bert.tasks.pooled.pooled_task import PooledTask


class ClassTask(PooledTask):
    """A task whose outputs are logits of classes; `BertClassifier` adds its rows and its loss.

    Args:
        reading: How logits become answers.
        *args: Those of `PooledTask`.
        **kwargs: Those of `PooledTask`.
    """

    def __init__(self, reading: ClassAnswers, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stages.reading = reading

    @property
    def temperature(self) -> float:
        """What logits are divided by to become probabilities."""
        return self._stages.reading.temperature

    @property
    def abstain_below(self) -> float:
        """The score below which an answer is not `sure`; 0 where nothing is said of it."""
        return self._stages.reading.abstain_below

    def calibrate(self, temperature: float, abstain_below: float = 0.0) -> None:
        """Has the probabilities of answers be softened, or sharpened, by a temperature, in Python and in exports.

        What `fit` learns by and `predict` gives stays the logits as they are. `keras_bert.trust.measure_calibration`
        finds both numbers on held-out rows; `save_preset` keeps them in `keras_bert.json`.

        Args:
            temperature: What logits are divided by: above 1 for a model that is too sure of itself.
            abstain_below: Answers say whether they are `sure`, of which the score is at least this; 0: they do not.

        Raises:
            InputError: See `ClassAnswers`.
        """
        changes = {"temperature": temperature, "abstain_below": abstain_below}
        self._stages.reading = dataclasses.replace(self._stages.reading, **changes)
        self.trace_answers()

    def logits_in_order(self, rows: Any, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Runs the model over labelled rows, like `predict_rows`, but in the order of the rows.

        Args:
            rows: Rows with `label`; those of like length are best together.
            batch_size: Rows a batch.

        Returns:
            The logits, float32 (rows, classes), not divided by the temperature; and the targets.
        """
        found = [
            (self._stages.forward(inputs).numpy(), targets.numpy())
            for inputs, targets, *_ in self.batches(rows, batch_size, keep_order=True)
        ]
        return np.concatenate([logits for logits, _ in found]), np.concatenate([targets for _, targets in found])

    def answers(self, outputs: Any) -> Tensors:
        """Turns logits into labels and probabilities, in the graph.

        Args:
            outputs: float32 (batch, classes), logits.

        Returns:
            `label` string (batch,), the likeliest class; `score` float32 (batch,), its probability; `scores`
            float32 (batch, classes). For several labels also `labels_padded` string (batch, classes), the
            classes over the threshold from the likeliest on, padded with empty strings, and `count` int32
            (batch,), how many they are. With a threshold to abstain by also `sure`, bool (batch,).
        """
        return self._stages.reading.in_graph(outputs)

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answers` into dicts: `label` and `score`, or `labels` for several, and `scores`."""
        return self._stages.reading.rows(answers)

    def predicted(self, outputs: np.ndarray) -> np.ndarray:
        """Turns logits into class numbers (rows,), or zeros and ones (rows, classes) for several labels."""
        return self._stages.reading.predicted(outputs)
