"""Loading: all or nothing, and every name accounted for."""

import dataclasses

import keras
import numpy as np
import pytest
from absl import logging

from keras_bert.checkpoints import Checkpoint, dense_weights, encoder_weights, load_weights, norm_weights
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.linear import Linear
from tests.checkpoints import small


def checkpoint(**more):
    return Checkpoint(small.CONFIG, {**small.tensors(), **more}, "somewhere")


def classifier(classes=3):
    layer = Linear(classes)
    layer.build((None, small.CONFIG.hidden_size))
    return dense_weights("classifier", layer)


def test_query_key_and_value_lie_side_by_side():
    encoder = BertEncoder(small.CONFIG)
    source = checkpoint()
    load_weights(encoder_weights(encoder), source)
    kernel = np.asarray(encoder.blocks[1].attention.qkv.kernel)
    bias = np.asarray(encoder.blocks[1].attention.qkv.bias)
    for part, name in enumerate(("query", "key", "value")):
        columns = slice(part * 8, part * 8 + 8)
        name = f"bert.encoder.layer.1.attention.self.{name}"
        np.testing.assert_array_equal(kernel[:, columns], source.tensors[f"{name}.weight"].T)
        np.testing.assert_array_equal(bias[columns], source.tensors[f"{name}.bias"])


@pytest.mark.parametrize("changes", [{"norm_first": True}, {"position_embedding_type": "sinusoidal"}])
def test_what_is_written_is_read_again(changes):
    config = dataclasses.replace(small.CONFIG, **changes)
    generator = np.random.default_rng(1)
    weights = encoder_weights(BertEncoder(config))
    tensors = {weight.name: generator.normal(size=weight.shape).astype("float32") for weight in weights}
    report = load_weights(weights, Checkpoint(config, tensors, "somewhere"))
    assert report.loaded == tuple(tensors)
    for weight in weights:
        np.testing.assert_array_equal(weight.read(), tensors[weight.name], err_msg=weight.name)


def test_a_bfloat16_model_reads_as_float32():
    weights = encoder_weights(BertEncoder(small.CONFIG, dtype="bfloat16"))
    load_weights(weights, checkpoint())
    value = weights[0].read()
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, checkpoint().tensors[weights[0].name], rtol=1 / 128)


def test_a_new_head_must_be_allowed():
    weights = [*encoder_weights(BertEncoder(small.CONFIG)), *classifier()]
    with pytest.raises(InputError, match=r"somewhere: 2 weights .* missing: classifier\.weight, classifier\.bias"):
        load_weights(weights, checkpoint())
    before = weights[-2].read()
    report = load_weights(weights, checkpoint(), allow_new=["classifier."])
    assert report.new == ("classifier.weight", "classifier.bias")
    np.testing.assert_array_equal(weights[-2].read(), before)


def test_a_new_head_is_a_warning_in_the_log(monkeypatch):
    messages = []
    monkeypatch.setattr(logging, "log", lambda level, text, *values: messages.append((level, text % values)))
    load_weights(encoder_weights(BertEncoder(small.CONFIG)), checkpoint())
    load_weights([*encoder_weights(BertEncoder(small.CONFIG)), *classifier()], checkpoint(), ["classifier."])
    assert [level for level, _ in messages] == [logging.INFO, logging.WARNING]
    assert "2 new, with initial values: classifier.weight, classifier.bias" in messages[1][1]


def test_a_head_may_start_anew_though_the_file_has_one():
    head = {"classifier.weight": np.ones((5, 8), "float32"), "classifier.bias": np.ones(5, "float32")}
    weights = [*encoder_weights(BertEncoder(small.CONFIG)), *classifier(3)]
    with pytest.raises(InputError, match=r"classifier\.weight has 5 .*\(3, 8\)|\(5, 8\) in the file, \(3, 8\)"):
        load_weights(weights, checkpoint(**head))
    report = load_weights(weights, checkpoint(**head), start_anew=["classifier."])
    assert report.new == ("classifier.weight", "classifier.bias")
    assert report.ignored == dict.fromkeys(report.new, "started anew, as asked")
    assert not weights[-1].read().any()


def test_nothing_of_the_encoder_is_dropped_but_the_pooler():
    encoder = BertEncoder(small.CONFIG, use_pooler=False)
    report = load_weights(encoder_weights(encoder), checkpoint())
    assert set(report.ignored) == {"bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    shallow = BertEncoder(dataclasses.replace(small.CONFIG, num_hidden_layers=1))
    with pytest.raises(InputError, match=r"16 tensors that the model has no place for: bert\.encoder\.layer\.1\."):
        load_weights(encoder_weights(shallow), checkpoint())


@pytest.mark.parametrize(
    ("field", "size"), [("max_position_embeddings", 12), ("max_position_embeddings", 20), ("type_vocab_size", 1)]
)
def test_a_table_of_another_size_names_the_field_and_both_numbers(field, size):
    encoder = BertEncoder(dataclasses.replace(small.CONFIG, **{field: size}))
    before = [weight.read() for weight in encoder_weights(encoder)]
    in_file = getattr(small.CONFIG, field)
    with pytest.raises(InputError, match=rf"has {in_file} rows in the file, the model has {field}={size}"):
        load_weights(encoder_weights(encoder), checkpoint())
    for weight, value in zip(encoder_weights(encoder), before, strict=True):
        np.testing.assert_array_equal(weight.read(), value)


def test_a_layer_normalization_maps_to_weight_and_bias():
    layer = keras.layers.LayerNormalization()
    layer.build((None, 4))
    weights = norm_weights("cls.predictions.transform.LayerNorm", layer)
    assert [weight.name.rpartition(".")[2] for weight in weights] == ["weight", "bias"]
    weights[1].write(np.arange(4, dtype="float32"))
    np.testing.assert_array_equal(layer.beta, np.arange(4))
