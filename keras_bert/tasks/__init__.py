"""One file a task: what its rows look like, its head, its loss and scores, how outputs become answers."""

from keras_bert.tasks.classification import BertClassifier
from keras_bert.tasks.embedding import BertEmbedder
from keras_bert.tasks.multiple_choice import BertMultipleChoice
from keras_bert.tasks.open_task import open_task
from keras_bert.tasks.pretraining import BertPretrainer
from keras_bert.tasks.question_answering import BertQuestionAnswerer
from keras_bert.tasks.regression import BertRegressor
from keras_bert.tasks.tagging import BertTokenClassifier
from keras_bert.tasks.task import BertTask

__all__ = [
    "BertClassifier",
    "BertEmbedder",
    "BertMultipleChoice",
    "BertPretrainer",
    "BertQuestionAnswerer",
    "BertRegressor",
    "BertTask",
    "BertTokenClassifier",
    "open_task",
]
