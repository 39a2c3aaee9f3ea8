"""Writes a fine-tuned model as a SavedModel that answers strings.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/1

TF Serving takes the name of the model from the folder above, its version from the last part. The SavedModel needs
only `tensorflow` and `tensorflow_text` where it runs. The model card goes with it.

    keras-bert export --model=runs/sst2/model --output=export/models/sst2/2 --dtype=bfloat16 --freeze

is the fastest form on a CPU with bfloat16 instructions.
"""

import sys

from absl import flags

from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("output", "export/models/library_docs/1", "Folder of the SavedModel.")
flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "Numbers to compute in.")
flags.DEFINE_bool("freeze", False, "Write the weights into the graph as constants: faster, on CPUs above all.")
flags.DEFINE_bool("unpad", True, "Compute nothing but attention for padding; no with a server that compiles with XLA.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__])


def main() -> None:
    """Exports as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.files import check_target
    from keras_bert.tasks import open_task

    check_target(FLAGS.output, FLAGS.overwrite)
    checkpoint = open_checkpoint(FLAGS.model)
    task = open_task(checkpoint, dtype="mixed_bfloat16" if FLAGS.dtype == "bfloat16" else "float32")
    card = checkpoint.extra.get("card")
    task.export(FLAGS.output, overwrite=FLAGS.overwrite, card=card, freeze=FLAGS.freeze, unpad=FLAGS.unpad)
    inputs = ", ".join(f"{name}: string [batch]" for name in task.text_fields)
    print(f"{FLAGS.output}: serving_default takes {inputs}")


if __name__ == "__main__":
    run()
