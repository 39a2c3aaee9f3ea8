"""Optimizers, schedules, distribution and callbacks; knows nothing of tasks."""

from keras_bert.training.adamw import AdamW
from keras_bert.training.clock import ClockSchedule, parse_duration
from keras_bert.training.evaluate_rows import EvaluateRows
from keras_bert.training.freeze import freeze
from keras_bert.training.lamb import Lamb
from keras_bert.training.optimizer import adamw
from keras_bert.training.run_state import RunState
from keras_bert.training.save_best import SaveBest
from keras_bert.training.schedule import LinearWarmupDecay
from keras_bert.training.strategy import STRATEGIES, make_strategy

__all__ = [
    "STRATEGIES",
    "AdamW",
    "ClockSchedule",
    "EvaluateRows",
    "Lamb",
    "LinearWarmupDecay",
    "RunState",
    "SaveBest",
    "adamw",
    "freeze",
    "make_strategy",
    "parse_duration",
]
