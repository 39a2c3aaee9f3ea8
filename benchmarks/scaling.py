"""Prints the tables of docs/scaling.md: memory, communication and efficiency by formula, and a check against a run.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --step_seconds=0.25 --inside=25e9 --between=1.25e9

With --measure_memory it runs a training step of a small model instead, and holds the memory it takes against the
formula.
"""

import math
import resource

from absl import app, flags

from keras_bert.config import BertConfig
from keras_bert.training.scaling import (
    Cluster,
    activation_bytes,
    all_reduce_seconds,
    efficiency,
    parameter_count,
    state_bytes,
)

FLAGS = flags.FLAGS
flags.DEFINE_float("step_seconds", 0.25, "Measured time of a step on one device.")
flags.DEFINE_integer("devices", 8, "Devices of a machine.")
flags.DEFINE_float("inside", 300e9, "Bytes a second from a device to others of its machine.")
flags.DEFINE_float("between", 200e9, "Bytes a second from a machine to others.")
flags.DEFINE_float("latency", 10e-6, "Seconds a message takes before its first byte.")
flags.DEFINE_bool("measure_memory", False, "Measure the memory of a step of a small model on this machine.")

MODELS = {
    "base": BertConfig(),
    "large": BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096),
}

# BERT-large, LAMB, 32 DGX A100 of 8: NVIDIA/DeepLearningExamples, TensorFlow2/LanguageModeling/BERT/README.md. Rows a
# step and steps of both phases are its recipe's, rows a second those it gives for one A100 of 80 GB.
PHASES = ((65_536, 7_038, 485.6), (32_768, 1_563, 96.5))
DGX_A100 = Cluster(devices=8, inside=300e9, between=200e9)
PUBLISHED_HOURS = 2.02


def published_run_hours(devices: int = 256) -> float:
    """Gives the time that the published run should take, from the speed of one device and the links alone."""
    size = 4 * parameter_count(MODELS["large"])
    seconds = 0.0
    for rows, steps, rate in PHASES:
        alone = rows / devices / rate
        seconds += steps * alone / efficiency(alone, size, devices, DGX_A100)
    return seconds / 3600


def print_memory() -> None:
    """Prints GB for a device by model, length and rows."""
    print("| model | numbers | length | state | 1 row | 8 rows | 32 rows | rows in 16 GB | in 80 GB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, config in MODELS.items():
        for dtype, size in (("float32", 4), ("mixed_bfloat16", 2)):
            for length in (128, 512):
                fixed = state_bytes(config) + (size == 2) * 2 * parameter_count(config)
                row = activation_bytes(config, 1, length, size)
                totals = " | ".join(f"{(fixed + rows * row) / 1e9:.1f}" for rows in (1, 8, 32))
                fit = " | ".join(str(max(0, math.floor((room * 1e9 - fixed) / row))) for room in (16, 80))
                print(f"| {name} | {dtype} | {length} | {fixed / 1e9:.1f} | {totals} | {fit} |")


def print_efficiency(cluster: Cluster, step_seconds: float) -> None:
    """Prints the share of the speed that is left on many devices, for steps of a given time."""
    print("| model | bytes a step | devices | all-reduce, ms | efficiency | if sent during the backward pass |")
    print("|---|---|---|---|---|---|")
    for name, config in MODELS.items():
        size = 4 * parameter_count(config)
        for devices in (1, 8, 64, 256):
            share, hidden = (efficiency(step_seconds, size, devices, cluster, overlap) for overlap in (0.0, 1.0))
            milliseconds = 1e3 * all_reduce_seconds(size, devices, cluster)
            print(f"| {name} | {size / 1e9:.2f} GB | {devices} | {milliseconds:.1f} | {share:.1%} | {hidden:.1%} |")


def measure(rows: int = 64, length: int = 128) -> None:
    """Trains a step of a small BERT on batches of two sizes; prints what the larger took more, and the formula."""
    import numpy as np
    import tensorflow as tf

    from keras_bert.encoder import BertEncoder

    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    encoder = BertEncoder(config, use_pooler=False)

    @tf.function
    def step(ids: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            inputs = {"token_ids": ids, "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}
            loss = tf.reduce_sum(encoder(inputs, training=True)["sequence_output"] ** 2)
        return tf.add_n(
            [tf.reduce_sum(tf.convert_to_tensor(g)) for g in tape.gradient(loss, encoder.trainable_variables)]
        )

    peaks = []
    for count in (1, rows):
        float(step(tf.constant(np.ones((count, length), "int32"))))
        peaks.append(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    expected = activation_bytes(config, rows - 1, length)
    print(
        f"{rows} rows of {length}: {(peaks[1] - peaks[0]) / 1e9:.2f} GB more than one; formula {expected / 1e9:.2f} GB"
    )


def main(_: list[str]) -> None:
    """Prints the tables."""
    if FLAGS.measure_memory:
        measure()
        return
    print_memory()
    print()
    print_efficiency(Cluster(FLAGS.devices, FLAGS.inside, FLAGS.between, FLAGS.latency), FLAGS.step_seconds)
    hours = published_run_hours()
    share = hours / PUBLISHED_HOURS
    print(f"\nBERT-large on 256 A100: {hours:.2f} h on paper, {PUBLISHED_HOURS} h published ({share:.0%})")


if __name__ == "__main__":
    app.run(main)
