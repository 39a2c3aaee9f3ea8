"""Turns a checkpoint of any known format into a Hugging Face folder, heads included.

    keras-bert convert --preset=uncased_L-12_H-768_A-12 --output=bert-base

Reads Google's TensorFlow 1 checkpoints, Model Garden's TensorFlow 2 ones, Hugging Face folders and KerasHub presets;
says of every weight what became of it.
"""

import sys

from absl import flags

from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("preset", None, "The checkpoint: a folder, hf://org/name, kaggle://..., or minilm.", required=True)
flags.DEFINE_string("output", None, "The folder to write.", required=True)
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__])


def main() -> None:
    """Converts as the flags say."""
    from keras_bert.checkpoints import convert

    print(convert(FLAGS.preset, FLAGS.output, overwrite=FLAGS.overwrite))


if __name__ == "__main__":
    run()
