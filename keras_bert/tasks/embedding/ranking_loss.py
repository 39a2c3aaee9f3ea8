"""In-batch negatives: each text is to be nearer to its own partner than to those of all others."""

from typing import Any

import keras
from keras import ops

from keras_bert.tasks.embedding.belonging import may_be_right

BUCKETS = 1 << 24
"""Fingerprints of texts are below this, so that float32, which Keras makes of targets, holds them exactly."""


@keras.saving.register_keras_serializable(package="keras_bert")
class RankingLoss(keras.losses.Loss):
    """Multiple-negatives ranking: cross-entropy of a text's own partner among the partners of the whole batch.

    The logits are `scale` times the cosines, in float32. A row is an anchor, its partner, and perhaps further texts
    that are no partners of it (hard negatives); these are candidates for all rows too. A candidate that is the row's
    own anchor or partner again, or stands in another row with its anchor, may well be right: it is left out
    (`belonging.may_be_right`).

    Under a distribution strategy the candidates are those of the replica, and the loss is the mean over all rows. In
    parts of a batch it would be another loss, of fewer candidates: `compile(accumulate=...)` refuses it.

    Args:
        scale: Factor on the cosines, the inverse of a temperature.
        name: Name of the loss.

    Call arguments:
        y_true: (rows, texts), fingerprints: whole numbers below `BUCKETS`, the same for the same text.
        y_pred: float (rows · texts, size), vectors, the texts of a row one after the other.

    Returns:
        float32 scalar.

    References:
        Henderson et al. 2017, arXiv:1705.00652, section 4.4; sentence-transformers, MultipleNegativesRankingLoss,
        with its scale of 20.
    """

    compares_rows = True
    """The rows of a batch are compared with each other."""

    def __init__(self, scale: float = 20.0, name: str = "ranking_loss") -> None:
        super().__init__(name=name, dtype="float32")
        if not scale > 0:
            raise ValueError(f"scale must be positive, received: {scale}")
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, float32 (rows,)."""
        texts = y_true.shape[1]
        vectors = ops.normalize(ops.cast(y_pred, "float32"), axis=-1)
        vectors = ops.reshape(vectors, (-1, texts, y_pred.shape[-1]))
        prints = ops.cast(y_true, "float32")
        anchors, partners = prints[:, 0], prints[:, 1]
        # The partners of all rows first, so that row i's own is candidate i.
        candidates = ops.concatenate([vectors[:, index] for index in range(1, texts)], axis=0)
        candidate_prints = ops.concatenate([prints[:, index] for index in range(1, texts)], axis=0)
        unknown = may_be_right(anchors, partners, candidate_prints)
        rows = ops.arange(ops.shape(anchors)[0])
        own = ops.arange(ops.shape(candidate_prints)[0])[None, :] == rows[:, None]
        logits = self.scale * ops.matmul(vectors[:, 0], ops.transpose(candidates))
        logits = ops.where(ops.logical_and(unknown, ops.logical_not(own)), -1e9, logits)
        return -ops.sum(ops.where(own, ops.log_softmax(logits), 0.0), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"scale": self.scale, "name": self.name}
