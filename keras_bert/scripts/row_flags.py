"""The flags that say where the text and the labels of a row are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

if TYPE_CHECKING:
    import tensorflow as tf

FLAGS = flags.FLAGS

flags.DEFINE_string("text", "text", "Column with the text.")
flags.DEFINE_string("text_pair", None, "Column with the second text, for tasks on pairs.")
flags.DEFINE_string("label", "label", "Column with the label.")
flags.DEFINE_list("columns", None, "Names of all columns of a .csv or .tsv file without a header line.")
flags.DEFINE_string("label_separator", "|", "What divides the labels of a row with several, in .csv and .tsv.")
flags.DEFINE_string("data_dir", None, "TFDS's folder of data sets, for tfds: sources.")


def read_rows(source: str, label: bool = True, **options: Any) -> tf.data.Dataset:
    """Reads a source of rows as the flags say.

    Args:
        source: As for `keras_bert.data.read`.
        label: Read the label as well.
        **options: Further arguments of `keras_bert.data.read`.
    """
    from keras_bert.data import read

    return read(
        source,
        text=FLAGS.text,
        text_pair=FLAGS.text_pair,
        label=FLAGS.label if label else None,
        columns=FLAGS.columns,
        label_separator=FLAGS.label_separator,
        data_dir=FLAGS.data_dir,
        **options,
    )
