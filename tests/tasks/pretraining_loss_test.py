"""The truth: numpy; and under a strategy, one device with the whole batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks.pretraining_loss import cross_entropies, is_right

ROOT = Path(__file__).resolve().parents[2]
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


TRAINING = """
import json, sys
import numpy as np
import tensorflow as tf
devices = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
import keras
from keras_bert.training import make_strategy
from tests.tasks import tiny
with make_strategy("mirrored" if devices > 1 else "none").scope():
    model = tiny.pretrainer(config=tiny.without_dropout())
    model.compile(keras.optimizers.SGD(1.0))
# Rows with 1 to 6 predictions, sorted by length: the replicas get different numbers of them.
examples = tiny.pretraining_examples(24)
from keras_bert.text.masking import TokenMasker
batches = model.batches(examples, 8, masker=TokenMasker(model.tokenizer, rate=0.3))
counts = [weights["masked_lm"].numpy().sum(1) for _, _, weights in batches]
assert any(count[:4].sum() != count[4:].sum() for count in counts)
before = [weight.numpy() for weight in model.trainable_weights]
logs = model.fit(batches, verbose=0).history
moved = [np.abs(weight.numpy() - old).max() for weight, old in zip(model.trainable_weights, before)]
assert min(moved) > 0
again = model.evaluate(batches, verbose=0, return_dict=True)
np.savez(sys.argv[2], *[weight.numpy() for weight in model.trainable_weights])
print(json.dumps([{name: values[0] for name, values in logs.items()}, again]))
"""


def test_two_replicas_learn_and_count_as_one(tmp_path: Path):
    """One epoch of plain gradient descent over batches whose halves hold different numbers of predictions."""
    results, weights = {}, {}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for devices in (1, 2):
        path = tmp_path / f"{devices}.npz"
        command = [sys.executable, "-c", TRAINING, str(devices), str(path)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        results[devices] = json.loads(done.stdout.splitlines()[-1])
        with np.load(path) as stored:
            weights[devices] = [stored[name] for name in stored.files]
    for one, two in zip(weights[1], weights[2], strict=True):
        np.testing.assert_allclose(two, one, rtol=0, atol=2e-5)
    for one, two in zip(results[1], results[2], strict=True):
        assert one.keys() == two.keys()
        assert two == pytest.approx(one, rel=1e-4)
