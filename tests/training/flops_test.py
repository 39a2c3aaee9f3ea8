"""The count of operations against the weights of a model that is really built, and against a published count."""

import keras
import pytest

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.training import measured_peak_flops, train_flops_per_token


def test_at_length_zero_it_is_six_for_each_weight_of_a_product():
    config = BertConfig(vocab_size=50, hidden_size=24, num_hidden_layers=3, num_attention_heads=2, intermediate_size=40)
    kernels = [
        v for v in BertEncoder(config).trainable_variables if v.path.endswith("kernel") and "pooler" not in v.path
    ]
    weights = sum(int(keras.ops.size(kernel)) for kernel in kernels)
    assert train_flops_per_token(config, length=0) == 6 * weights


def test_attention_costs_twelve_times_layers_size_and_length():
    """PaLM, appendix B: 12 · layers · heads · head size · length a token."""
    config = BertConfig()
    extra = train_flops_per_token(config, 512) - train_flops_per_token(config, 0)
    assert extra == 12 * 12 * 768 * 512


def test_the_head_counts_by_the_share_of_masked_tokens():
    config = BertConfig()
    extra = train_flops_per_token(config, 128, prediction_share=0.15) - train_flops_per_token(config, 128)
    assert extra == pytest.approx(6 * 0.15 * (768 * 768 + 768 * 30522))


def test_the_machine_does_something():
    assert measured_peak_flops(size=256, seconds=0.05) > 1e8
