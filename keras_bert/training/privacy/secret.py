"""Random numbers that nobody else can draw: of the noise, and of who is in a batch."""

import hashlib
import secrets
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError


class Secret:
    """128 bits from the operating system, which all random numbers of a private run follow from.

    Whoever knows them can take the noise off again, so they are in no file that a run leaves: they stand in its
    checkpoints, with which a run that was stopped draws what it would have drawn, and these go at its end.

    Args:
        key: Hexadecimal; None for a new one.

    Example:
        >>> Secret("00" * 16).seed("noise").shape
        (2,)
    """

    def __init__(self, key: str | None = None) -> None:
        self._key = bytes.fromhex(secrets.token_hex(16) if key is None else key)
        # Not tracked by Keras, so that no model has it among its weights.
        self.noise_seed = tf.Variable(self.seed("noise"), trainable=False, dtype=tf.int64, name="noise_seed")

    def seed(self, *what: Any) -> np.ndarray:
        """Returns a seed for one purpose, int64 (2,)."""
        digest = hashlib.blake2b(repr(what).encode(), key=self._key, digest_size=16).digest()
        return np.frombuffer(digest, "<i8").astype("int64")

    def keep_in(self, place: MutableMapping[str, Any]) -> None:
        """Takes the key that a run has, or lets it keep this one.

        Args:
            place: What the checkpoints of a run hold.

        Raises:
            InputError: The checkpoint is of a run without one.
        """
        if place["steps"] and "secret" not in place:
            raise InputError("the run began without a budget of privacy; start anew, overwrite=True (--overwrite)")
        self._key = bytes.fromhex(place.setdefault("secret", self._key.hex()))
        self.noise_seed.assign(self.seed("noise"))
