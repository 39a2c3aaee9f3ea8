"""Turns a checkpoint of any known format into a Hugging Face folder, heads included.

    keras-bert convert --preset=uncased_L-12_H-768_A-12 --output=bert-base

Reads Google's TensorFlow 1 checkpoints, Model Garden's TensorFlow 2 ones, Hugging Face folders and KerasHub presets;
says of every weight what became of it.
"""

import sys

from absl import flags

from keras_bert.errors import one_line
from keras_bert.scripts import checkpoint_flags
from keras_bert.scripts.program import LONGEST_REPORT, run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("preset", None, "The checkpoint: a folder, hf://org/name, kaggle://..., or minilm.")
flags.DEFINE_string("output", None, "The folder to write.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")
flags.DEFINE_bool("lowercase", None, "Whether its tokenizer lower-cases, in place of what its files say.")
flags.DEFINE_enum(
    "hidden_act",
    None,
    ["gelu", "gelu_new", "relu", "silu", "tanh"],
    "The activation, in place of what its files say: gelu is the exact form, gelu_new the tanh form.",
)
flags.DEFINE_enum(
    "pooler",
    "encoder",
    ["encoder", "next_sentence"],
    "Which layer of a Model Garden checkpoint is the pooler: its encoder's, or that of its next-sentence head.",
)
flags.register_validator("preset", bool, message="name the checkpoint to convert, --preset=FOLDER")
flags.register_validator("output", bool, message="name the folder to write, --output=FOLDER")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags)


def main() -> None:
    """Converts as the flags say."""
    from keras_bert.checkpoints import convert

    names = ("lowercase", "hidden_act", "pooler", "pad_vocabulary")
    options = {name: FLAGS[name].value for name in names}
    report = convert(FLAGS.preset, FLAGS.output, overwrite=FLAGS.overwrite, **options)
    # Names of tensors are of a file that somebody else wrote.
    print("\n".join(one_line(line, LONGEST_REPORT) for line in str(report).split("\n")))


if __name__ == "__main__":
    run()
