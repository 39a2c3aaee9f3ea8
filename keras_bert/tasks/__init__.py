"""One file a task: what its rows look like, its head, its loss and scores, how outputs become answers."""

from keras_bert.tasks.base.task import BertTask
from keras_bert.tasks.embedding.embedder import BertEmbedder
from keras_bert.tasks.generation.seq2seq import BertSeq2Seq
from keras_bert.tasks.open_task import open_task
from keras_bert.tasks.pooled.classifier import BertClassifier
from keras_bert.tasks.pooled.multiple_choice import BertMultipleChoice
from keras_bert.tasks.pooled.regressor import BertRegressor
from keras_bert.tasks.pretraining.causal_lm import BertCausalLM
from keras_bert.tasks.pretraining.pretrainer import BertPretrainer
from keras_bert.tasks.question_answering.answerer import BertQuestionAnswerer
from keras_bert.tasks.tagging.tagger import BertTokenClassifier

__all__ = [
    "BertCausalLM",
    "BertClassifier",
    "BertEmbedder",
    "BertMultipleChoice",
    "BertPretrainer",
    "BertQuestionAnswerer",
    "BertRegressor",
    "BertSeq2Seq",
    "BertTask",
    "BertTokenClassifier",
    "open_task",
]
