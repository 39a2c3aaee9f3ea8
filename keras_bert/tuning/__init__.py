"""Finding settings: which flags are tried, runs as processes of their own, a study that goes on after a kill."""

from keras_bert.tuning.space import Choice, Range, parse_space
from keras_bert.tuning.study import Study, Trial
from keras_bert.tuning.tune import tune

__all__ = ["Choice", "Range", "Study", "Trial", "parse_space", "tune"]
