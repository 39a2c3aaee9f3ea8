"""What starts from nothing has the architecture and the vocabulary that were named, and no weight."""

import json

import pytest

from keras_bert.checkpoints import without_weights
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier

ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "Bread"]
SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(ENTRIES) + "\n")
    return path


def test_a_config_takes_the_size_of_the_vocabulary(vocabulary):
    checkpoint = without_weights(BertConfig(**SIZES), vocabulary, lowercase=False)
    assert checkpoint.config == BertConfig(vocab_size=7, **SIZES)
    assert (checkpoint.vocabulary, checkpoint.lowercase, checkpoint.tensors) == (ENTRIES, False, {})
    model = BertClassifier.from_preset(checkpoint, labels=["a", "b"], max_length=8)
    assert not model.load_report.loaded
    assert {answer["label"] for answer in model.answer(["good Bread"])} <= {"a", "b"}


def test_a_file_must_say_it(vocabulary, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "bert", "vocab_size": 7, **SIZES}))
    assert without_weights(path, vocabulary).source == str(path)
    path.write_text(json.dumps({"model_type": "bert", "vocab_size": 9, **SIZES}))
    with pytest.raises(InputError, match=r"vocab_size=9, but .*vocab.txt has 7 entries"):
        without_weights(path, vocabulary)
    padded = without_weights(path, vocabulary, pad_vocabulary=True)
    assert padded.vocabulary == [*ENTRIES, "[unused_1]", "[unused_2]"]


def test_a_folder_brings_its_own_case(vocabulary, tmp_path):
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert not without_weights(BertConfig(**SIZES), tmp_path).lowercase
    assert without_weights(BertConfig(**SIZES), tmp_path, lowercase=True).lowercase
