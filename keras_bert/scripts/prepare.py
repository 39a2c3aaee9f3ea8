r"""Makes rows ready for training: examples in shards, which `keras-bert finetune` reads without holding them in memory.

    keras-bert prepare --train='data/*.csv.gz' --text=review --label=stars --output=prepared
    keras-bert finetune --train=prepared --dev=dev.csv --output=runs/stars
    keras-bert prepare --task=tag --train=train.conll --held_out=0.02 --output=prepared
    keras-bert prepare --preset=bert-base-uncased --train=tfds:glue/sst2 --text=sentence --output=prepared

The flags that say how rows are read and cut are those of `finetune`, which takes them from the prepared folder: give
them here. The rows are read twice, once for their labels (--labels=a,b spares that), and checked as `finetune` checks
them. Runs on all cores of this machine, a file a process; flags not listed here go to Apache Beam:
--direct_num_workers=2, or --runner=FlinkRunner and that runner's own. The same rows and flags give the same bytes.
"""

from __future__ import annotations

import sys

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import finetune
from keras_bert.scripts.beam_arguments import divide_arguments
from keras_bert.scripts.preparation import example_flags, prepare_rows
from keras_bert.scripts.program import run_program
from keras_bert.scripts.task_kinds import KINDS, kind_modules, refuse_flags_of_others

FLAGS = flags.FLAGS

flags.DEFINE_float(
    "held_out", 0.0, "Share of the rows whose examples go to OUTPUT/held_out, for --dev.", lower_bound=0.0
)

_beam_flags: list[str] = []


def run() -> None:
    """Runs the program."""
    own, others = divide_arguments(sys.argv[1:])
    _beam_flags[:] = others
    sys.argv[1:] = own
    run_program(main, sys.modules[__name__], *finetune.shared_modules(), *kind_modules())


def main() -> None:
    """Prepares rows as the flags say, and says what was made."""
    _check_flags()
    manifest = prepare_rows(finetune.modules(), FLAGS.output, FLAGS.held_out, FLAGS.overwrite, _beam_flags)
    counts = manifest.counts
    shards = len(manifest.shards)
    print(f"{FLAGS.output}: {counts['examples']:,} examples of {counts['rows']:,} rows in {shards:,} shards")
    print(f"  {counts['tokens'] / counts['examples']:.1f} tokens an example")
    if counts["examples"] < counts["rows"]:
        print(f"  {counts['rows'] - counts['examples']:,} rows are left out: nothing can be learned from them")
    print(f"train on them: keras-bert finetune --train={FLAGS.output} --output=runs/mine")


def _check_flags() -> None:
    """Refuses flags of training, which would be ignored here."""
    refuse_flags_of_others(FLAGS.task)
    KINDS[FLAGS.task].check_flags()
    known = {*(flag.name for flag in example_flags()), "output", "overwrite"}
    for module in finetune.modules():
        for flag in FLAGS.get_flags_for_module(module.__name__):
            if flag.present and flag.name not in known:
                raise InputError(f"--{flag.name} is for training: give it to keras-bert finetune --train=FOLDER")
    if not FLAGS["output"].present:
        raise InputError("name the folder to write, --output=FOLDER")


if __name__ == "__main__":
    run()
