"""One number for all that the vectors of an embedder depend on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_bert.checkpoints.mapping import Weight
from keras_bert.config import BertConfig
from keras_bert.text.preprocessor import BertPreprocessor


def fingerprint(
    settings: Mapping[str, Any], config: BertConfig, preprocessor: BertPreprocessor, weights: Iterable[Weight]
) -> str:
    """Gives a SHA-256 of settings, architecture, tokenizer and weights.

    Args:
        settings: Those of the embedder, anything that JSON can hold.
        config: Of the encoder.
        preprocessor: With its tokenizer.
        weights: All weights, in their order.

    Returns:
        64 hexadecimal digits.
    """
    everything = {
        **settings,
        "config": config.to_dict(),
        "preprocessor": preprocessor.settings,
        "tokenizer": preprocessor.tokenizer.fingerprint(),
    }
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode())
    for weight in weights:
        digest.update(np.ascontiguousarray(weight.read()).data)
    return digest.hexdigest()
