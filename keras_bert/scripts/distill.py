r"""Trains a small model, the student, by a large one, its teacher.

    keras-bert distill --teacher=runs/sst2/model --train=sst2/train.tsv --dev=sst2/dev.tsv --text=sentence \
        --label=label --layers=3 --output=runs/sst2-small
    keras-bert distill --teacher=minilm --train=texts.txt --label_share=0 --relations=QQ,KK,VV --relation_heads=12 \
        --layers=3 --output=runs/minilm-3

The student has the teacher's task, labels and tokenizer. It begins with blocks of the teacher (--layers,
--teacher_layers), with a checkpoint of its own (--student), or with nothing (--hidden_size). It learns from the true
labels and from the teacher's outputs, by --label_share, and where asked from what goes on inside of it: --relations,
--hidden_weight, --attention_weight; or takes the places of its blocks one by one, --replacement_rate.

A teacher without the head of a task, or with that of pre-training, teaches its encoder and the mean of its hidden
states, on texts of any kind: a .txt file, a text a line.

Rows are read as they were for the teacher, unless a flag says otherwise. What lies in --output, and how a run goes on
that was stopped, is as for `keras-bert finetune`.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, distillation_flags, row_flags, training_flags
from keras_bert.scripts.flag_file import flag_lines
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.compression import Distiller
    from keras_bert.training import Run

FLAGS = flags.FLAGS

flags.DEFINE_string("teacher", None, "The trained model to learn from: a folder, hf://org/name, or minilm.")
flags.DEFINE_string("train", None, "Rows to train on: a file, tfds:NAME; or texts a line, a .txt file.")
flags.DEFINE_string("dev", None, "Labelled rows to choose the best epoch by.")
flags.DEFINE_string("test", None, "Labelled rows to score once, with the best epoch.")
flags.DEFINE_integer("epochs", 3, "Passes over the training rows.", lower_bound=1)
flags.DEFINE_integer(
    "early_stopping", 0, "Stop after this many epochs without a better score; 0: never.", lower_bound=0
)
flags.DEFINE_integer("evaluations_per_epoch", 1, "How often an epoch is scored on --dev.", lower_bound=1)
flags.DEFINE_string("monitor", None, "The score on --dev that makes an epoch the best; the task's own.")
flags.DEFINE_bool("dry_run", False, "Read and check everything, train two steps, write nothing.")
flags.register_validator("teacher", bool, message="name the model to learn from, --teacher=FOLDER")
flags.register_validator("train", bool, message="name the rows to train on, --train=FILE")
flags.register_validator("output", bool, message="name the folder of the run, --output=FOLDER")

LEFT_OUT = ("overwrite", "dry_run", "worker")
"""Flags that `flags.txt` does not hold."""

_PARTS = ("train", "dev", "test")
_LINES = 4096
_WITHOUT_LABELS = ("BertClassifier", "BertRegressor", "BertEmbedder")


def run() -> None:
    """Runs the program."""
    run_program(main, *_modules())


def main() -> None:
    """Distils as the flags say, and prints the metrics."""
    if metrics := distill():
        print(to_json(metrics))


def distill() -> dict[str, Any]:
    """Distils as the flags say.

    Returns:
        What `metrics.json` holds, see `keras-bert finetune`; nothing for a dry run or a profile.
    """
    import keras
    import tensorflow as tf

    from keras_bert.compression import Distiller, make_student
    from keras_bert.scripts.task_kinds import kind_of
    from keras_bert.training import data_fingerprint, make_strategy

    options = distillation_flags.student_options()
    distillation_flags.settings(1)
    _check_flags()
    training_flags.join_workers()
    training_flags.check_output()
    strategy = make_strategy(FLAGS.strategy, FLAGS.tpu)
    keras.utils.set_random_seed(FLAGS.seed)
    with strategy.scope():
        teacher = _teacher()
    kind = kind_of(teacher)
    _check_scores(kind)
    sources: dict[str, str] = {part: str(FLAGS[part].value) for part in _PARTS if FLAGS[part].value}
    parts = {part: _read(kind, teacher, part, source) for part, source in sources.items()}
    for part, rows in parts.items():
        print(f"{part + ':':8} {int(rows.cardinality()):,} rows of {sources[part]}")
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(f"device:  {'TPU' if FLAGS.strategy == 'tpu' else device}")
    training_flags.refuse_unequal_workers(strategy, training_flags.told_apart(parts), *_modules())
    with strategy.scope():
        student = make_student(teacher, **options, dtype=FLAGS.dtype_policy)
        for part, rows in parts.items():
            kind.check_rows(student, sources[part], rows)
        student.encoder.gradient_checkpointing = FLAGS.gradient_checkpointing
        steps = int(_shaped(student, parts["train"], 0).cardinality()) * FLAGS.epochs
        distiller = Distiller(student, teacher, distillation_flags.settings(steps))
        distiller.compile(training_flags.make_adamw(steps), **training_flags.compile_options())
    for name, task in (("teacher", teacher), ("student", student)):
        print(f"{name + ':':8} {_size(task)}", flush=True)
    fingerprint = data_fingerprint(parts["train"])
    if FLAGS.cache and not FLAGS.dry_run:
        kept = distiller.keep_teacher(FLAGS.cache, parts["train"], fingerprint, FLAGS.eval_batch_size)
        print(f"cache:   {FLAGS.cache}, outputs of the teacher for {kept:,} rows", flush=True)
    batches = _batches(distiller, parts["train"], 0)
    if training_flags.tried_out(distiller, batches):
        return {}
    return _run(kind, distiller, parts, fingerprint).train() or {}


def _check_flags() -> None:
    """Refuses flags that do not go together, before anything is read."""
    from keras_bert.evaluation.extras import import_extra

    for name in ("early_stopping", "evaluations_per_epoch", "monitor"):
        if FLAGS[name].value != FLAGS[name].default and not FLAGS.dev:
            raise InputError(f"--{name} needs --dev, rows to measure on")
    if FLAGS.plots:
        import_extra("matplotlib.figure")
    if FLAGS.tensorboard:
        import_extra("tensorboard")


def _check_scores(kind: Any) -> None:
    from keras_bert.evaluation.extras import import_extra

    if FLAGS.dev or FLAGS.test:
        for module, extra in kind.scoring_modules():
            import_extra(module, extra)


def _teacher() -> Any:
    """Opens the teacher as the task that it is of; one that predicts words, or nothing, as an embedder."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.compression.distillation.outputs import check_task
    from keras_bert.scripts.model_settings import open_model, take_row_settings
    from keras_bert.tasks import BertEmbedder

    checkpoint = open_checkpoint(FLAGS.teacher, pad_vocabulary=FLAGS.pad_vocabulary)
    if _is_encoder(checkpoint):
        return BertEmbedder.from_preset(checkpoint, dtype=FLAGS.dtype_policy)
    take_row_settings(checkpoint)
    teacher = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0, dtype=FLAGS.dtype_policy)
    check_task(teacher)
    return teacher


def _is_encoder(checkpoint: Any) -> bool:
    """Tells whether a checkpoint has no head of a task, but perhaps one of pre-training."""
    from keras_bert.tasks.open_task import task_class

    bare = "sentence_embedding" not in checkpoint.extra and not any(
        name.startswith(("classifier.", "qa_outputs.", "cls.")) for name in checkpoint.tensors
    )
    return bare or task_class(checkpoint).__name__ == "BertPretrainer"


def _read(kind: Any, teacher: Any, part: str, source: str) -> tf.data.Dataset:
    """Reads the rows of a part; for a student that learns from its teacher alone without labels."""
    if source.endswith((".txt", ".txt.gz")) and part == "train":
        return _lines(teacher, source)
    if part == "train" and not FLAGS.label_share and kind.task_class in _WITHOUT_LABELS:
        if not teacher.takes_prompts:
            row_flags.check_texts(source, teacher.text_fields)
        return row_flags.read_rows(source, label=False)
    row_flags.check_texts(source, kind.text_fields(teacher))
    return kind.read_for(teacher, source)


def _lines(teacher: Any, source: str) -> tf.data.Dataset:
    """Reads texts, one a line."""
    import tensorflow as tf

    if FLAGS.label_share:
        raise InputError(f"{source}: lines of text have no labels; learn from the teacher alone, --label_share=0")
    if teacher.text_fields != ("text",):
        raise InputError(f"{source}: a line is one text, the teacher takes {' and '.join(teacher.text_fields)}")
    lines = itertools.chain.from_iterable(read_text_lines(source, _LINES, **row_flags.line_options()))
    texts = [line for line in lines if line.strip()]
    if not texts:
        raise InputError(f"{source}: there are no rows")
    return tf.data.Dataset.from_tensor_slices({"text": texts})


def _shaped(student: Any, train: tf.data.Dataset, epoch: int, begin: int = 0) -> tf.data.Dataset:
    """Makes the student's batches of an epoch, from one on; they follow from the seed and its number alone."""
    made = student.batches(train, FLAGS.batch_size, shuffle=True, seed=FLAGS.seed * 100_003 + epoch, begin=begin)
    compares = FLAGS.label_share and getattr(student.default_loss(), "compares_rows", False)
    has_targets = isinstance(made.element_spec, tuple) and len(made.element_spec) > 1
    return made if compares or not has_targets else training_flags.shaped(made, student)


def _batches(distiller: Distiller, train: tf.data.Dataset, epoch: int, begin: int = 0) -> tf.data.Dataset:
    return distiller.with_targets(_shaped(distiller.student, train, epoch, begin))


def _run(kind: Any, distiller: Distiller, parts: dict[str, tf.data.Dataset], fingerprint: str) -> Run:
    """Makes the run that the flags describe."""
    from keras_bert.training import Run

    settings = dataclasses.asdict(distiller.settings)
    run = Run(
        FLAGS.output,
        distiller,
        functools.partial(_batches, distiller, parts["train"]),
        parts.get("dev"),
        parts.get("test"),
        card=_card(distiller, parts),
        data={
            "rows": fingerprint,
            "teacher": distiller.teacher_fingerprint(),
            "batch_size": FLAGS.batch_size,
            "seed": FLAGS.seed,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
        },
        epochs=FLAGS.epochs,
        monitor=FLAGS.monitor,
        early_stopping=FLAGS.early_stopping,
        evaluations_per_epoch=FLAGS.evaluations_per_epoch,
        verbose=1 if sys.stdout.isatty() else 2,
        **training_flags.run_settings(),
    )
    training_flags.prepare(run, "distill", flag_lines(*_modules(), leave_out=LEFT_OUT))
    scored = {part: rows for part, rows in parts.items() if part != "train"}
    run.on_end = lambda run: _add_facts(kind, run, distiller.student, scored)
    return run


def _add_facts(kind: Any, run: Run, student: Any, scored: dict[str, tf.data.Dataset]) -> None:
    """Adds what the scores are read beside, and the pictures of the task."""
    if facts := {part: found for part, rows in scored.items() if (found := kind.facts(student, rows))}:
        run.metrics["beside"] = facts
    if FLAGS.plots and scored:
        kind.plot(student, scored.get("test", scored.get("dev")), run.folder)


def _modules() -> list[types.ModuleType]:
    """Returns the modules with the flags of the run."""
    return [sys.modules[__name__], distillation_flags, checkpoint_flags, row_flags, training_flags]


def _size(task: Any) -> str:
    config, count = task.encoder.config, task.count_params()
    return f"{config.num_hidden_layers} layers of {config.hidden_size} units, {count / 1e6:,.1f} million weights"


def _card(distiller: Distiller, parts: dict[str, tf.data.Dataset]) -> dict[str, Any]:
    data = {part: f"{FLAGS[part].value}, {int(rows.cardinality())} rows" for part, rows in parts.items()}
    names = ("epochs", "batch_size", "learning_rate", "warmup", "decay", "clip_norm", "seed", "dtype_policy")
    training = {name: FLAGS[name].value for name in (*names, "strategy")}
    settings = dataclasses.asdict(distiller.settings)
    report = distiller.student.load_report
    return {
        "preset": f"{report.source if report else 'random weights'}; distilled from {FLAGS.teacher}",
        "data": data,
        "metrics": {},
        "training": {**training, **{name: value for name, value in settings.items() if value not in (None, ())}},
    }


if __name__ == "__main__":
    run()
