"""`--task=generate`: a text out of a text, such as a translation, a summary, a title, a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import generation_flags, packing_flags, smoothing_flags, target_flags
from keras_bert.scripts.generation_flags import given_settings
from keras_bert.scripts.packing_flags import check_packing
from keras_bert.scripts.target_flags import read_target_rows
from keras_bert.scripts.task_kinds.task_kind import ONE_VECTOR_FLAGS, TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tensorflow as tf

    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertSeq2Seq

FLAGS = flags.FLAGS

flags.DEFINE_string("train_target", None, "File with the target of each line of --train.")
flags.DEFINE_list("dev_target", None, "File with the target of each line of --dev, or several files.")
flags.DEFINE_list("test_target", None, "File with the target of each line of --test, or several files.")
flags.DEFINE_enum(
    "mask",
    None,
    ["prefix", "causal"],
    "What a source sees: prefix, itself whole; causal, what stands to the left. The preset's own, or prefix.",
)
flags.DEFINE_integer("max_target_length", None, "Tokens of a target, its end included; the preset's own, or 64.", 2)
flags.DEFINE_float(
    "target_dropout", None, "Share of the target tokens that training hides; the preset's own, or 0.", 0.0
)
flags.DEFINE_enum(
    "output_words",
    None,
    ["all", "targets"],
    "Pieces that the model may write; targets: those of the training targets alone, faster. The preset's own, or all.",
)

MOST_UNWRITABLE = 0.02
"""Share of words that the vocabulary cannot write above which there is a warning."""


class Generate(TaskKind):
    """Rows of a text and a target; a `BertSeq2Seq`."""

    task_class = "BertSeq2Seq"
    scored_by = "sacrebleu"
    more_flags = (target_flags, generation_flags, smoothing_flags, packing_flags)
    batch_flags = ("max_target_length", "packing")
    refused: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(ONE_VECTOR_FLAGS, "which reads one text and writes another"),
        **dict.fromkeys(("label", "labels", "weight"), "whose rows have a target, --target=COLUMN"),
    }

    def check_flags(self) -> None:
        """Refuses targets without their texts, and settings of the search that do not go together."""
        from keras_bert.tasks.generation.settings import GenerationSettings

        super().check_flags()
        for part in ("dev", "test"):
            if FLAGS[f"{part}_target"].value and not FLAGS[part].value:
                raise InputError(f"--{part}_target goes with --{part}, the texts")
        if FLAGS.label_smoothing is not None and not 0 <= FLAGS.label_smoothing < 1:
            raise InputError(f"--label_smoothing={FLAGS.label_smoothing:g}: expected a share, from 0 to below 1")
        check_packing()
        if FLAGS.packing and FLAGS.static_shapes == "on":
            raise InputError("--packing makes batches of several numbers of rows, --static_shapes one; leave one out")
        GenerationSettings(**{**_target_length(), **given_settings()})

    def scoring_modules(self) -> tuple[tuple[str, str], ...]:
        """Returns what BLEU and ROUGE need, if texts are scored."""
        return (("sacrebleu", "generate"), ("rouge_score", "generate")) if FLAGS.score_texts else ()

    def read(self, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads the training rows, each target a row."""
        del labels
        return read_target_rows(source, [FLAGS.train_target] if FLAGS.train_target else None, references=False)

    def read_part(self, part: str, source: str, labels: list[str] | None = None) -> tf.data.Dataset:
        """Reads the rows of --train, --dev or --test; those to be scored with all their targets."""
        if part == "train":
            return self.read(source)
        return read_target_rows(source, FLAGS[f"{part}_target"].value, references=True)

    def read_for(self, task: Any, source: str) -> tf.data.Dataset:
        """Reads texts and targets to score."""
        del task
        return read_target_rows(source, FLAGS.rows_target if "rows_target" in FLAGS else None, references=True)

    def build(self, checkpoint: Checkpoint, train: tf.data.Dataset, labels: list[str] | None) -> BertSeq2Seq:
        """Makes the model."""
        from keras_bert.graph import as_written
        from keras_bert.tasks import BertSeq2Seq
        from keras_bert.tasks.generation.output_ids import ids_in

        del labels
        names = ("label_smoothing", "max_target_length", "target_dropout")
        given: dict[str, Any] = {name: FLAGS[name].value for name in names if FLAGS[name].value is not None}
        if FLAGS.output_words == "all":
            given["output_ids"] = None
        elif FLAGS.output_words == "targets":
            given["output_ids"] = ids_in(checkpoint.tokenizer(), train.map(as_written(lambda row: row["target"])))
        task = BertSeq2Seq.from_preset(
            checkpoint,
            max_length=FLAGS.max_length,
            mask=FLAGS.mask,
            dtype=FLAGS.dtype_policy,
            generation=given_settings(),
            packing=FLAGS.packing,
            **given,
        )
        self.prepare(task)
        return task

    def prepare(self, task: Any) -> None:
        """Has texts be written and scored, unless --noscore_texts."""
        target_flags.set_scoring(task)

    def longest_row(self) -> int:
        """Returns the tokens of a text and its target."""
        return FLAGS.max_length + (FLAGS.max_target_length or 64)

    def describe(self, task: Any, parts: Mapping[str, tf.data.Dataset]) -> None:
        """Says what is cut, which words cannot be written, and what the scores of no model are."""
        from keras_bert.tasks.generation.coverage import count_cuts

        lengths = (task.preprocessor.max_length, task.max_target_length)
        for part, rows in parts.items():
            cuts = count_cuts(task.tokenizer, rows, *lengths)
            if cuts.texts:
                print(
                    f"{part}: {cuts.texts:,} of {cuts.rows:,} texts are longer than --max_length={lengths[0]}, and cut"
                )
            if cuts.targets and part == "train":
                print(
                    f"{part}: {cuts.targets:,} of {cuts.rows:,} targets are longer than --max_target_length="
                    f"{lengths[1]}; they are cut, and have no end to be learnt"
                )
        if "train" in parts:
            _describe_words(task, parts["train"])
        if "dev" in parts:
            for name, scores in target_flags.baselines(task, parts["dev"]).get("baselines", {}).items():
                shown = ", ".join(f"{key} {scores[key]:.2f}" for key in ("bleu", "chrf", "rouge_l"))
                words = f" ({scores['words']} words)" if "words" in scores else ""
                print(f"dev, without a model: {name}{words}: {shown}", flush=True)

    def facts(self, task: Any, rows: tf.data.Dataset) -> dict[str, Any]:
        """Returns the baselines, and how the scores were counted."""
        return target_flags.baselines(task, rows)


def _describe_words(task: Any, train: tf.data.Dataset) -> None:
    from keras_bert.tasks.generation.coverage import unwritable

    found = unwritable(task.tokenizer, train)
    if found.share:
        line = (
            f"targets: {100 * found.share:.2f} % of {found.words:,} words cannot be written by the vocabulary, "
            f"{task.tokenizer.vocabulary_size:,} entries: {', '.join(found.examples)}"
        )
        if found.share > MOST_UNWRITABLE:
            logging.warning("%s; take another preset, or learn a vocabulary of them: keras-bert vocabulary", line)
        else:
            print(line)
    if found.lost_share:
        print(
            f"targets: the vocabulary is lower-cased or without accents, so what the model writes is, too; "
            f"{100 * found.lost_share:.1f} % of the words are not, such as {', '.join(found.lost_examples)}",
            flush=True,
        )


def _target_length() -> dict[str, Any]:
    return {} if FLAGS.max_target_length is None else {"max_new_tokens": FLAGS.max_target_length}
