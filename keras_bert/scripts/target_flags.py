"""The flags that say where the texts to be written are, and how written texts are compared with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tensorflow as tf

FLAGS = flags.FLAGS

flags.DEFINE_list(
    "target", ["target"], "Column with the text to be written; several columns, or a list in JSON: several right texts."
)
flags.DEFINE_bool("merge_targets", False, "Score rows with the same text as one, against the targets of all of them.")
flags.DEFINE_bool(
    "score_texts", True, "Write the rows to be scored, for BLEU, chrF, ROUGE and exact match; no: score tokens alone."
)
flags.DEFINE_enum(
    "bleu_tokenize",
    None,
    ["13a", "intl", "zh", "char", "none"],
    "How sacrebleu cuts texts for BLEU; by default zh where most letters of the targets are Chinese, else 13a.",
)
flags.DEFINE_bool(
    "score_lowercase",
    None,
    "Score without case; by default where the vocabulary is lower-cased and writes no capitals.",
)


def read_target_rows(source: str, target_files: Sequence[str] | None, references: bool) -> tf.data.Dataset:
    """Reads texts and targets as the flags say.

    Args:
        source: As for `keras_bert.data.read_targets`.
        target_files: Parallel files of targets, in place of columns.
        references: Keep the targets of a text together.

    Raises:
        InputError: A flag of tables with parallel files; or as `read_targets`.
    """
    from keras_bert.data import read_targets

    options: dict[str, Any] = row_flags.file_options()
    if target_files:
        if FLAGS.target != FLAGS["target"].default:
            raise InputError(f"--target names columns, but {source} has its targets in files of their own")
    else:
        options |= {"target": FLAGS.target, "text": FLAGS.text, "columns": FLAGS.columns, "data_dir": FLAGS.data_dir}
    return read_targets(
        source,
        target_files=target_files or (),
        references=references,
        merge=references and FLAGS.merge_targets,
        **options,
    )


def set_scoring(task: Any) -> None:
    """Has a model that writes be scored by its texts or its tokens alone, as the flags say."""
    from keras_bert.tasks.generation.scores import TextScoring

    task.text_scoring = TextScoring(FLAGS.bleu_tokenize, FLAGS.score_lowercase) if FLAGS.score_texts else None


def baselines(task: Any, rows: tf.data.Dataset) -> dict[str, Any]:
    """Returns what the scores of texts are read beside: `baselines`, and sacrebleu's `signatures`."""
    from keras_bert.evaluation import baseline_scores, score_signatures
    from keras_bert.tasks.generation.scores import texts_of

    if task.text_scoring is None:
        return {}
    sources, references = texts_of(rows)
    tokenize, lowercase = task.text_scoring
    how = (tokenize, task.tokenizer.lowercase if lowercase is None else lowercase)
    return {
        "signatures": score_signatures(references, *how),
        "baselines": baseline_scores(sources, references, *how),
    }
