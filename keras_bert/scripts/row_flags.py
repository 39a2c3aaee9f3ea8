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
flags.DEFINE_list("labels", None, "The classes, in the order of the outputs; by default sorted, or the model's own.")
flags.DEFINE_list("columns", None, "Names of all columns of a .csv or .tsv file without a header line.")
flags.DEFINE_string("label_separator", "|", "What divides the labels of a row with several, in .csv and .tsv.")
flags.DEFINE_string("data_dir", None, "TFDS's folder of data sets, for tfds: sources.")

flags.DEFINE_string("weight", None, "Column with the weight of a row in the loss, 0 or more.")
flags.DEFINE_string(
    "encoding", None, "Encoding of files, such as gb18030; by default a file's byte-order mark, or UTF-8."
)
flags.DEFINE_string("delimiter", None, "What divides fields; by default a comma in .csv, a tab in .tsv.")
flags.DEFINE_bool("quoting", None, "Fields may stand in quotation marks; by default in .csv, not in .tsv.")
flags.DEFINE_integer("max_line_bytes", 1 << 24, "A longer line of a file is an error.", lower_bound=1)

flags.DEFINE_list(
    "choices", None, "Columns with the choices of a text, or one field of a .jsonl file with a list of them."
)
flags.DEFINE_string("question", None, "Column with a question about the text, whose answers the --choices are.")

# Of rows whose words have labels
flags.DEFINE_string("words", None, "Field of a .jsonl file with the words, whose tags are in --label.")
flags.DEFINE_string("document", None, "Field of a .jsonl file that says which document a row is of.")
flags.DEFINE_integer("word_column", 0, "Column of a CoNLL file with the words, from 0.")
flags.DEFINE_integer("tag_column", -1, "Column of a CoNLL file with the tags; the last.")
flags.DEFINE_enum(
    "tag_scheme",
    "auto",
    ["auto", "IOB2", "IOB1", "IOB", "BIOES", "BIOS", "IO", "plain"],
    "How tags mark entities; auto: the strictest that allows all of them.",
)
flags.DEFINE_string("word_separator", " ", "What stands between words in a text; '' for Chinese by characters.")


def read_rows(source: str, label: bool = True, **options: Any) -> tf.data.Dataset:
    """Reads a source of rows as the flags say.

    Args:
        source: As for `keras_bert.data.read`.
        label: Read the label as well.
        **options: Further arguments of `keras_bert.data.read`, in place of the flags.
    """
    from keras_bert.data import read

    return read(
        source,
        **{
            "text": FLAGS.text,
            "text_pair": FLAGS.text_pair,
            "label": FLAGS.label if label else None,
            "columns": FLAGS.columns,
            "label_separator": FLAGS.label_separator,
            "data_dir": FLAGS.data_dir,
            "weight": FLAGS.weight if label else None,
            **file_options(),
            **options,
        },
    )


def read_choice_rows(source: str, label: bool = True) -> tf.data.Dataset:
    """Reads a source of texts with choices as the flags say.

    Args:
        source: As for `keras_bert.data.read_choices`.
        label: Read the number of the right choice as well.
    """
    from keras_bert.data import read_choices

    if not FLAGS.choices:
        raise InputError(f"{source}: the model takes a text and its choices; name their columns, --choices=COLUMN,...")
    return read_choices(
        source,
        text=FLAGS.text,
        choices=FLAGS.choices[0] if len(FLAGS.choices) == 1 else FLAGS.choices,
        label=FLAGS.label if label else None,
        question=FLAGS.question,
        columns=FLAGS.columns,
        data_dir=FLAGS.data_dir,
        **file_options(),
    )


def line_options() -> dict[str, Any]:
    """Returns how lines are written, as the flags say: arguments of every reader of text."""
    return {"encoding": FLAGS.encoding, "max_line_bytes": FLAGS.max_line_bytes}


def file_options() -> dict[str, Any]:
    """Returns how files with columns are written, as the flags say: arguments of `keras_bert.data.read`."""
    delimiter = "\t" if FLAGS.delimiter == "\\t" else FLAGS.delimiter
    return {**line_options(), "quoting": FLAGS.quoting, "delimiter": delimiter}


def read_tagged_rows(source: str, **options: Any) -> tf.data.Dataset:
    """Reads a source of tagged words as the flags say.

    Args:
        source: As for `keras_bert.data.read_tags`.
        **options: Further arguments of `keras_bert.data.read_tags`, in place of the flags.
    """
    from keras_bert.data import read_tags

    return read_tags(
        source,
        **{
            "words": FLAGS.words,
            "text": FLAGS.text,
            "label": FLAGS.label,
            "document": FLAGS.document,
            "scheme": FLAGS.tag_scheme,
            "separator": FLAGS.word_separator,
            "word_column": FLAGS.word_column,
            "tag_column": FLAGS.tag_column,
            **line_options(),
            **options,
        },
    )


def read_word_rows(source: str, label: bool = False) -> tf.data.Dataset:
    """Reads a .jsonl file of texts that are split into words, in the field of `--words`.

    Returns:
        Dicts of `words`, string (words,).
    """
    from pathlib import Path

    import tensorflow as tf

    from keras_bert.data.sources.json_lines_file import read_json_lines

    del label
    if not str(source).endswith((".jsonl", ".jsonl.gz", ".json")):
        raise InputError(f"{source}: --words names a field of a .jsonl file")
    rows = []
    for number, (words,) in read_json_lines(Path(source), [FLAGS.words]):
        if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
            raise InputError(
                f"{source}, line {number}: field {FLAGS.words!r}: expected a list of strings, none empty, "
                f"found {words!r:.60}"
            )
        rows.append(words)
    if not rows:
        raise InputError(f"{source}: there are no rows")
    return tf.data.Dataset.from_tensor_slices({"words": tf.ragged.constant(rows)})


def read_columns(source: str, names: list[str]) -> list[list[Any]]:
    """Reads columns of a source as they stand there, a list for each row.

    Args:
        source: As for `keras_bert.data.read`.
        names: The columns.
    """
    from keras_bert.data.sources.lines import TextFormat
    from keras_bert.data.sources.read import open_source

    text_format = TextFormat(**file_options())
    found = open_source(source, names, FLAGS.columns, None, FLAGS.data_dir, text_format)
    return [values for _, values in found.rows]


def check_texts(source: str, fields: tuple[str, ...]) -> None:
    """Checks that the flags name as many columns of text as a model takes.

    Args:
        source: What is to be read, for the message.
        fields: The model's `text_fields`.

    Raises:
        InputError: One column too few, or one too many.
    """
    if "choices" in fields:
        if ("question" in fields) != (FLAGS.question is not None):
            takes = "name its column, --question=COLUMN" if "question" in fields else "leave out --question"
            has = "a question about each text" if "question" in fields else "no question beside text and choices"
            raise InputError(f"{source}: the model takes {has}; {takes}")
        return  # `read_choice_rows` has said the rest
    if len(fields) == 2 and FLAGS.text_pair is None:
        raise InputError(f"{source}: the model takes pairs of texts; name the column of the second, --text_pair=COLUMN")
    if len(fields) == 1 and FLAGS.text_pair is not None:
        raise InputError(f"{source}: the model takes one text, not pairs; leave out --text_pair")
