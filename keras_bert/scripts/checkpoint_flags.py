"""The flag of every program that opens a checkpoint: what its files may lack."""

from absl import flags

flags.DEFINE_bool(
    "pad_vocabulary", False, "Name rows of the checkpoint's word table that its vocabulary lacks [unused_N]."
)
