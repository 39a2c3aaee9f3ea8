r"""Audits a model: how sure it is, how it treats groups, what it prefers, which labels are doubtful.

    keras-bert audit --model=runs/sst2/model --probe=calibration --rows=sst2/dev.tsv --output=audit --apply
    keras-bert audit --model=runs/mine/model --probe=groups --rows=dev.tsv --group=country --output=audit
    keras-bert audit --model=runs/mine/model --probe=templates --rows=templates.tsv --fillers=fillers.json
    keras-bert audit --model=runs/pretrained/model --probe=pairs --rows=crows_pairs_anonymized.csv
    keras-bert audit --model=runs/pretrained/model --probe=stereotypes --rows=stereoset.jsonl
    keras-bert audit --model=runs/mine/model --probe=association --rows=sent-weat6.jsonl
    keras-bert audit --model=runs/sst2/model --probe=behaviour --rows=sentiment_en --label_names=negative:0,positive:1
    keras-bert audit --preset=minilm --probe=labels --rows=train.tsv --text=sentence --output=audit

Prints what was found, with 95 % intervals, and writes it into the section "Audit" of the model card, beside the model
(--nocard does not); --output takes all numbers as JSON, and pictures. Rows are read as they were in training, unless a
flag says otherwise. docs/trust.md says what each number means, and what it does not.
"""

import sys

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import audit_probes, checkpoint_flags, generation_flags, row_flags
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

# What is audited
flags.DEFINE_string("model", None, "Folder of the trained model.")
flags.DEFINE_enum("probe", None, list(audit_probes.PROBES), "What to look at.")
flags.DEFINE_string("rows", None, "The rows, templates, pairs or tests; for association a folder of tests, too.")
flags.DEFINE_integer("batch_size", 64, "Rows a batch.", lower_bound=1)

# Of one probe or another
flags.DEFINE_bool("apply", False, "calibration: let the model answer with the temperature from now on.")
flags.DEFINE_float("accuracy", None, "calibration: the share of right answers wanted of those that are `sure`.")
flags.DEFINE_string("group", None, "groups: column with the group of each row.")
flags.DEFINE_integer("least_rows", 30, "groups: smaller groups are counted and not compared.", lower_bound=2)
flags.DEFINE_string("fillers", None, "templates: JSON file with the fillers of each {placeholder}, by group.")
flags.DEFINE_string("compare", None, "templates: the placeholder whose groups are compared, where there are several.")
flags.DEFINE_integer("draws", 1000, "groups, templates: draws that intervals are made of.", lower_bound=100)
flags.DEFINE_list("encodings", ["first", "mean"], "association: how a text becomes a vector; first, mean, or both.")
flags.DEFINE_string(
    "preset", None, "labels: the checkpoint to train on all folds but one; with --model none is trained."
)
flags.DEFINE_integer("folds", 5, "labels: parts of the rows.", lower_bound=2)
flags.DEFINE_integer("epochs", 2, "labels: passes over the rows of the other folds.", lower_bound=1)
flags.DEFINE_float("learning_rate", 5e-5, "labels: the peak learning rate.", lower_bound=0.0)
flags.DEFINE_integer("train_batch_size", 32, "labels: rows a step of training.", lower_bound=1)
flags.DEFINE_integer("max_length", 128, "labels: longest input in tokens.")
flags.DEFINE_integer("seed", 0, "labels: of the folds and the training; behaviour: of what a suite draws.")
flags.DEFINE_list("label_names", [], "behaviour: a suite's classes as the model has them, negative:0,positive:1.")

# What to leave behind
flags.DEFINE_string("output", None, "Folder for all numbers as JSON, and pictures.")
flags.DEFINE_bool("plots", True, "Draw pictures into --output.")
flags.DEFINE_bool("card", True, "Write what was found into the model card, beside the model.")
flags.register_validator("probe", bool, message=f"name what to look at: --probe={'|'.join(audit_probes.PROBES)}")
flags.register_validator("rows", bool, message="name the rows, --rows=FILE")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags, generation_flags)


def main() -> None:
    """Audits as the flags say."""
    from keras_bert.trust.audit.finding import checked_folder
    from keras_bert.trust.audit.keep import can_keep, keep_finding

    audit_probes.check_flags()
    if FLAGS.output:
        checked_folder(FLAGS.output)
        if FLAGS.plots and FLAGS.probe in audit_probes.DRAWN:
            from keras_bert.evaluation.extras import import_extra

            import_extra("matplotlib.figure")
    if FLAGS.apply and not can_keep(FLAGS.model):
        raise InputError(f"--apply: {FLAGS.model} is no folder that keras_bert saved, and keeps no temperature")
    finding, settings = audit_probes.PROBES[FLAGS.probe]()
    print("\n".join(finding.lines()))
    if FLAGS.output:
        print(f"written: {', '.join(map(str, finding.write(FLAGS.output, FLAGS.plots)))}")
    kept = settings if FLAGS.apply else {}
    if kept:
        values = ", ".join(f"{name} {value:.4f}" for name, value in kept.items())
        print(f"{FLAGS.model} answers from now on with: {values}; export it again")
    if FLAGS.model and (FLAGS.card or kept):
        if can_keep(FLAGS.model):
            keep_finding(FLAGS.model, finding, kept)
            print(f"model card: {FLAGS.model}/README.md, section Audit")
        else:
            print(f"model card: not written, {FLAGS.model} is no folder that keras_bert saved")


if __name__ == "__main__":
    run()
