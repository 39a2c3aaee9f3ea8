"""BERT in plain numpy, float64, one row, head and token at a time: the truth for the tests of the layers.

Written from the papers (arXiv:1810.04805, arXiv:1706.03762) and from google-research/bert, modeling.py. Padding
is left out of the sums here, where the layers make its weight zero by a bias.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.layer_test_case import to_numpy

Dense = tuple[np.ndarray, np.ndarray]


def gelu(x: Any) -> np.ndarray:
    return np.vectorize(lambda value: value * 0.5 * (1 + math.erf(value / math.sqrt(2))))(x)


def gelu_new(x: Any) -> np.ndarray:
    def one(value: float) -> float:
        return value * 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (value + 0.044715 * value * value * value)))

    return np.vectorize(one)(x)


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": gelu_new,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
    None: lambda x: x,
}


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * gamma + beta


def dense(x: np.ndarray, layer: Dense) -> np.ndarray:
    kernel, bias = layer
    return x @ kernel + bias


def self_attention(
    hidden: np.ndarray, mask: np.ndarray, query: Dense, key: Dense, value: Dense, output: Dense, num_heads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Attends to the tokens of the mask only.

    Args:
        hidden: (batch, tokens, size).
        mask: (batch, tokens), 1 = token; at least one a row.

    Returns:
        (batch, tokens, size), and the probabilities (batch, heads, tokens, tokens).
    """
    batch, tokens, _ = hidden.shape
    width = query[0].shape[1]
    head_size = width // num_heads
    context = np.zeros((batch, tokens, width))
    probabilities = np.zeros((batch, num_heads, tokens, tokens))
    for row in range(batch):
        queries, keys, values = (dense(hidden[row], layer) for layer in (query, key, value))
        real = np.flatnonzero(mask[row])
        for head in range(num_heads):
            columns = slice(head * head_size, (head + 1) * head_size)
            for token in range(tokens):
                scores = [queries[token, columns] @ keys[other, columns] / math.sqrt(head_size) for other in real]
                weights = np.exp(np.array(scores) - max(scores))
                weights /= weights.sum()
                for weight, other in zip(weights, real, strict=True):
                    probabilities[row, head, token, other] = weight
                    context[row, token, columns] += weight * values[other, columns]
    return dense(context, output), probabilities


def encoder_block(
    hidden: np.ndarray,
    mask: np.ndarray,
    weights: Mapping[str, Any],
    num_heads: int,
    activation: str,
    epsilon: float,
    norm_first: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """One block; `weights` as `block_weights` reads them."""
    attend = {name: weights[name] for name in ("query", "key", "value")}

    def attention(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self_attention(x, mask, **attend, output=weights["attention_output"], num_heads=num_heads)

    def feed_forward(x: np.ndarray) -> np.ndarray:
        return dense(ACTIVATIONS[activation](dense(x, weights["intermediate"])), weights["output"])

    def attention_norm(x: np.ndarray) -> np.ndarray:
        return layer_norm(x, *weights["attention_norm"], epsilon)

    def output_norm(x: np.ndarray) -> np.ndarray:
        return layer_norm(x, *weights["output_norm"], epsilon)

    if norm_first:
        attended, probabilities = attention(attention_norm(hidden))
        hidden = hidden + attended
        return hidden + feed_forward(output_norm(hidden)), probabilities
    attended, probabilities = attention(hidden)
    hidden = attention_norm(hidden + attended)
    return output_norm(hidden + feed_forward(hidden)), probabilities


def embeddings(
    token_ids: np.ndarray,
    segment_ids: np.ndarray,
    word: np.ndarray,
    position: np.ndarray,
    token_type: np.ndarray,
) -> np.ndarray:
    """The sum of the three tables, one token at a time, without normalization."""
    batch, tokens = token_ids.shape
    result = np.zeros((batch, tokens, word.shape[1]))
    for row in range(batch):
        for place in range(tokens):
            result[row, place] = word[token_ids[row, place]] + position[place] + token_type[segment_ids[row, place]]
    return result


def sinusoids(rows: int, size: int) -> np.ndarray:
    """arXiv:1706.03762, section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i + 1) = cos of the same."""
    table = np.zeros((rows, size))
    for place in range(rows):
        for i in range((size + 1) // 2):
            angle = place / 10000 ** (2 * i / size)
            table[place, 2 * i] = math.sin(angle)
            if 2 * i + 1 < size:
                table[place, 2 * i + 1] = math.cos(angle)
    return table


def read(variable: Any) -> np.ndarray:
    return to_numpy(variable).astype("float64")


def read_dense(layer: Any) -> Dense:
    return read(layer.kernel), read(layer.bias)


def read_norm(layer: Any) -> Dense:
    return read(layer.gamma), read(layer.beta)


def attention_weights(attention: Any) -> dict[str, Dense]:
    """The fused kernel taken apart: query, key and value side by side."""
    kernel, bias = read_dense(attention.qkv)
    size = kernel.shape[1] // 3
    parts = {}
    for index, name in enumerate(("query", "key", "value")):
        columns = slice(index * size, (index + 1) * size)
        parts[name] = (kernel[:, columns], bias[columns])
    return parts


def block_weights(block: Any) -> dict[str, Dense]:
    return {
        **attention_weights(block.attention),
        "attention_output": read_dense(block.attention.output_dense),
        "attention_norm": read_norm(block.attention_norm),
        "intermediate": read_dense(block.intermediate),
        "output": read_dense(block.output_dense),
        "output_norm": read_norm(block.output_norm),
    }


def encoder(model: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """All outputs of a `BertEncoder`, from its config and weights."""
    config = model.config
    tables = model.embeddings
    if config.position_embedding_type == "sinusoidal":
        position = sinusoids(config.max_position_embeddings, config.hidden_size)
    else:
        position = read(tables.position_embeddings)
    hidden = embeddings(
        inputs["token_ids"],
        inputs["segment_ids"],
        read(tables.word_embeddings),
        position,
        read(tables.token_type_embeddings),
    )
    if not config.norm_first:
        hidden = layer_norm(hidden, *read_norm(tables.layer_norm), config.layer_norm_eps)
    hidden_states, attentions = [hidden], []
    for block in model.blocks:
        hidden, probabilities = encoder_block(
            hidden,
            inputs["padding_mask"],
            block_weights(block),
            config.num_attention_heads,
            config.hidden_act,
            config.layer_norm_eps,
            config.norm_first,
        )
        hidden_states.append(hidden)
        attentions.append(probabilities)
    if config.norm_first:
        hidden_states[-1] = layer_norm(hidden, *read_norm(model.final_norm), config.layer_norm_eps)
    outputs = {
        "sequence_output": hidden_states[-1],
        "hidden_states": tuple(hidden_states),
        "attentions": tuple(attentions),
    }
    if model.pooler is not None:
        outputs["pooled_output"] = np.tanh(dense(hidden_states[-1][:, 0], read_dense(model.pooler.dense)))
    return outputs
