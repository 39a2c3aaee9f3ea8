"""A fingerprint follows what vectors depend on, and nothing else."""

import pytest

from keras_bert.config import BertConfig
from keras_bert.tasks.embedding.fingerprint import fingerprint
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny


def of(settings: dict | None = None, config: BertConfig | None = None, length: int = 24, **tokenizer: bool) -> str:
    preprocessor = BertPreprocessor(BertTokenizer(tiny.VOCABULARY, **tokenizer), max_length=length)
    return fingerprint(settings or {}, config or tiny.config(), preprocessor, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": {"prompts": {"query": "x"}}},
        {"config": tiny.config(hidden_act="relu")},
        {"length": 12},
        {"lowercase": False},
        {"special_tokens_in_text": True},
    ],
)
def test_every_setting_counts(changed: dict):
    assert of(**changed) != of()


def test_the_names_of_layers_do_not():
    assert of() == of()
