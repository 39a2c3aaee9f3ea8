"""Training that tells little of any one row; knows nothing of tasks."""

from keras_bert.training.privacy.accountant import noise_for, spent_epsilon
from keras_bert.training.privacy.privacy import Privacy

__all__ = ["Privacy", "noise_for", "spent_epsilon"]
