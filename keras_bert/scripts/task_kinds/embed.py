"""`--task=embed`: texts as vectors, from pairs that belong together or pairs with a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import prompt_flags
from keras_bert.scripts.task_kinds.task_kind import TaskKind

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertEmbedder

FLAGS = flags.FLAGS

flags.DEFINE_enum(
    "objective",
    "ranking",
    ["ranking", "cosine"],
    "What pairs teach: ranking, that the two belong together, rather than with others of the batch; cosine, a score.",
)
flags.DEFINE_string("negative", None, "Column with a text that does not belong to --text, for --objective=ranking.")
flags.DEFINE_list("score_range", ["0", "1"], "Lowest and highest score, for --objective=cosine; STS-B has 0,5.")
flags.DEFINE_float("ranking_scale", 20.0, "Factor on the cosines in the loss of --objective=ranking.", lower_bound=0.0)
flags.DEFINE_bool("normalize", None, "Vectors have the length 1; by default as the preset says, or True.")


class Embed(TaskKind):
    """Rows with two texts, and with a score each for `--objective=cosine`; a `BertEmbedder`."""

    reads_long_texts = True
    task_class = "BertEmbedder"
    scored_by = "scipy.stats"
    more_flags = (prompt_flags,)
    own_poolings = ()
    joins_poolings = True

    def check_flags(self) -> None:
        """Refuses rows of one text, and what an embedder has not."""
        super().check_flags()
        if not FLAGS.text_pair:
            raise InputError(
                "--task=embed learns from pairs of texts; name the column of the second, --text_pair=COLUMN"
            )
        if FLAGS.new_pooler:
            raise InputError("--new_pooler does not go with --task=embed, which pools hidden states and has no pooler")
        if FLAGS.negative and FLAGS.objective == "cosine":
            raise InputError("--negative is for --objective=ranking")
        score_range()
        prompt_flags.defined_prompts()

    def compares_rows(self) -> bool:
        """Tells whether the other rows of a batch are negatives."""
        return FLAGS.objective == "ranking"

    def text_fields(self, task: Any) -> tuple[str, ...]:
        """Returns those of a pair, though each text is embedded alone."""
        del task
        return ("text", "text_pair")

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads pairs, with a score or a third text as the objective has it."""
        del labels
        if FLAGS.objective == "cosine":
            rows = self.read_rows(source, label_type="number")
            _check_scores(source, rows, score_range())
            return rows
        if not FLAGS.negative:
            return self.read_rows(source, label=False)
        import tensorflow as tf

        from keras_bert.graph import as_written

        # The third text is read as a text, not as a label, which would lose the white space at its ends.
        negatives = self.read_rows(source, label=False, text=FLAGS.negative, text_pair=None)
        return tf.data.Dataset.zip(self.read_rows(source, label=False), negatives).map(as_written(_with_negative))

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads pairs with scores if the model has learned from such, or `--label` names their column."""
        if task.objective == "cosine" or FLAGS["label"].present:
            rows = self.read_rows(source, label_type="number")
            if task.objective == "cosine":
                _check_scores(source, rows, task.score_range)
            return rows
        return self.read_rows(source, label=False)

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertEmbedder:
        """Makes the embedder."""
        from keras_bert.tasks import BertEmbedder

        del train, labels
        return BertEmbedder.from_preset(
            checkpoint,
            pooling=self.pooling(),
            normalize=FLAGS.normalize,
            objective=FLAGS.objective,
            scale=FLAGS.ranking_scale,
            score_range=score_range(),
            prompts=prompt_flags.defined_prompts(),
            row_prompts=prompt_flags.row_prompts(),
            **self.model_options(),
        )


def score_range() -> tuple[float, float]:
    """Returns --score_range."""
    try:
        low, high = (float(number) for number in FLAGS.score_range)
    except ValueError:
        raise InputError(f"--score_range: expected two numbers, such as 0,5, received: {FLAGS.score_range}") from None
    return low, high


def _check_scores(source: str, rows: tf.data.Dataset, allowed: tuple[float, float]) -> None:
    """Refuses a score outside the range, before anything is trained."""
    from keras_bert.data.sources.source_blocks import rows_before
    from keras_bert.graph import as_written

    low, high = allowed
    for number, label in enumerate(
        rows.map(as_written(lambda row: row["label"])).as_numpy_iterator(), start=1 + rows_before(source)
    ):
        if not low <= label <= high:
            raise InputError(
                f"{source}, row {number}: the score {label:g} is outside {low:g} to {high:g}; "
                "say the lowest and the highest, --score_range=LOW,HIGH"
            )


def _with_negative(pair: dict[str, Any], negative: dict[str, Any]) -> dict[str, Any]:
    return {**pair, "negative": negative["text"]}
