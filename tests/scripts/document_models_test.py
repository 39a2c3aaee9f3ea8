"""A reader is a model of questions, a reranker one of pairs; others are named."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.scripts.document_models import open_reader, open_reranker
from tests.tasks import tiny_questions


def test_each_is_opened_and_another_is_refused(pair_classifier: Path, regressor: Path, tmp_path: Path):
    tiny_questions.answerer().save_preset(tmp_path / "reader")
    assert open_reader(str(tmp_path / "reader")).text_fields == ("question", "context")
    assert open_reranker(str(pair_classifier)).labels == ("no", "yes")
    assert type(open_reranker(str(regressor))).__name__ == "BertRegressor"
    with pytest.raises(InputError, match="is a BertClassifier; a reader is a model of finetune --task=answer"):
        open_reader(str(pair_classifier))
    with pytest.raises(InputError, match="is a BertQuestionAnswerer; a reranker is a classifier or a regressor of"):
        open_reranker(str(tmp_path / "reader"))
