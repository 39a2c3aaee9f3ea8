"""Smaller models: what a trained model does not need for the texts that it is for is taken away."""

from keras_bert.compression.adapter_run import AdapterRun
from keras_bert.compression.adapters import add_adapters, load_adapters, merge_adapters, save_adapters
from keras_bert.compression.distillation.distiller import Distiller
from keras_bert.compression.distillation.settings import DistillationSettings
from keras_bert.compression.distillation.student import make_student
from keras_bert.compression.importance import Importance, measure_importance
from keras_bert.compression.prune import prune
from keras_bert.compression.several_adapters import SeveralAdapters
from keras_bert.compression.trim_vocabulary import changed_share, trim_vocabulary, trimmed_vocabulary
from keras_bert.compression.vocabulary_usage import VocabularyUsage

__all__ = [
    "AdapterRun",
    "DistillationSettings",
    "Distiller",
    "Importance",
    "SeveralAdapters",
    "VocabularyUsage",
    "add_adapters",
    "changed_share",
    "load_adapters",
    "make_student",
    "measure_importance",
    "merge_adapters",
    "prune",
    "save_adapters",
    "trim_vocabulary",
    "trimmed_vocabulary",
]
