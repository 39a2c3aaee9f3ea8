"""What outputs become probabilities by, in float32, as in the graph."""

from typing import Any

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Returns log-probabilities over the last axis, float32."""
    shifted = logits - logits.max(-1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Returns probabilities over the last axis, float32."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)


def sigmoid(logits: Any) -> np.ndarray:
    """Returns 1 / (1 + exp(-x)), float32."""
    half = np.asarray(logits, np.float32) * np.float32(0.5)
    return (np.float32(0.5) * np.tanh(half) + np.float32(0.5)).astype(np.float32)
