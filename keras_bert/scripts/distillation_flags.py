"""The flags that say what a student is and what it learns from its teacher, and what they mean to a `Distiller`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError

if TYPE_CHECKING:
    from keras_bert.compression import DistillationSettings

FLAGS = flags.FLAGS

# What the student is
flags.DEFINE_integer(
    "layers", None, "Blocks of the student: so many of the teacher's, spread evenly; with --hidden_size new ones.", 1
)
flags.DEFINE_list("teacher_layers", None, "Which blocks of the teacher the student begins with, from 0: 0,2,4.")
flags.DEFINE_integer("hidden_size", None, "Width of a student from nothing, with --layers.", 1)
flags.DEFINE_string("student", None, "The student's own checkpoint, with the teacher's vocabulary: a folder, hf://...")

# What it learns
flags.DEFINE_float("label_share", 0.5, "Share of the true labels in the loss; 0: the teacher alone, rows need none.")
flags.DEFINE_float("distillation_temperature", 2.0, "The logits of both are divided by it before they are compared.")
flags.DEFINE_list(
    "relations",
    [],
    "Relations of the last block to compare: QK,VV as MiniLM; QQ,KK,VV with --relation_heads as its v2.",
)
flags.DEFINE_integer("relation_heads", None, "Heads that relations are cut into, for any widths; the models' own.", 1)
flags.DEFINE_integer("relation_layer", -1, "The teacher's block for --relations, from 1, or from the last, -1.")
flags.DEFINE_float("relation_weight", 1.0, "Weight of --relations in the loss.")
flags.DEFINE_float("hidden_weight", 0.0, "Weight of the hidden states of embeddings and blocks in the loss: TinyBERT.")
flags.DEFINE_float("attention_weight", 0.0, "Weight of the attention scores of blocks in the loss: TinyBERT.")
flags.DEFINE_list(
    "layer_map", None, "For these two: the teacher's block, from 1, of each of the student's; spread evenly: 2,4,6."
)
flags.DEFINE_float(
    "replacement_rate", None, "BERT-of-Theseus: how likely a block of the student computes in place of the teacher's."
)
flags.DEFINE_enum(
    "replacement_schedule", "linear", ["linear", "constant"], "How --replacement_rate goes on: it rises to 1, or stays."
)
flags.DEFINE_float(
    "replacement_share", 0.7, "Share of the run with --replacement_rate; then the student is trained by itself."
)
flags.DEFINE_string(
    "cache", None, "Folder that keeps the teacher's outputs for --train, for further epochs and runs: made, or used."
)


def student_options() -> dict[str, Any]:
    """Returns what the student is: arguments of `make_student`.

    Raises:
        InputError: No flag says, or they do not go together.
    """
    if not (FLAGS.student or FLAGS.layers or FLAGS.teacher_layers):
        raise InputError("say what the student is: --layers=3, --teacher_layers=0,2,4, or --student=CHECKPOINT")
    if FLAGS.student:
        for name in ("layers", "teacher_layers", "hidden_size"):
            if FLAGS[name].value is not None:
                raise InputError(f"--student and --{name} exclude each other: a checkpoint says its sizes")
        return {"preset": FLAGS.student}
    return {
        "layers": FLAGS.layers,
        "teacher_layers": _numbers("teacher_layers"),
        "hidden_size": FLAGS.hidden_size,
    }


def settings(steps: int) -> DistillationSettings:
    """Returns what the student learns.

    Args:
        steps: Of the whole run.

    Raises:
        InputError: As `DistillationSettings`; or flags that say nothing.
    """
    from keras_bert.compression import DistillationSettings

    for needed, names in {"relations": ("relation_heads", "relation_layer", "relation_weight")}.items():
        for name in names:
            if FLAGS[name].value != FLAGS[name].default and not FLAGS[needed].value:
                raise InputError(f"--{name} goes with --{needed}")
    for name in ("replacement_schedule", "replacement_share"):
        if FLAGS[name].value != FLAGS[name].default and FLAGS.replacement_rate is None:
            raise InputError(f"--{name} goes with --replacement_rate")
    if not 0 <= FLAGS.replacement_share <= 1:
        raise InputError(f"--replacement_share is a share of the run, from 0 to 1, received: {FLAGS.replacement_share}")
    return DistillationSettings(
        label_share=FLAGS.label_share,
        temperature=FLAGS.distillation_temperature,
        relations=tuple(FLAGS.relations),
        relation_weight=FLAGS.relation_weight,
        relation_heads=FLAGS.relation_heads,
        relation_layer=FLAGS.relation_layer,
        hidden_weight=FLAGS.hidden_weight,
        attention_weight=FLAGS.attention_weight,
        layer_map=_numbers("layer_map"),
        replacement_rate=FLAGS.replacement_rate,
        replacement_schedule=FLAGS.replacement_schedule,
        replacement_steps=round(FLAGS.replacement_share * steps),
    )


def _numbers(name: str) -> tuple[int, ...] | None:
    """Returns the value of a flag of whole numbers."""
    value: Any = FLAGS[name].value
    if value is None:
        return None
    try:
        return tuple(int(number) for number in value)
    except ValueError:
        raise InputError(f"--{name}: expected whole numbers, such as 0,2,4, received: {','.join(value)}") from None
