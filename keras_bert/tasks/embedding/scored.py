"""`ScoredEmbedder`: how an embedder is scored on pairs of texts."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.data.memory.given_rows import given_rows
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.text_model import Text
from keras_bert.tasks.embedding.prompts import Prompts
from keras_bert.tasks.embedding.scores import correlation_scores, pair_vectors, read_pairs, search_scores

ROW_FIELDS = ("text", "text_pair", "negative")


class ScoredEmbedder(LabelledTask):
    """The part of `BertEmbedder` that meets pairs of texts; that class has the documentation."""

    objective: str
    similarity: str

    @property
    def prompts(self) -> Prompts:
        """The prompts that may stand before a text."""
        raise NotImplementedError

    def _embed(self, function: Any, texts: Sequence[Text], batch_size: int, prompt: str | None) -> np.ndarray:
        raise NotImplementedError

    @property
    def monitor(self) -> str:
        """The score by which one model is better than another."""
        return "mrr" if self.objective == "ranking" else "spearman"

    @property
    def row_fields(self) -> tuple[str, ...]:
        """The texts of a row to learn from; a third one, `negative`, has a name of its own."""
        return ROW_FIELDS[:2]

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores pairs of texts, compared by `similarity`, each behind its prompt of `row_prompts`.

        Args:
            rows: With `label`, a number: how well the similarities follow it. Without: how well each `text` finds
                its `text_pair` among those of all rows; a text that is there several times has several, and no text
                is searched for among itself.
            batch_size: Texts a batch.

        Returns:
            With labels `pearson` and `spearman`, and for the objective `"cosine"` also `mse` (of cosines against
            scores scaled to 0 ... 1) and `loss`, which is the same; without labels `recall_at_1`, `recall_at_5`,
            `recall_at_10` and `mrr`.

        Raises:
            InputError: There are no rows, or they are no pairs.
        """
        firsts, seconds, labels = read_pairs(given_rows(rows, self.row_fields))
        targets = self.targets(labels)[0].numpy()[:, 0] if labels is not None and self.objective == "cosine" else None
        embed = functools.partial(self._embed, self._stages.embed_rows, batch_size=batch_size)
        vectors = pair_vectors(firsts, seconds, embed, [self.prompts.name_of_column(index) for index in (0, 1)])
        if labels is None:
            return search_scores(self.tokenizer, firsts, seconds, *vectors, self.similarity)
        return correlation_scores(*vectors, labels, self.similarity, targets)
