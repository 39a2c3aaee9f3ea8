"""The main job on embedded defaults: fine-tune a real BERT, export it, ask it three strings.

    keras-bert demo

Fine-tunes the `minilm` weights on `library_docs` (which library does a docstring belong to?), prints the accuracy,
draws the confusion matrix, writes a SavedModel, asks it in a fresh process that imports `tensorflow` and
`tensorflow_text` and nothing of keras_bert, and says which words spoke for the first answer.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from absl import flags

from keras_bert.errors import one_line
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
from keras_bert.scripts.program import run_program, without_import_notes
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

# Characters of a label or word on the screen.
LONGEST = 80

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
    if not FLAGS.dry_run:
        print(_announcement(), flush=True)
    print(f"1. Fine-tuning {FLAGS.preset} on {FLAGS.train.split(':')[0]}", flush=True)
    metrics = finetune.finetune()
    if not metrics:
        return  # a dry run
    for part in ("dev", "test"):
        if part in metrics:
            scores = ", ".join(f"{name} {value:.3f}" for name, value in metrics[part].items() if name != "loss")
            print(f"   {part}: {scores}", flush=True)

    print(f"\n2. Exporting to {FLAGS.saved_model}", flush=True)
    checkpoint = open_checkpoint(f"{FLAGS.output}/model")
    task = open_task(checkpoint)
    task.export(FLAGS.saved_model, overwrite=True, card=checkpoint.extra.get("card"))

    print("\n3. Asking the SavedModel, in a process without keras_bert", flush=True)
    _ask()

    print("\n4. Why? The words that spoke for the first answer, and those against it", flush=True)
    print(_reasons(task.explain(QUESTIONS[:1])[0]), flush=True)
    print(_last_screen(time.monotonic() - began), flush=True)


def _announcement() -> str:
    """Says what is spent, before it is."""
    own = FLAGS.preset == "minilm" and FLAGS.train.startswith("library_docs")
    lasts = "Takes about four minutes on two cores; nothing is downloaded." if own else "Takes what your flags ask for."
    return f"{lasts} Ctrl-C stops it, and the same command goes on.\n"


def _ask() -> None:
    """Asks the SavedModel in a process of its own, and passes on what that writes but TensorFlow's notes."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", ASK, FLAGS.saved_model, *QUESTIONS]
    done = subprocess.run(command, stderr=subprocess.PIPE, env=environment, check=False)
    print(without_import_notes(done.stderr).decode(errors="replace"), end="", file=sys.stderr, flush=True)
    done.check_returncode()


def _reasons(explained: dict[str, Any], most: int = 5) -> str:
    """The words of an explained text that weigh most, with a bar for each.

    Args:
        explained: What `keras_bert.trust.explain` gives for one text.
        most: Words to show.
    """
    words = sorted(explained["words"], key=lambda word: -abs(word["value"]))[:most]
    largest = max((abs(word["value"]) for word in words), default=0.0) or 1.0
    lines = [f"   {one_line(explained['label'], LONGEST)}, for: {QUESTIONS[0]}"]
    for word in words:
        bar = ("+" if word["value"] > 0 else "-") * max(1, round(10 * abs(word["value"]) / largest))
        lines.append(f"   {word['value']:+6.2f}  {bar:10}  {one_line(word['text'], LONGEST)}")
    return "\n".join(lines)


def _last_screen(seconds: float) -> str:
    """What was made, and what to try next."""
    made = {
        f"{FLAGS.output}/model": "the model, a Hugging Face folder; its README.md has the scores",
        f"{FLAGS.output}/confusion.png": "which class it takes for which",
        f"{FLAGS.output}/curves.png": "how it learnt",
        FLAGS.saved_model: "the SavedModel: strings in, answers out",
    }
    there = {path: what for path, what in made.items() if Path(path).exists()}
    width = max(map(len, there))
    program = _program()
    model = f"--model={FLAGS.output}/model"
    return "\n".join(
        [
            f"\nDone in {seconds:.0f} s. This was made:",
            *(f"   {path:{width}}  {what}" for path, what in there.items()),
            "\nTry next:",
            f'   echo "Draws a histogram of the values." | {program} predict {model}',
            f"   {program} app {model}",
            f"   {program} finetune --train=mine.csv --dev=dev.csv --text=COLUMN --label=COLUMN --output=runs/mine",
            *(["docs/start.md goes on from here."] if Path("docs/start.md").is_file() else []),
        ]
    )


def _program() -> str:
    """The `keras-bert` command as it can be typed here: its name, or its path where it is on no search path."""
    if shutil.which("keras-bert"):
        return "keras-bert"
    beside = Path(sys.executable).with_name("keras-bert")
    if not beside.exists():
        return "python -m keras_bert.scripts.main"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


if __name__ == "__main__":
    run()
