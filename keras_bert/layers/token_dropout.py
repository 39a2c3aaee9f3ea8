"""Hiding some tokens of a target from the model that learns to write it."""

from typing import Any

import keras
from keras import ops

from keras_bert.layers.dropout import bits_by_example, numbers_of_examples


@keras.saving.register_keras_serializable(package="keras_bert")
class TokenDropout(keras.layers.Layer):
    """Replaces a share of the tokens of segment 1 by one token, in training.

    A model that is taught with the true tokens before each one leans on the nearest; with some of them hidden it must
    read the source. What it is to predict stays.

    Args:
        rate: Share of the tokens, in [0, 1).
        token_id: What stands in their place, `[MASK]`'s id.
        seed: Where the layer's `SeedGenerator` starts.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        token_ids: int32 (batch, tokens).
        segment_ids: int32 (batch, tokens).
        training: Whether to replace anything.

    Returns:
        int32 (batch, tokens).

    Raises:
        ValueError: A rate outside of [0, 1).

    Example:
        >>> ids = keras.ops.ones((1, 4), "int32")
        >>> keras.ops.convert_to_numpy(TokenDropout(0.9, 4, seed=0)(ids, 0 * ids, training=True)).tolist()
        [[1, 1, 1, 1]]

    References:
        Bowman et al. 2016, arXiv:1511.06349, section 3.1 (word dropout); in UniLM the masking of targets does the same
        (Dong et al. 2019, arXiv:1905.03197).
    """

    def __init__(self, rate: float, token_id: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1), received: {rate}")
        self.rate = rate
        self.token_id = token_id
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, token_ids: Any, segment_ids: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return token_ids
        numbers = numbers_of_examples()
        if numbers is None:
            is_drawn = keras.random.uniform(ops.shape(token_ids), seed=self.seed_generator) < self.rate
        else:  # the same tokens in each pass over an example
            bits = bits_by_example(self.seed_generator.state.value[0], numbers, ops.shape(token_ids))
            is_drawn = ops.cast(bits, "int32") < round(self.rate * 2**16)
        hidden = ops.logical_and(is_drawn, segment_ids == 1)
        return ops.where(hidden, ops.cast(self.token_id, token_ids.dtype), token_ids)

    def compute_output_shape(self, token_ids_shape: Any, segment_ids_shape: Any) -> Any:
        return token_ids_shape

    def compute_output_spec(self, token_ids: Any, segment_ids: Any, training: bool = False) -> Any:
        del segment_ids, training
        return keras.KerasTensor(token_ids.shape, token_ids.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "token_id": self.token_id, "seed": self.seed}
