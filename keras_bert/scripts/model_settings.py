"""What a saved model says of its rows, and the flags that say otherwise; opening it as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts.generation_flags import generation_options

if TYPE_CHECKING:
    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks.base.task import BertTask

FLAGS = flags.FLAGS

# Where things are in a file, which another file may well have elsewhere; all other flags change the text or the labels.
_PLACES = {"text", "text_pair", "label", "columns", "choices", "question", "words", "document", "target"}
_PLACES |= {"bleu_tokenize", "score_lowercase", "merge_targets"}  # how written texts are scored
# Of one machine or one file, or of the model's outputs, which its config.json names.
_NOT_KEPT = ("data_dir", "labels", "weight", "delimiter", "encoding", "quoting", "max_line_bytes", "score_texts")


def row_settings() -> dict[str, Any]:
    """Returns the flags that say how rows are read, those with other values than their defaults, to be kept."""
    return {flag.name: flag.value for flag in _row_flags() if flag.value != flag.default}


def take_row_settings(checkpoint: Checkpoint, labelled: bool = True) -> None:
    """Sets the flags that say how rows are read as they were in training; one that was given stays, with a line.

    Args:
        checkpoint: That of the model; folders that `keras-bert finetune` did not write keep no such settings.
        labelled: The rows have labels. An embedder learns from pairs, and is asked for single texts.

    Raises:
        InputError: The folder keeps what is no value of a flag.
    """
    extra = checkpoint.extra
    trained = dict(extra.get("rows") or {})
    if not labelled and not extra.get("text_pair"):
        trained.pop("text_pair", None)
    trained |= {name: value for name, value in (extra.get("tagging") or {}).items() if name == "word_separator"}
    for flag in _row_flags():
        if "rows" not in extra and flag.name not in trained:
            continue
        value = trained.get(flag.name, flag.default)
        if not _fits(flag, value):
            raise InputError(
                f"{checkpoint.source}: keras_bert.json keeps {flag.name}={value!r:.80} of the training rows, no value "
                f"of --{flag.name}; delete it there"
            )
        if not flag.present:
            flag.value = value
        elif flag.value != value:
            level = logging.INFO if flag.name in _PLACES else logging.WARNING
            was = f"with --{flag.name}={_shown(value)}" if value is not None else f"without --{flag.name}"
            logging.log(level, "the model was trained %s; here it is %s", was, _shown(flag.value))


def open_model(checkpoint: Checkpoint, text_pair: bool = False, **options: Any) -> BertTask:
    """Opens a trained model as the task that it is of, with the classes of `--labels`.

    Args:
        checkpoint: The model's.
        text_pair: A pair of texts is asked for. That decides where the folder does not say, as those of Hugging Face do
            not.
        **options: Further arguments of the task's `from_preset`.

    Raises:
        InputError: The model takes one text, or has other outputs than `--labels` names.
    """
    from keras_bert.checkpoints.heads import SEQUENCES, TOKENS, head_of
    from keras_bert.tasks import open_task

    head = head_of(checkpoint)
    options |= generation_options(checkpoint)
    if text_pair and head == SEQUENCES and "text_pair" not in checkpoint.extra:
        options["text_pair"] = True
    if FLAGS.labels:
        if head not in (SEQUENCES, TOKENS) or len(checkpoint.labels or ()) < 2:
            raise InputError(f"--labels: {checkpoint.source} has no classes to be named")
        options["labels"] = FLAGS.labels
    task = open_task(checkpoint, **options)
    if FLAGS.labels and task.load_report is not None and "classifier.weight" in task.load_report.new:
        own = ", ".join((checkpoint.labels or [])[:12])
        raise InputError(f"--labels: {checkpoint.source} has a trained head for other classes: {own}")
    # An embedder learns from pairs, and is scored by them.
    if text_pair and task.text_fields == ("text",) and not task.takes_prompts:
        raise InputError(f"{checkpoint.source}: the model takes one text, not pairs; leave out --text_pair")
    return task


def _row_flags() -> list[flags.Flag]:
    modules = ("keras_bert.scripts.row_flags", "keras_bert.scripts.target_flags")
    found = [flag for module in modules for flag in FLAGS.get_flags_for_module(module)]
    return [flag for flag in found if flag.name not in _NOT_KEPT]


def _fits(flag: flags.Flag, value: Any) -> bool:
    """Tells whether a value of JSON is of a flag's kind."""
    if value is None or isinstance(value, list) != isinstance(flag.parser, flags.BaseListParser):
        return value is None
    if isinstance(value, list):
        return all(isinstance(part, str) for part in value)
    kind = {"int": int, "bool": bool}.get(flag.flag_type(), str)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _shown(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else repr(value)
