"""Smaller models: what a trained model does not need for the texts that it is for is taken away."""

from keras_bert.compression.trim_vocabulary import changed_share, trim_vocabulary, trimmed_vocabulary
from keras_bert.compression.vocabulary_usage import VocabularyUsage

__all__ = ["VocabularyUsage", "changed_share", "trim_vocabulary", "trimmed_vocabulary"]
