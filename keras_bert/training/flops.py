"""How many operations a training step needs and how many the machine can do; their ratio is the utilisation."""

import time

import tensorflow as tf

from keras_bert.config import BertConfig
from keras_bert.graph import graph_function


def train_flops_per_token(config: BertConfig, length: float, prediction_share: float = 0.0) -> float:
    """Counts the multiplications and additions of matrix products that one token costs in training.

    Forward, 2 for each weight of a product that the token meets: 4 h² (query, key, value, output) + 2 h·i (the inner
    layers) in each block, and 2 · 2 · length · h for scores and mixing in the attention; the backward pass costs twice
    the forward one. Embedding tables, norms and dropout are no products and do not count.

    Args:
        config: The architecture.
        length: Tokens of a row; what attention costs depends on it.
        prediction_share: Share of the tokens that go through the masked-word head, h² + h · vocabulary each.

    Returns:
        Floating-point operations.

    Example:
        >>> base = train_flops_per_token(BertConfig(), length=512)
        >>> round(base / 6 / 1e6)  # against the 85 M weights of its blocks
        94

    References:
        Chowdhery et al. 2022, arXiv:2204.02311, appendix B.
    """
    size, inner, width = config.hidden_size, config.intermediate_size, config.attention_size
    block = 2 * (4 * size * width + 2 * size * inner) + 4 * length * width
    head = 2 * (size * size + size * config.vocab_size) * prediction_share
    return 3 * (config.num_hidden_layers * block + head)


def measured_peak_flops(dtype: str = "float32", size: int = 2048, seconds: float = 0.5) -> float:
    """Measures the rate of a large square matrix product on the device that TensorFlow takes.

    Args:
        dtype: What to compute in, such as `"bfloat16"`.
        size: Rows and columns.
        seconds: How long to measure; the fastest product counts.

    Returns:
        Floating-point operations a second.

    Example:
        >>> measured_peak_flops(size=256, seconds=0.05) > 1e8
        True
    """
    left = tf.random.stateless_normal((size, size), (0, 1), dtype=dtype)
    product = graph_function(lambda x: tf.reduce_sum(tf.matmul(x, x)))
    float(product(left))
    fastest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        float(product(left))
        fastest = min(fastest, time.perf_counter() - began)
    return 2 * size**3 / fastest
