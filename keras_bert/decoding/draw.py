"""Drawing a token by its probability."""

from typing import Any

import tensorflow as tf

from keras_bert.decoding.constraints import NEVER


def uniform_numbers(seeds: Any, samples: int, tokens: int) -> Any:
    """Makes random numbers that follow from the seed of each row alone.

    Args:
        seeds: int32 (rows,), or (rows, 2).
        samples: Sequences a row.
        tokens: Tokens a sequence.

    Returns:
        float64 (rows, samples, tokens), in [0, 1).
    """
    seeds = tf.convert_to_tensor(seeds)
    pairs = seeds if seeds.shape.rank == 2 else tf.stack([seeds, tf.zeros_like(seeds)], axis=1)
    spec = tf.TensorSpec([samples, tokens], tf.float64)
    return tf.map_fn(
        lambda pair: tf.random.stateless_uniform(spec.shape, pair, dtype=spec.dtype), pairs, fn_output_signature=spec
    )


class Draw:
    """Draws among the likeliest tokens.

    Args:
        temperature: The logits are divided by it. A number, as the next two, or a tensor (rows,).
        top_k: So many of the likeliest tokens; 0: all.
        top_p: The likeliest tokens whose probabilities add up to this, the one that reaches it included (Holtzman et
            al. 2019, arXiv:1904.09751, section 3.1); 1: all.

    Raises:
        ValueError: A temperature that is not positive, a `top_p` outside of (0, 1], a negative `top_k`.

    Example:
        >>> Draw(top_k=1)(tf.constant([[[0.0, 3.0, 1.0]]]), tf.constant([[0.9]], tf.float64)).numpy().tolist()
        [[1]]
    """

    def __init__(self, temperature: Any = 1.0, top_k: Any = 0, top_p: Any = 1.0) -> None:
        given = [temperature, top_k, top_p]
        if any(tf.is_tensor(item) for item in given):  # of a request, which are not known before the graph runs
            rules = {
                "temperature must be above 0": (temperature, tf.greater(temperature, 0)),
                "top_k must be from 0": (top_k, tf.greater_equal(top_k, 0)),
                "top_p must be in (0, 1]": (top_p, tf.logical_and(tf.greater(top_p, 0), tf.less_equal(top_p, 1))),
            }
            checks = [tf.debugging.Assert(tf.reduce_all(holds), [rule, item]) for rule, (item, holds) in rules.items()]
            with tf.control_dependencies([check for check in checks if check is not None]):  # eagerly they are None
                given = [tf.identity(item)[:, None, None] if tf.is_tensor(item) else item for item in given]
        elif not temperature > 0 or not 0 < top_p <= 1 or top_k < 0:
            raise ValueError(
                f"temperature must be above 0, top_p in (0, 1], top_k from 0; received: {temperature}, {top_p}, {top_k}"
            )
        self.temperature, self.top_k, self.top_p = given

    def __call__(self, logits: Any, uniform: Any) -> Any:
        """Draws by the inverse of the distribution function, in float64.

        Args:
            logits: float32 (rows, sequences, entries).
            uniform: float64 (rows, sequences), in [0, 1).

        Returns:
            int32 (rows, sequences).
        """
        logits = tf.where(logits > NEVER / 2, logits / self.temperature, NEVER)
        ids = None
        if not self._takes_all:
            entries = tf.shape(logits)[-1]
            kept = tf.where(tf.equal(self.top_k, 0), entries, tf.minimum(self.top_k, entries))
            logits, ids = tf.math.top_k(logits, tf.maximum(tf.reduce_max(kept), 0))  # of no rows the maximum is -2^31
            logits = tf.where(tf.range(tf.shape(logits)[-1]) < kept, logits, NEVER)
        probabilities = tf.nn.softmax(tf.cast(logits, tf.float64))
        if ids is not None:
            before = tf.cumsum(probabilities, axis=-1, exclusive=True)
            probabilities = tf.where(before < tf.cast(self.top_p, tf.float64), probabilities, 0.0)
        sums = tf.cumsum(probabilities, axis=-1)
        # Of what is drawn from, the last sum is the whole; a number below it falls to a token with a probability.
        wanted = uniform[..., None] * sums[..., -1:]
        place = tf.reduce_sum(tf.cast(sums <= wanted, tf.int32), axis=-1)
        return place if ids is None else tf.gather(ids, place, batch_dims=2)

    @property
    def _takes_all(self) -> bool:
        """Whether it is known that no token is left out, so that nothing need be sorted."""
        fixed = not tf.is_tensor(self.top_k) and not tf.is_tensor(self.top_p)
        return fixed and self.top_k == 0 and self.top_p == 1
