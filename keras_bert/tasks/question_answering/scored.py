"""`ScoredAnswerer`: how a question answerer is scored, and the threshold that is tuned by the scores."""

from typing import Any

from keras_bert.evaluation.squad import squad_scores
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.question_answering.labelled import answer_labelled, answers_and_losses
from keras_bert.tasks.question_answering.log_odds import log_odds_of, score_of
from keras_bert.tasks.question_answering.windows import QuestionWindows


class ScoredAnswerer(LabelledTask):
    """The part of `BertQuestionAnswerer` that meets the right answers; that class has the documentation."""

    max_answer_length: int
    scoring: str
    no_answer_log_odds: float | None

    @property
    def no_answer_threshold(self) -> float | None:
        """The no-answer score, from 0 to 1, above which a question is not answered; None answers every question."""
        return None if self.no_answer_log_odds is None else score_of(self.no_answer_log_odds)

    @no_answer_threshold.setter
    def no_answer_threshold(self, score: float | None) -> None:
        self.no_answer_log_odds = None if score is None else log_odds_of(score)

    def windows(self, question: Any, context: Any) -> QuestionWindows:
        """Makes the windows of a batch of rows, strings (batch,), in the graph."""
        raise NotImplementedError

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores the answers to questions, as the official scripts do.

        Args:
            rows: As `batches` takes them.
            batch_size: Questions at a time.

        Returns:
            What `keras_bert.evaluation.squad_scores` gives; and `loss`, the mean over windows, of questions whose
            answer stands in the text or that have none.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        windows = max(sum(output["windows"] for output in outputs), 1)
        loss = sum(output["loss"] for output in outputs) / windows
        return {"loss": loss, **self.scores(targets, outputs)}

    def predict_rows(  # answers, not arrays
        self, rows: Any, batch_size: int = 64
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Answers labelled questions.

        Returns:
            In the order of the rows: the best answer to each question, whatever the threshold, as dicts of `answer`,
            `score`, `no_answer_score`, the same as `no_answer_log_odds`, `loss` and `windows`, the sum of the losses of
            its windows and how many they are, and `question_tokens_cut`; and the rows' `id` and `answers`.

        Raises:
            InputError: There are no rows, or they have no answers.
        """
        return answer_labelled(rows, self._stages.score, batch_size)

    def scores(self, targets: Any, outputs: Any) -> dict[str, float]:
        """Returns exact match, F1, and what the best threshold, log-odds, would give; see `squad_scores`.

        Args:
            targets: As `predict_rows` gives them.
            outputs: As `predict_rows` gives them.
        """
        return squad_scores(
            [output["answer"] for output in outputs],
            [target["answers"] for target in targets],
            [output["no_answer_log_odds"] for output in outputs],
            self.no_answer_log_odds,
            self.scoring,
        )

    def tune_threshold(self, rows: Any, batch_size: int = 64) -> float | None:
        """Sets `no_answer_log_odds` to the value that gives the best F1 on held-out rows.

        Args:
            rows: As `batches` takes them. Without questions that have no answer there is nothing to
                tune, and every question is answered.
            batch_size: Questions at a time.

        Returns:
            The threshold, a score from 0 to 1.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        unanswerable = any(not target["answers"] for target in targets)
        self.no_answer_log_odds = self.scores(targets, outputs)["best_f1_threshold"] if unanswerable else None
        return self.no_answer_threshold

    def _score(self, question: Any, context: Any, start: Any, end: Any) -> Tensors:
        """Answers labelled questions in the graph; see `predict_rows`."""
        asked = self.windows(question, context)
        return answers_and_losses(asked, context, start, end, self._logits, self.max_answer_length)

    def _logits(self, inputs: Any) -> Any:
        return self(self.preprocessor.pad(inputs), training=False)
