"""BERT-of-Theseus: blocks of a successor that stand in for modules of its predecessor, by chance."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from keras_bert.compression.distillation.settings import DistillationSettings


class ReplacedModule(keras.layers.Layer):
    """Computes a module of the predecessor, or in its place the successor's block, drawn anew in each training step.

    Only one of the two is computed. The predecessor computes as in prediction, without dropout; its weights are not
    trained. Outside of training it is always the successor.

    Args:
        successor: The student's block.
        predecessor: The teacher's blocks that it stands for, the lowest first.
        rate: The probability of the successor, a float scalar variable.
        seeds: What the draws come from.
        **kwargs: Those of `keras.layers.Layer`.

    Call arguments:
        hidden, attention_bias, padding_mask, first_token: As for `EncoderBlock`.

    References:
        Xu et al. 2020, arXiv:2002.02925, section 3.1.
    """

    def __init__(
        self,
        successor: Any,
        predecessor: Sequence[Any],
        rate: Any,
        seeds: keras.random.SeedGenerator,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=successor.dtype_policy, **kwargs)
        self.successor = successor
        self.predecessor = list(predecessor)
        self.rate = rate
        self.seeds = seeds
        self.built = True

    def call(
        self,
        hidden: Any,
        attention_bias: Any,
        padding_mask: Any = None,
        training: bool = False,
        first_token: bool = False,
    ) -> Any:
        """Computes the one or the other; see the class."""

        def successor() -> Any:
            return self.successor(hidden, attention_bias, padding_mask, training=training, first_token=first_token)

        if not training:
            return successor()

        def predecessor() -> Any:
            states = hidden
            for block in self.predecessor[:-1]:
                states = block(states, attention_bias, padding_mask, training=False)
            return self.predecessor[-1](states, attention_bias, padding_mask, training=False, first_token=first_token)

        return ops.cond(self._draw() < ops.convert_to_tensor(self.rate), successor, predecessor)

    def _draw(self) -> Any:
        """Draws a number from 0 to 1; replicas draw by themselves."""
        seed = tf.cast(tf.math.floormod(self.seeds.next(), tf.int32.max - 1), "int32")
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            seed = tf.random.experimental.stateless_fold_in(seed, context.replica_id_in_sync_group)
        return tf.random.stateless_uniform((), seed)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Describes what the successor gives."""
        return self.successor.compute_output_spec(*args, **kwargs)


def modules_of(teacher: Sequence[Any], student: int) -> list[list[Any]]:
    """Cuts the blocks of a predecessor into as many modules as the successor has blocks, as even as can be.

    Example:
        >>> modules_of("abcdef", 3)
        [['a', 'b'], ['c', 'd'], ['e', 'f']]
    """
    ends = [0, *DistillationSettings().layers(student, len(teacher))]
    return [list(teacher[start:end]) for start, end in itertools.pairwise(ends)]


def replacement_rate(settings: DistillationSettings, step: Any) -> Any:
    """Gives the probability of the successor at a step.

    `"linear"`: min(1, r + (1 - r) · step / steps); `"constant"`: r before `replacement_steps`, 1 from there on.

    Args:
        settings: With a `replacement_rate`.
        step: Updates made, an integer scalar.

    Returns:
        float32 scalar.

    References:
        Xu et al. 2020, arXiv:2002.02925, section 3.3.
    """
    rate, steps = settings.replacement_rate or 0.0, settings.replacement_steps
    done = ops.cast(step, "float32") / max(steps, 1)
    if settings.replacement_schedule == "linear":
        return ops.minimum(1.0, rate + (1.0 - rate) * done)
    return ops.where(done < 1.0, rate, 1.0) if steps else ops.convert_to_tensor(float(rate))
