"""The main job on embedded defaults: fine-tune a real BERT, export it, ask it three strings.

    keras-bert demo

Fine-tunes the `minilm` weights on `library_docs` (which library does a docstring belong to?), prints the accuracy,
draws the confusion matrix, writes a SavedModel, and asks it in a fresh process that imports `tensorflow` and
`tensorflow_text` and nothing of keras_bert.
"""

import subprocess
import sys
import time

from absl import flags

from keras_bert.scripts import (
    adapter_flags,
    adversary_flags,
    checkpoint_flags,
    finetune,
    long_text_flags,
    privacy_flags,
    row_flags,
    start_flags,
    training_flags,
)
from keras_bert.scripts.program import run_program
from keras_bert.scripts.task_kinds import kind_modules

FLAGS = flags.FLAGS

flags.DEFINE_string("saved_model", "export/models/library_docs/1", "Folder of the SavedModel.")

QUESTIONS = (
    "Returns the matrix product of two arrays, broadcasting over the leading dimensions.",
    "A layer that randomly sets input units to zero during training, which helps prevent overfitting.",
    "Parse a command line flag and raise an error when its value is not in the list of allowed values.",
)

# Self-contained on purpose: this is all that a server or a colleague needs.
ASK = """
import sys, tensorflow as tf, tensorflow_text
model = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answers = model(text=tf.constant(sys.argv[2:]))
for text, label, score in zip(sys.argv[2:], answers["label"].numpy(), answers["score"].numpy()):
    print(f"   {label.decode():15} {score:.2f}  {text}")
assert not any(name.startswith("keras_bert") for name in sys.modules)
"""

# A run of about four minutes on two cores; short texts, so that a step is cheap.
DEFAULTS = {"epochs": 2, "learning_rate": 2e-4, "max_length": 64, "overwrite": True}


def run() -> None:
    """Runs the program."""
    for name, value in DEFAULTS.items():
        FLAGS.set_default(name, value)
    ways = (adapter_flags, adversary_flags, long_text_flags, privacy_flags)
    shared = (finetune, start_flags, checkpoint_flags, row_flags, training_flags, *ways)
    run_program(main, sys.modules[__name__], *shared, *kind_modules())


def main() -> None:
    """Fine-tunes, exports and asks."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.files import check_target
    from keras_bert.tasks import open_task

    began = time.monotonic()
    check_target(FLAGS.saved_model, overwrite=True, tensorflow=True)
    print(f"1. Fine-tuning {FLAGS.preset} on {FLAGS.train.split(':')[0]}", flush=True)
    metrics = finetune.finetune()
    if not metrics:
        return  # a dry run
    for part in ("dev", "test"):
        if part in metrics:
            scores = ", ".join(f"{name} {value:.3f}" for name, value in metrics[part].items() if name != "loss")
            print(f"   {part}: {scores}", flush=True)
    print(f"   the model: {FLAGS.output}/model; the confusion matrix: {FLAGS.output}/confusion.png", flush=True)

    print(f"\n2. Exporting to {FLAGS.saved_model}", flush=True)
    checkpoint = open_checkpoint(f"{FLAGS.output}/model")
    open_task(checkpoint).export(FLAGS.saved_model, overwrite=True, card=checkpoint.extra.get("card"))

    print("\n3. Asking the SavedModel, in a process without keras_bert", flush=True)
    subprocess.run([sys.executable, "-c", ASK, FLAGS.saved_model, *QUESTIONS], check=True)
    print(f"\nDone in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    run()
