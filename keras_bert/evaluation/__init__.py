"""Scores as the field computes them, and pictures of them; plain arrays in, no model."""

from keras_bert.evaluation.association import association
from keras_bert.evaluation.calibration import abstention_threshold, fit_temperature, reliability
from keras_bert.evaluation.confusion import confusion_matrix, plot_confusion
from keras_bert.evaluation.curves import plot_curves, read_csv_log
from keras_bert.evaluation.entities import entity_scores
from keras_bert.evaluation.generation import baseline_scores, generation_scores, score_signatures
from keras_bert.evaluation.glue import scores
from keras_bert.evaluation.groups import group_scores
from keras_bert.evaluation.groups_plot import plot_groups
from keras_bert.evaluation.label_noise import label_noise
from keras_bert.evaluation.reliability_plot import plot_reliability
from keras_bert.evaluation.retrieval import retrieval_scores
from keras_bert.evaluation.squad import squad_scores
from keras_bert.evaluation.stereotypes import crows_pairs_scores, stereoset_scores

__all__ = [
    "abstention_threshold",
    "association",
    "baseline_scores",
    "confusion_matrix",
    "crows_pairs_scores",
    "entity_scores",
    "fit_temperature",
    "generation_scores",
    "group_scores",
    "label_noise",
    "plot_confusion",
    "plot_curves",
    "plot_groups",
    "plot_reliability",
    "read_csv_log",
    "reliability",
    "retrieval_scores",
    "score_signatures",
    "scores",
    "squad_scores",
    "stereoset_scores",
]
