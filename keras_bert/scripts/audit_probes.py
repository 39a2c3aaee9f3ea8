"""The probes of `keras-bert audit`: what each reads and asks, as the flags say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.model_settings import open_model, take_row_settings

if TYPE_CHECKING:
    from keras_bert.checkpoints.checkpoint import Checkpoint
    from keras_bert.tasks import BertTask
    from keras_bert.trust.audit.finding import Finding

FLAGS = flags.FLAGS

Found = tuple["Finding", dict[str, float]]
"""A finding, and what the model's answers may follow."""

DRAWN = ("calibration", "groups")
"""Probes that draw a picture."""

OF_PROBES = {
    "apply": ("calibration",),
    "accuracy": ("calibration",),
    "group": ("groups",),
    "least_rows": ("groups",),
    "fillers": ("templates",),
    "compare": ("templates",),
    "draws": ("groups", "templates"),
    "encodings": ("association",),
    "label_names": ("behaviour",),
    "seed": ("behaviour", "labels"),
    **dict.fromkeys(("preset", "folds", "epochs", "learning_rate", "train_batch_size", "max_length"), ("labels",)),
}
"""Flag → the probes that read it."""


def check_flags() -> None:
    """Refuses flags that the probe does not read, and those that are missing; an `InputError`."""
    for name, probes in OF_PROBES.items():
        if FLAGS[name].present and FLAGS.probe not in probes:
            raise InputError(f"--{name} is for --probe={' and '.join(probes)}; --probe={FLAGS.probe} does not read it")
    if FLAGS.probe == "groups" and not FLAGS.group:
        raise InputError("--probe=groups compares the groups of a column; name it, --group=COLUMN")
    if FLAGS.probe == "templates" and not FLAGS.fillers:
        raise InputError("--probe=templates needs what to put into the {placeholders}; name it, --fillers=FILE.json")
    if FLAGS.accuracy is not None and not 0 < FLAGS.accuracy <= 1:
        raise InputError(f"--accuracy={FLAGS.accuracy:g}: expected the share of right answers wanted, such as 0.95")
    if FLAGS.probe != "labels" and not FLAGS.model:
        raise InputError(f"--probe={FLAGS.probe} asks a model; name it, --model=FOLDER")
    if FLAGS.probe == "labels":
        if bool(FLAGS.model) == bool(FLAGS.preset):
            raise InputError(
                "--probe=labels needs --preset, a checkpoint to train fold by fold; or --model, trained on other rows"
            )
        trained = [name for name in ("folds", "epochs", "learning_rate") if FLAGS[name].present]
        if FLAGS.model and trained:
            raise InputError(f"--{trained[0]} is for --preset: a --model is asked as it is")
        if not FLAGS.output:
            raise InputError("--probe=labels writes a file with the rows; name a folder for it, --output=FOLDER")


def _checkpoint() -> Checkpoint:
    from keras_bert.checkpoints import open_checkpoint

    return open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)


def _task(labelled: bool = True) -> BertTask:
    """Opens the model, and has rows be read as they were in training."""
    checkpoint = _checkpoint()
    take_row_settings(checkpoint, labelled)
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    row_flags.check_texts(FLAGS.rows, task.text_fields)
    return task


def _plain_task() -> BertTask:
    """Opens the model for data sets with fields of their own."""
    return open_model(_checkpoint())


def _any_task() -> BertTask:
    """Opens the model for its encoder, which may be all that there is."""
    from keras_bert.tasks import BertEmbedder
    from keras_bert.tasks.open_task import task_class

    checkpoint = _checkpoint()
    try:
        task_class(checkpoint)
    except InputError:
        return BertEmbedder.from_preset(checkpoint)
    return open_model(checkpoint)


def _labelled_rows(task: BertTask) -> Any:
    from keras_bert.scripts.task_kinds import kind_of
    from keras_bert.trust.audit.class_outputs import check_classifier

    check_classifier(task, FLAGS.probe)
    return kind_of(task).read_for(task, FLAGS.rows)


def _calibration() -> Found:
    from keras_bert.trust import measure_calibration

    task = _task()
    found = measure_calibration(task, _labelled_rows(task), FLAGS.accuracy, FLAGS.batch_size, FLAGS.rows)
    return found.finding, {"temperature": found.temperature, "abstain_below": found.abstain_below}


def _groups() -> Found:
    from keras_bert.trust import audit_groups

    task = _task()
    rows = _labelled_rows(task)
    groups = [values[0] for values in row_flags.read_columns(FLAGS.rows, [FLAGS.group])]
    options = {"least_rows": FLAGS.least_rows, "draws": FLAGS.draws, "batch_size": FLAGS.batch_size}
    return audit_groups(task, rows, groups, where=FLAGS.rows, column=FLAGS.group, **options), {}


def _templates() -> Found:
    from keras_bert.foreign_files import read_json
    from keras_bert.trust import audit_templates, read_fillers

    value = read_json(FLAGS.fillers)
    if value is None:
        raise InputError(f"{FLAGS.fillers}: no such file (--fillers)")
    fillers = read_fillers(value, FLAGS.fillers)
    task = _task(labelled=False)
    names = [FLAGS.text, *([FLAGS.text_pair] if FLAGS.text_pair else [])]
    rows = row_flags.read_rows(FLAGS.rows, label=False).as_numpy_iterator()
    fields = ("text", "text_pair")[: len(names)]
    templates = [tuple(row[field].decode() for field in fields) for row in rows]
    options = {"draws": FLAGS.draws, "batch_size": FLAGS.batch_size, "where": FLAGS.rows}
    return audit_templates(task, templates, fillers, FLAGS.compare, **options), {}


def _pairs() -> Found:
    from keras_bert.trust import audit_pairs, read_pairs

    pairs = read_pairs(FLAGS.rows)
    return audit_pairs(_plain_task(), pairs, FLAGS.batch_size, FLAGS.rows), {}


def _stereotypes() -> Found:
    from keras_bert.trust import audit_stereotypes, read_stereoset

    clusters = read_stereoset(FLAGS.rows)
    return audit_stereotypes(_plain_task(), clusters, FLAGS.batch_size, FLAGS.rows), {}


def _association() -> Found:
    from keras_bert.trust import audit_association, read_association

    tests = read_association(FLAGS.rows)
    return audit_association(_any_task(), tests, FLAGS.encodings, batch_size=FLAGS.batch_size, where=FLAGS.rows), {}


def _behaviour() -> Found:
    from keras_bert.trust import behave

    names = label_names(FLAGS.label_names)
    task = open_model(_checkpoint(), text_pair=FLAGS["text_pair"].present > 0)
    report = behave(task, FLAGS.rows, label_names=names, seed=FLAGS.seed, batch_size=FLAGS.batch_size)
    return report.finding(FLAGS.rows), {}


def label_names(parts: list[str]) -> dict[str, str]:
    """Reads --label_names.

    Raises:
        InputError: A part that is not of the form class:class.
    """
    names = {}
    for part in parts:
        name, colon, label = part.rpartition(":")
        if not (name and colon and label):
            raise InputError(f"--label_names={part}: expected a class of the suite, a colon and the model's class")
        names[name] = label
    return names


def _labels() -> Found:
    from keras_bert.trust import audit_labels

    if FLAGS.model:
        task = _task()
        rows = _labelled_rows(task)
        return audit_labels(task, rows, batch_size=FLAGS.batch_size, where=FLAGS.rows), {}
    import keras

    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.data.sources.labels import label_names
    from keras_bert.tasks import BertClassifier

    keras.utils.set_random_seed(FLAGS.seed)
    checkpoint = open_checkpoint(FLAGS.preset, pad_vocabulary=FLAGS.pad_vocabulary)
    rows = row_flags.read_rows(FLAGS.rows, label_type="class", labels=FLAGS.labels or None)
    labels = FLAGS.labels or label_names(rows)

    def build() -> BertClassifier:
        return BertClassifier.from_preset(
            checkpoint, labels=labels, max_length=FLAGS.max_length, text_pair=FLAGS.text_pair is not None
        )

    names = ("folds", "epochs", "learning_rate", "train_batch_size", "batch_size", "seed")
    options: dict[str, Any] = {name: FLAGS[name].value for name in names}
    return audit_labels(build, rows, where=FLAGS.rows, **options), {}


PROBES: dict[str, Callable[[], Found]] = {
    "association": _association,
    "behaviour": _behaviour,
    "calibration": _calibration,
    "groups": _groups,
    "labels": _labels,
    "pairs": _pairs,
    "stereotypes": _stereotypes,
    "templates": _templates,
}
"""The values of `--probe`."""
