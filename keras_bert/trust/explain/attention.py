"""Where a model looks: attention of chosen layers and heads, and attention rolled out through all layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.trust.explain.attribution import Attribution, by_word
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.scorer import Scorer


def rollout(scorer: Scorer, reading: Reading) -> Attribution:
    """Follows attention from the tokens at which the answer stands down through all layers.

    A layer passes on half of a token by itself and half by attention, the mean of its heads: (A + I) / 2. The product
    over the layers says how much of each token comes to each; shares, which add up to 1. It is about where information
    can flow, not about what is made of it: no share is negative, and other classes have the same ones.

    Args:
        scorer: That of the task.
        reading: The text.

    References:
        Abnar and Zuidema 2020, arXiv:2005.00928, section 3.
    """
    rolled = rolled_out(scorer.attention(reading.inputs))
    return Attribution(*by_word(reading, np.einsum("rt,rts->rs", reading.looks_from, rolled)))


def rolled_out(attention: np.ndarray) -> np.ndarray:
    """Multiplies attention through the layers, each with the way past it.

    Args:
        attention: float (layers, rows, heads, tokens, tokens).

    Returns:
        float64 (rows, tokens, tokens), from above to below; each line adds up to 1.
    """
    mean = attention.astype(np.float64).mean(axis=2)
    product = np.broadcast_to(np.eye(mean.shape[-1]), mean.shape[1:])
    for layer in mean:
        own = layer + np.eye(layer.shape[-1])
        product = own / own.sum(-1, keepdims=True) @ product
    return product


def attention_maps(
    scorer: Scorer,
    reading: Reading,
    pieces: Sequence[Sequence[dict[str, Any]]],
    layers: Sequence[int] | None,
    heads: Sequence[int] | None,
) -> Attribution:
    """Shows the attention of some layers and heads: as maps, and for each word the share that it is given.

    Args:
        scorer: That of the task.
        reading: The text.
        pieces: The tokens of each row that are no padding, as the maps name them.
        layers: Numbers, from 1; None: the last.
        heads: Numbers, from 1; None: all.

    Returns:
        Values, the mean over layers and heads of what the tokens give at which the answer stands; and `maps`.

    Raises:
        InputError: There is no such layer or head.
    """
    chosen = _chosen("layers", layers, scorer.blocks, [scorer.blocks])
    of_heads = _chosen("heads", heads, scorer.heads, list(range(1, scorer.heads + 1)))
    attention = scorer.attention(reading.inputs)[np.array(chosen) - 1][:, :, np.array(of_heads) - 1]
    shares = np.einsum("rt,lrhts->rs", reading.looks_from, attention.astype(np.float64)) / (len(chosen) * len(of_heads))
    maps = [
        {
            "tokens": list(tokens),
            "layers": chosen,
            "heads": of_heads,
            "weights": attention[:, row, :, : len(tokens), : len(tokens)].astype(np.float64).round(4).tolist(),
        }
        for row, tokens in enumerate(pieces)
    ]
    return Attribution(*by_word(reading, shares), maps=maps)


def _chosen(name: str, numbers: Sequence[int] | None, count: int, default: list[int]) -> list[int]:
    if numbers is None:
        return default
    wrong = [number for number in numbers if isinstance(number, bool) or number not in range(1, count + 1)]
    if wrong or not numbers:
        shown = f"{name}={list(numbers)!r:.60}"
        raise InputError(f"{shown}: the model has {count} {name}, from 1 to {count}")
    return sorted(set(numbers))
