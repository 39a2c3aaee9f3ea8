"""What training starts from where there are no weights: an architecture by the flags, and a vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

if TYPE_CHECKING:
    from keras_bert.checkpoints.checkpoint import Checkpoint

FLAGS = flags.FLAGS

HIDDEN_SIZE, NUM_HIDDEN_LAYERS = 256, 4
"""The sizes where no flag says others."""


def random_weights(longest: int) -> Checkpoint:
    """Returns a checkpoint without weights, of --config, or of --hidden_size and --num_hidden_layers.

    Args:
        longest: Tokens of a row at most; the position table has 512 rows, or as many.
    """
    from keras_bert.checkpoints import without_weights
    from keras_bert.config import BertConfig

    if FLAGS.config:
        return without_weights(FLAGS.config, FLAGS.vocabulary, FLAGS.lowercase, FLAGS.pad_vocabulary)
    size = FLAGS.hidden_size or HIDDEN_SIZE
    config = BertConfig(
        hidden_size=size,
        num_hidden_layers=FLAGS.num_hidden_layers or NUM_HIDDEN_LAYERS,
        num_attention_heads=max(1, size // 64),
        intermediate_size=4 * size,
        max_position_embeddings=max(512, longest),
    )
    return without_weights(config, FLAGS.vocabulary, FLAGS.lowercase, FLAGS.pad_vocabulary)
