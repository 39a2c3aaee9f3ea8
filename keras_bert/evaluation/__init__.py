"""Scores as the field computes them, and pictures of them; plain arrays in, no model."""

from keras_bert.evaluation.confusion import plot_confusion
from keras_bert.evaluation.curves import plot_curves
from keras_bert.evaluation.glue import scores

__all__ = ["plot_confusion", "plot_curves", "scores"]
