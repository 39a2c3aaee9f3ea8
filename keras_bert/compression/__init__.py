"""Smaller models: what a trained model does not need for the texts that it is for is taken away."""

from keras_bert.compression.distillation.distiller import Distiller
from keras_bert.compression.distillation.settings import DistillationSettings
from keras_bert.compression.distillation.student import make_student
from keras_bert.compression.trim_vocabulary import changed_share, trim_vocabulary, trimmed_vocabulary
from keras_bert.compression.vocabulary_usage import VocabularyUsage

__all__ = [
    "DistillationSettings",
    "Distiller",
    "VocabularyUsage",
    "changed_share",
    "make_student",
    "trim_vocabulary",
    "trimmed_vocabulary",
]
