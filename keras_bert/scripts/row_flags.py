"""The flags that say where the text and the labels of a row are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError

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


def check_texts(source: str, fields: tuple[str, ...]) -> None:
    """Checks that the flags name as many columns of text as a model takes.

    Args:
        source: What is to be read, for the message.
        fields: The model's `text_fields`.

    Raises:
        InputError: One column too few, or one too many.
    """
    if len(fields) == 2 and FLAGS.text_pair is None:
        raise InputError(f"{source}: the model takes pairs of texts; name the column of the second, --text_pair=COLUMN")
    if len(fields) == 1 and FLAGS.text_pair is not None:
        raise InputError(f"{source}: the model takes one text, not pairs; leave out --text_pair")
