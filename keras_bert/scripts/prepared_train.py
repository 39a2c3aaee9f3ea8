"""Folders of `keras-bert prepare` in the place of files of rows: what `finetune` takes from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts.input_files import is_prepared, names_several
from keras_bert.scripts.task_kinds import KINDS

if TYPE_CHECKING:
    import types
    from collections.abc import Mapping, Sequence

    import tensorflow as tf

    from keras_bert.data.shards.prepared import PreparedExamples

FLAGS = flags.FLAGS


def prepared_train() -> PreparedExamples | None:
    """Opens `--train` if it is a folder of prepared examples, and sets the flags as they were when it was made.

    Raises:
        InputError: The folder is not as it was written; a flag that was given says otherwise.
    """
    from keras_bert.data.shards.prepared import PreparedExamples

    if not is_prepared(FLAGS.train):
        return None
    found = PreparedExamples(FLAGS.train)
    for name, value in found.manifest.settings["flags"].items():
        if name not in FLAGS:
            raise InputError(f"{FLAGS.train}: prepared with --{name}, which there is not; prepare the rows again")
        flag = FLAGS[name]
        if not flag.present:
            flag.value = value
            flag.present = 1  # said, though not here
        elif flag.value != value and name == "task":
            raise InputError(f"{FLAGS.train}: prepared for --task={value}, not for --task={flag.value}")
    return found


def rows_of(part: str, source: str, labels: list[str] | None) -> tf.data.Dataset | PreparedExamples:
    """Reads the rows of `--dev` or `--test`; prepared ones are taken where numbers are enough for the scores."""
    kind = KINDS[FLAGS.task]
    if not is_prepared(source):
        return kind.read_part(part, source, labels)
    if not kind.scores_examples:
        raise InputError(
            f"{source}: prepared examples are numbers, and --task={FLAGS.task} is scored by its texts; name a file of "
            f"rows, --{part}=FILE"
        )
    from keras_bert.data.shards.prepared import PreparedExamples

    return PreparedExamples(source)


def in_memory(parts: Mapping[str, Any]) -> dict[str, tf.data.Dataset]:
    """Returns the parts whose rows are there to be looked at, and not prepared."""
    import tensorflow as tf

    return {part: rows for part, rows in parts.items() if isinstance(rows, tf.data.Dataset)}


def build(kind: Any, checkpoint: Any, train: Any, labels: list[str] | None) -> Any:
    """Makes the model for rows in memory or for prepared ones, of which the labels are counted."""
    from keras_bert.data.shards.prepared import PreparedExamples

    if isinstance(train, PreparedExamples):
        train = kind.counted(train.manifest.settings["label_counts"])
    return kind.build(checkpoint, train, labels)


def refuse_with_prepared(names: tuple[str, ...]) -> None:
    """Refuses flags that need the rows themselves; an `InputError`."""
    if names_several(FLAGS.train) and not FLAGS.stream:
        raise InputError(
            f"--train={FLAGS.train}: several files are trained on with --stream, or made ready by keras-bert prepare"
        )
    if is_prepared(FLAGS.train) and FLAGS.stream:
        raise InputError(f"--stream is for rows that are not prepared; {FLAGS.train} is a folder of examples")
    if FLAGS.stream and FLAGS.strategy == "multi_worker":
        raise InputError("--stream is for one process; make the examples once with keras-bert prepare, --train=FOLDER")
    for name in names:
        if (is_prepared(FLAGS.train) or FLAGS.stream) and FLAGS[name].value != FLAGS[name].default:
            why = "--stream" if FLAGS.stream else f"{FLAGS.train} is prepared"
            raise InputError(f"--{name} needs the rows in memory, --train=FILE; {why}")


def stream_folder() -> str:
    """Returns where `--stream` keeps the examples until the run is finished: beside its output."""
    return f"{FLAGS.output.rstrip('/')}.examples"


def streamed_train(modules: Sequence[types.ModuleType]) -> PreparedExamples:
    """Prepares the rows of `--train` beside the output of the run, or finds them there from before it was stopped.

    Args:
        modules: Those of `finetune` with the flags of its task.

    Raises:
        InputError: As `prepare_rows`; or what stands there is something else.
    """
    from keras_bert.data.shards.prepared import PreparedExamples
    from keras_bert.scripts.preparation import prepare_rows

    prepare_rows(modules, stream_folder(), overwrite=FLAGS.overwrite)
    return PreparedExamples(stream_folder())
