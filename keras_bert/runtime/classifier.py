"""Classes and scores of texts."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_bert.runtime.model import Given, RuntimeModel
from keras_bert.runtime.numbers import sigmoid, softmax


class Classifier(RuntimeModel):
    """A `BertClassifier`."""

    def answer(self, texts: Iterable[Given], batch_size: int | None = None, scores: bool = False) -> list[Any]:
        """Answers texts with their classes, see `BertClassifier.answer`.

        Args:
            texts: As for every task.
            batch_size: Rows that run together; None: as many as are fastest.
            scores: Answer with the probabilities of all classes too; with several labels a row they are always there.
        """
        rows = [self._pack(*self._parts(index, text)) for index, text in enumerate(self._listed(texts))]
        outputs = self._run(rows, batch_size)
        answers = [self._answer(output["logits"], scores) for output in outputs]
        if markers := self.settings.get("marker_ids"):
            for row, answer in zip(rows, answers, strict=True):
                answer["marked"] = all(marker in row.ids for marker in markers)
        return answers

    def _answer(self, logits: np.ndarray, with_scores: bool) -> dict[str, Any]:
        labels = self.settings["labels"]
        several = self.settings["problem_type"] == "multi_label_classification"
        scores = sigmoid(logits) if several else softmax(logits)
        named = {"scores": dict(zip(labels, scores.tolist(), strict=True))}
        if several:
            order = np.argsort(-scores, kind="stable")
            threshold = np.float32(self.settings["threshold"])
            return {"labels": [labels[index] for index in order if scores[index] >= threshold], **named}
        best = int(scores.argmax())
        answer = {"label": labels[best], "score": float(scores[best])}
        if abstain_below := self.settings.get("abstain_below"):
            answer["sure"] = bool(scores[best] >= np.float32(abstain_below))
        return {**answer, **(named if with_scores else {})}
