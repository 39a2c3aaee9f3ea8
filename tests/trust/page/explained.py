"""Explanations as `explain` gives them, made up; the tests of the page use these."""

from typing import Any

import numpy as np

from keras_bert.trust.attack.words import find_words


def explanation(text: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """One of a classifier."""
    rng = np.random.default_rng(seed)
    spans = find_words(text)
    values = rng.normal(size=len(spans)).round(4).tolist()
    words = [
        {"text": text[start:end], "start": start, "end": end, "value": value, "field": "text"}
        for (start, end), value in zip(spans, values, strict=True)
    ]
    return {
        "method": "integrated_gradients",
        "task": "BertClassifier",
        "texts": {"text": text},
        "answer": {"label": "1", "score": 0.998},
        "label": "1",
        "score": 3.21,
        "baseline": "[PAD]",
        "baseline_score": -0.14,
        "gap": 0.0031,
        "steps": 50,
        "words": words,
        "rest": 0.0,
        "cut": [],
        **changes,
    }


def attention(tokens: list[str], layers: list[int], heads: list[int], seed: int = 0) -> dict[str, Any]:
    """One with attention maps."""
    size = len(tokens)
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(size), size=(len(layers), len(heads), size)).round(4).tolist()
    places = [{"text": token, "field": None, "start": 0, "end": 0} for token in tokens]
    maps = [{"tokens": places, "layers": layers, "heads": heads, "weights": weights}]
    given = explanation(
        " ".join(tokens[1:-1]), seed, method="attention", score=None, baseline=None, gap=None, maps=maps
    )
    return {
        **given,
        "baseline_score": None,
        "words": [{**word, "value": abs(word["value"])} for word in given["words"]],
    }
