"""The flag of tasks that choose one of several classes, or words, and may be told not to be too sure."""

from absl import flags

flags.DEFINE_float(
    "label_smoothing",
    None,
    "Share of the probability spread over all classes in the loss, 0; of --task=generate over all words, 0.1.",
    lower_bound=0.0,
)
