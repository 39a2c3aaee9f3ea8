"""The flag of tasks whose training rows may hold several examples."""

from absl import flags

from keras_bert.errors import InputError

FLAGS = flags.FLAGS

flags.DEFINE_bool("packing", False, "Let several short examples share a row, each with attention of its own.")


def check_packing() -> None:
    """Refuses packing where batches must have one number of rows."""
    if FLAGS.packing and FLAGS.strategy == "tpu":
        raise InputError("--packing makes batches of several numbers of rows, --strategy=tpu wants one; leave one out")
