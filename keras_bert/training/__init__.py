"""Optimizers, schedules, distribution and callbacks; knows nothing of tasks."""

from keras_bert.training.adversary import Adversary, Fgm, FreeLb, Pgd, RDrop, Smart, make_adversary
from keras_bert.training.flops import measured_peak_flops, train_flops_per_token
from keras_bert.training.freeze import freeze
from keras_bert.training.optimizers.adamw import AdamW
from keras_bert.training.optimizers.lamb import Lamb
from keras_bert.training.optimizers.optimizer import adamw
from keras_bert.training.optimizers.schedule import LinearWarmupDecay
from keras_bert.training.privacy import Privacy
from keras_bert.training.runs.clock import ClockSchedule, parse_duration
from keras_bert.training.runs.data_fingerprint import data_fingerprint
from keras_bert.training.runs.epoch_log import EpochLog
from keras_bert.training.runs.epoch_run import EpochRun
from keras_bert.training.runs.evaluate_rows import EvaluateRows
from keras_bert.training.runs.phase import Phase
from keras_bert.training.runs.run import Run
from keras_bert.training.runs.run_settings import RunSettings
from keras_bert.training.runs.run_state import RunState
from keras_bert.training.runs.run_status import RunStatus
from keras_bert.training.runs.save_best import SaveBest
from keras_bert.training.runs.training_log import TrainingLog
from keras_bert.training.runs.watch_loss import WatchLoss
from keras_bert.training.runs.watch_stalls import WatchStalls
from keras_bert.training.step_profile import StepProfile, profile_step
from keras_bert.training.strategy import (
    STRATEGIES,
    is_chief,
    is_chief_of,
    make_strategy,
    name_workers,
    own_batches,
    part_of_workers,
)

__all__ = [
    "STRATEGIES",
    "AdamW",
    "Adversary",
    "ClockSchedule",
    "EpochLog",
    "EpochRun",
    "EvaluateRows",
    "Fgm",
    "FreeLb",
    "Lamb",
    "LinearWarmupDecay",
    "Pgd",
    "Phase",
    "Privacy",
    "RDrop",
    "Run",
    "RunSettings",
    "RunState",
    "RunStatus",
    "SaveBest",
    "Smart",
    "StepProfile",
    "TrainingLog",
    "WatchLoss",
    "WatchStalls",
    "adamw",
    "data_fingerprint",
    "freeze",
    "is_chief",
    "is_chief_of",
    "make_adversary",
    "make_strategy",
    "measured_peak_flops",
    "name_workers",
    "own_batches",
    "parse_duration",
    "part_of_workers",
    "profile_step",
    "train_flops_per_token",
]
