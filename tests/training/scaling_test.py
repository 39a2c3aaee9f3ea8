"""Scale on paper: against counted weights, the published formula, and a published run."""

import dataclasses

import pytest

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from keras_bert.training.scaling import (
    Cluster,
    activation_bytes,
    all_reduce_seconds,
    efficiency,
    parameter_count,
    state_bytes,
)

LARGE = BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
TINY = BertConfig(vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48)


@pytest.mark.parametrize(
    "changes", [{}, {"position_embedding_type": "sinusoidal"}, {"attention_head_size": 8}], ids=str
)
@pytest.mark.parametrize("pooler", [True, False])
def test_weights_are_those_of_the_encoder(pooler: bool, changes: dict):
    config = dataclasses.replace(TINY, **changes)
    assert parameter_count(config, pooler) == BertEncoder(config, use_pooler=pooler).count_params()


def test_base_and_large_have_the_published_sizes():
    """Devlin et al. 2018, section 3: 110 M and 340 M, rounded."""
    assert parameter_count(BertConfig()) / 1e6 == pytest.approx(110, rel=0.01)
    assert parameter_count(LARGE) / 1e6 == pytest.approx(340, rel=0.02)
    assert state_bytes(LARGE) == 16 * parameter_count(LARGE)


def test_activations_are_those_of_the_published_formula():
    rows, length = 3, 512
    expected = rows * length * 24 * 1024 * (34 + 5 * 16 * length / 1024)
    assert activation_bytes(LARGE, rows, length, number_bytes=2) == expected


def test_an_all_reduce_on_one_device_takes_no_time_and_grows_with_machines():
    cluster = Cluster(devices=8, inside=100e9, between=10e9, latency=0.0)
    assert all_reduce_seconds(1e9, 1, cluster) == 0
    assert all_reduce_seconds(1e9, 8, cluster) == pytest.approx(2 * 7 / 8 * 1e9 / 100e9)
    assert all_reduce_seconds(1e9, 16, cluster) == pytest.approx(2 * 7 / 8 * 1e9 / 100e9 + 1e9 / 10e9)
    assert all_reduce_seconds(0, 16, dataclasses.replace(cluster, latency=1e-3)) == pytest.approx(16e-3)


def test_what_is_sent_during_the_backward_pass_costs_nothing():
    cluster = Cluster(devices=1, between=1e9, latency=0.0)
    assert efficiency(1.0, 1e9, 2, cluster) == pytest.approx(0.5)
    assert efficiency(1.0, 0.5e9, 2, cluster, overlap=1.0) == 1.0
    assert efficiency(1.0, 1e9, 2, cluster, overlap=1.0) == pytest.approx(1 / (1 + 1 / 3))
    assert efficiency(1.0, 1e9, 1, cluster) == 1.0


def test_a_published_run_takes_little_longer_than_on_paper():
    """BERT-large on 256 A100: 2.02 hours; benchmarks/scaling.py says where the numbers come from."""
    from benchmarks.scaling import published_run_hours

    assert 0.75 * 2.02 < published_run_hours() < 2.02
