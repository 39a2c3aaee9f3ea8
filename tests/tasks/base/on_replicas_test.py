"""The truth: one device with all rows."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.tasks.base.on_replicas import on_replicas
from tests.forked_process import run_python

REPLICAS = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
from keras_bert.tasks.base.on_replicas import on_replicas

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
with strategy.scope():
    factor = tf.Variable(3.0)
seen = []

def function(inputs, weights, names, scale):
    seen.append(tf.distribute.get_replica_context().num_replicas_in_sync)
    rows = tf.shape(weights)
    product = inputs["x"] * factor * weights[:, None] * scale
    return {"product": product, "rows": tf.fill(rows, rows[0]), "bytes": tf.strings.length(names)}

names = tf.TensorSpec([None], tf.string)
signature = [{"x": tf.TensorSpec([None, None])}, tf.TensorSpec([None]), names, tf.TensorSpec([])]
shared = on_replicas(strategy, function, signature)
found = []
for rows, width in ((7, 2), (3, 4), (1, 2), (2, 5)):
    x = tf.reshape(tf.range(rows * width, dtype=tf.float32), (rows, width))
    names = tf.constant(["x" * row for row in range(rows)])
    outputs = shared({"x": x}, tf.range(rows, dtype=tf.float32), names, tf.constant(2.0))
    assert outputs["bytes"].numpy().tolist() == list(range(rows))
    found.append([outputs["product"].numpy().tolist(), outputs["rows"].numpy().tolist()])
assert set(seen) == {3}
print(json.dumps(found))
"""


def test_one_device_is_a_graph_function():
    double = on_replicas(tf.distribute.get_strategy(), lambda x: 2 * x, [tf.TensorSpec([None])])
    assert double(tf.constant([1.0, 2.0])).numpy().tolist() == [2.0, 4.0]


@pytest.mark.slow
def test_each_replica_has_a_share_and_all_get_all_rows():
    for (rows, width), (product, share) in zip(
        ((7, 2), (3, 4), (1, 2), (2, 5)), json.loads(run_python(REPLICAS)), strict=True
    ):
        expected = 6.0 * np.arange(rows * width).reshape(rows, width) * np.arange(rows)[:, None]
        np.testing.assert_allclose(product, expected)
        assert share == [-(-rows // 3)] * rows
