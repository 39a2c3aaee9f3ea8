"""The models that work on passages of documents: what puts them in order, and what reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_bert.errors import InputError

if TYPE_CHECKING:
    from keras_bert.tasks import BertClassifier, BertQuestionAnswerer, BertRegressor


def open_reranker(handle: str) -> BertClassifier | BertRegressor:
    """Opens a model of pairs that puts passages in order.

    Raises:
        InputError: It is a model of another kind.
    """
    from keras_bert.tasks import BertClassifier, BertRegressor, open_task

    model = open_task(handle)
    if not isinstance(model, BertClassifier | BertRegressor):
        raise InputError(f"{handle}: is a {type(model).__name__}; a reranker is a classifier or a regressor of pairs")
    return model


def open_reader(handle: str) -> BertQuestionAnswerer:
    """Opens a model that answers questions about a text.

    Raises:
        InputError: It is a model of another kind.
    """
    from keras_bert.tasks import BertQuestionAnswerer, open_task

    reader = open_task(handle)
    if not isinstance(reader, BertQuestionAnswerer):
        raise InputError(f"{handle}: is a {type(reader).__name__}; a reader is a model of finetune --task=answer")
    return reader
