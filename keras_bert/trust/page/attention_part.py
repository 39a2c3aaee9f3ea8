"""Attention maps of chosen layers and heads as HTML: each a picture, with its tokens beside it, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert.trust.page.markup import heat, picture, shown

LABELLED = 128
"""Tokens up to which they stand beside their rows and columns."""

_STRONGEST = 3


def attention_part(maps: Sequence[Mapping[str, Any]]) -> str:
    """Writes the attention maps of one text.

    Args:
        maps: As `explain(method="attention")` gives them.

    Returns:
        HTML, a fold for each layer and head; nothing without maps.
    """
    parts = []
    for place, found in enumerate(maps, start=1):
        of = f"text {place}, " if len(maps) > 1 else ""
        tokens = [token["text"] for token in found["tokens"]]
        weights = np.asarray(found["weights"], "float64")
        for layer, of_layer in zip(found["layers"], weights, strict=True):
            for head, weight in zip(found["heads"], of_layer, strict=True):
                parts.append(_head(f"Attention of {of}layer {int(layer)}, head {int(head)}", tokens, weight))
    return "".join(parts)


def _head(name: str, tokens: Sequence[str], weights: np.ndarray) -> str:
    """Writes one head: rows are the tokens that look, columns those that are looked at."""
    size = len(tokens)
    image = (
        f'<img width="{16 * size}" height="{16 * size}" alt="{name}, as a picture; in words below." '
        f'src="{picture(heat(weights, max(weights.max(), 1e-9)))}">'
    )
    if size <= LABELLED:
        spans = "".join(f"<span>{shown(token)}</span>" for token in tokens)
        image = (
            f'<div class="map"><span></span><div class="columns" aria-hidden="true">{spans}</div>'
            f'<div class="rows" aria-hidden="true">{spans}</div>{image}</div>'
        )
    order = np.argsort(-weights, axis=1, kind="stable")[:, :_STRONGEST]
    rows = [
        f'<tr><td dir="auto">{shown(token)}<td dir="auto">'
        + ", ".join(f"{shown(tokens[at])} {line[at]:.2f}" for at in best)
        for token, line, best in zip(tokens, weights, order, strict=True)
    ]
    table = "<table><tr><th>token<th>looks most at\n" + "\n".join(rows) + "</table>"
    return (
        f"<details><summary>{name}</summary><figure>{image}<figcaption>Each row is a token, each column what it "
        f"looks at; rows sum to 1.</figcaption></figure>{table}</details>\n"
    )
