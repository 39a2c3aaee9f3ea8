"""Scores as the field computes them, and pictures of them; plain arrays in, no model."""

from keras_bert.evaluation.confusion import confusion_matrix, plot_confusion
from keras_bert.evaluation.curves import plot_curves, read_csv_log
from keras_bert.evaluation.entities import entity_scores
from keras_bert.evaluation.generation import baseline_scores, generation_scores, score_signatures
from keras_bert.evaluation.glue import scores
from keras_bert.evaluation.retrieval import retrieval_scores
from keras_bert.evaluation.squad import squad_scores

__all__ = [
    "baseline_scores",
    "confusion_matrix",
    "entity_scores",
    "generation_scores",
    "plot_confusion",
    "plot_curves",
    "read_csv_log",
    "retrieval_scores",
    "score_signatures",
    "scores",
    "squad_scores",
]
