"""The truth: numpy; and under a strategy, one device with the whole batch."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert.tasks.pretraining.loss import cross_entropies, is_right
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.training import make_strategy
from tests.forked_process import run_python
from tests.tasks import tiny

RNG = np.random.default_rng(0)


def test_cross_entropies_are_those_of_numpy():
    logits, labels = RNG.normal(size=(2, 3, 7)).astype("float32") * 5, RNG.integers(0, 7, (2, 3))
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -np.take_along_axis(log_probabilities, labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(cross_entropies(labels, logits), expected, rtol=1e-5)
    assert cross_entropies(labels, logits.astype("float16")).dtype == "float32"


def test_what_is_right():
    logits = np.array([[1.0, 2.0], [3.0, 2.0]])
    assert is_right([1, 1], logits).numpy().tolist() == [1.0, 0.0]


def trained(strategy: str) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    """One epoch of plain gradient descent; returns the weights, and what training and evaluation count."""
    with make_strategy(strategy).scope():
        model = tiny.pretrainer(config=tiny.without_dropout())
        model.compile(keras.optimizers.SGD(1.0))
    # Rows with 1 to 6 predictions, sorted by length: the replicas get different numbers of them, and of rows.
    batches = model.batches(tiny.pretraining_examples(24), 7, masker=TokenMasker(model.tokenizer, rate=0.3))
    counts = [weights["masked_lm"].numpy().sum(1) for _, _, weights in batches]
    assert any(count[:4].sum() != count[4:].sum() for count in counts)
    before = [weight.numpy() for weight in model.trainable_weights]
    logs = model.fit(batches, verbose=0).history
    after = [weight.numpy() for weight in model.trainable_weights]
    assert min(np.abs(new - old).max() for new, old in zip(after, before, strict=True)) > 0
    again = model.evaluate(batches, verbose=0, return_dict=True)
    return after, [{name: values[0] for name, values in logs.items()}, again]


TWO_REPLICAS = """
import json, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.tasks.pretraining.loss_test import trained
assert len(tf.config.list_logical_devices("CPU")) == 2
weights, counted = trained("mirrored")
np.savez(sys.argv[1], *weights)
print(json.dumps(counted))
"""


@pytest.mark.slow
def test_two_replicas_learn_and_count_as_one(tmp_path: Path):
    """Over batches whose halves hold different numbers of predictions."""
    weights, counted = trained("none")
    counted_by_two: list[dict[str, Any]] = json.loads(run_python(TWO_REPLICAS, tmp_path / "two.npz"))
    with np.load(tmp_path / "two.npz") as two:
        for name, one in zip(two.files, weights, strict=True):
            np.testing.assert_allclose(two[name], one, rtol=0, atol=2e-5)
    for one, two in zip(counted, counted_by_two, strict=True):
        assert one.keys() == two.keys()
        assert two == pytest.approx(one, rel=1e-4)
