"""Optimizers, schedules, distribution and callbacks; knows nothing of tasks."""

from keras_bert.training.adamw import AdamW
from keras_bert.training.evaluate_rows import EvaluateRows
from keras_bert.training.freeze import freeze
from keras_bert.training.optimizer import adamw
from keras_bert.training.save_best import SaveBest
from keras_bert.training.schedule import LinearWarmupDecay
from keras_bert.training.strategy import STRATEGIES, make_strategy

__all__ = [
    "STRATEGIES",
    "AdamW",
    "EvaluateRows",
    "LinearWarmupDecay",
    "SaveBest",
    "adamw",
    "freeze",
    "make_strategy",
]
