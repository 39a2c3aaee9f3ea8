"""From the logits of a classifier to its answers: the temperature, the classes, and whether it is sure."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.pooled.head import MULTI_LABEL


@dataclasses.dataclass(frozen=True)
class ClassAnswers:
    """How logits become answers, in the graph and behind it.

    Attributes:
        labels: Names of the classes, in the order of the logits.
        problem_type: `"single_label_classification"` or `"multi_label_classification"`.
        threshold: For several labels: classes with at least this probability are answered.
        temperature: What logits are divided by before they become probabilities (Guo et al. 2017, arXiv:1706.04599,
            section 4.2): above 1 where a model is too sure of itself. The likeliest class is the same with any.
        abstain_below: Answers with a lower score are not `sure`; 0: nothing is said of it.

    Raises:
        InputError: A temperature or a threshold that is none, or a threshold to abstain by where a row has several
            classes, each of which has a probability of its own.
    """

    labels: Sequence[str]
    problem_type: str
    threshold: float
    temperature: float = 1.0
    abstain_below: float = 0.0

    def __post_init__(self) -> None:
        if not _is_number(self.temperature) or not 1e-6 <= self.temperature <= 1e6:
            raise InputError(f"temperature is {self.temperature!r}; expected a number above 0, such as 1.5")
        if not _is_number(self.abstain_below) or not 0 <= self.abstain_below <= 1:
            raise InputError(f"abstain_below is {self.abstain_below!r}; expected a probability, such as 0.8")
        if self.abstain_below and self.problem_type == MULTI_LABEL:
            raise InputError("abstain_below is for one label a row; with several, threshold says which are answered")

    @property
    def logit(self) -> float:
        """The logit from which on a class of several is answered: sigmoid(x / temperature) >= threshold."""
        return float(np.log(self.threshold / (1 - self.threshold)) * self.temperature)

    def scaled(self, logits: Any) -> Any:
        """Returns logits divided by the temperature; a temperature of 1 adds nothing to the graph."""
        return logits if self.temperature == 1 else logits / self.temperature

    def in_graph(self, logits: Any) -> Tensors:
        """Turns logits, float32 (batch, classes), into what `BertClassifier.answers` returns."""
        names = tf.constant(list(self.labels))
        several, scaled = self.problem_type == MULTI_LABEL, self.scaled(logits)
        scores = tf.sigmoid(scaled) if several else tf.nn.softmax(scaled)
        answers = {
            "label": tf.gather(names, tf.argmax(scores, axis=1)),
            "score": tf.reduce_max(scores, axis=1),
            "scores": scores,
        }
        if self.abstain_below:
            answers["sure"] = answers["score"] >= self.abstain_below
        if several:
            order = tf.argsort(scores, axis=1, direction="DESCENDING", stable=True)
            chosen = tf.gather(scores, order, batch_dims=1) >= self.threshold
            answers["labels_padded"] = tf.where(chosen, tf.gather(names, order), "")
            answers["count"] = tf.reduce_sum(tf.cast(chosen, tf.int32), axis=1)
        return answers

    def rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `in_graph` into dicts: `label` and `score`, or `labels` for several, and `scores`.

        Where the arrays have `sure`, or `marked` of a task on relations, the dicts have it.
        """
        if "marked" in answers:
            plain = self.rows({name: values for name, values in answers.items() if name != "marked"})
            return [{**row, "marked": bool(there)} for row, there in zip(plain, answers["marked"], strict=True)]
        all_scores = [dict(zip(self.labels, row.tolist(), strict=True)) for row in answers["scores"]]
        if self.problem_type == MULTI_LABEL:
            return [
                {"labels": [name.decode() for name in names[:count]], "scores": scores}
                for names, count, scores in zip(answers["labels_padded"], answers["count"], all_scores, strict=True)
            ]
        sure = [{"sure": bool(each)} for each in answers["sure"]] if "sure" in answers else [{}] * len(all_scores)
        return [
            {"label": label.decode(), "score": float(score), **is_sure, "scores": scores}
            for label, score, is_sure, scores in zip(answers["label"], answers["score"], sure, all_scores, strict=True)
        ]

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        """Turns logits into class numbers (rows,), or zeros and ones (rows, classes) for several labels."""
        if self.problem_type == MULTI_LABEL:
            # sigmoid(x / temperature) >= threshold, without its rounding
            return (logits >= self.logit).astype("int32")
        return logits.argmax(axis=1)

    def settings(self) -> dict[str, float]:
        """Returns the temperature and the threshold to abstain by, where they are not those of a fresh model."""
        kept = {"temperature": (self.temperature, 1), "abstain_below": (self.abstain_below, 0)}
        return {name: value for name, (value, fresh) in kept.items() if value != fresh}


def kept_calibration(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the temperature and the threshold to abstain by that a folder keeps: fields of `keras_bert.json`."""
    return {name: extra[name] for name in ("temperature", "abstain_below") if name in extra}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
