"""The names that transformers gives the word head's weights."""

from keras_bert.tasks.base.word_head import word_head_weights
from tests.tasks.tiny_sequences import writer


def test_every_weight_of_the_head_has_its_name():
    head = writer().word_head
    names = [weight.name for weight in word_head_weights(head)]
    assert names == [
        "cls.predictions.bias",
        "cls.predictions.transform.dense.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.LayerNorm.bias",
    ]
    assert len(names) == len(head.weights)
