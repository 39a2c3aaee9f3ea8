"""The flags that say what becomes of texts that are longer than `--max_length`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

if TYPE_CHECKING:
    import tensorflow as tf

FLAGS = flags.FLAGS

flags.DEFINE_enum(
    "long_texts",
    None,
    ["cut", "head_tail", "windows"],
    "What becomes of a text over --max_length: cut, its end is left out; head_tail, its middle; windows, each is read, "
    "and their vectors become one. By default as the preset says, or cut.",
)
flags.DEFINE_float(
    "head_tokens", None, "For head_tail: tokens from the begin, or a share of those kept; a quarter.", lower_bound=0.0
)
flags.DEFINE_integer(
    "window_stride",
    None,
    "For windows: tokens from one begin to the next; three quarters of a window, for --task=tag half.",
    lower_bound=1,
)
flags.DEFINE_integer("max_windows", None, "For windows: of a text at most, the first ones; 8.", lower_bound=1)
flags.DEFINE_enum(
    "window_pooling",
    None,
    ["mean", "max", "attention"],
    "For windows: what becomes of their vectors; attention is learned. By default as the preset says, or mean.",
)

NAMES = ("long_texts", "head_tokens", "window_stride", "max_windows", "window_pooling")


def options() -> dict[str, Any]:
    """Returns the arguments of `from_preset` that the flags give; None where they say nothing."""
    given = {name: FLAGS[name].value for name in NAMES}
    if given["head_tokens"] is not None and given["head_tokens"].is_integer():
        given["head_tokens"] = int(given["head_tokens"])  # tokens, no share
    return given


def card() -> dict[str, Any]:
    """Returns what a model card tells of the flags: those that were given."""
    return {name: value for name, value in options().items() if value is not None}


def describe(task: Any, part: str, rows: tf.data.Dataset) -> None:
    """Says how much of the texts of some rows the model does not read, where that is anything.

    Args:
        task: Has the preprocessor.
        part: What the rows are called.
        rows: Rows with the texts of the task.
    """
    fields = [name for name in task.text_fields if name in rows.element_spec]
    shortened = left_out = texts = 0
    for batch in rows.ragged_batch(1024):
        counts = task.preprocessor.tokens_left_out(*(batch[name] for name in fields)).numpy()
        texts, shortened, left_out = texts + len(counts), shortened + int((counts > 0).sum()), left_out + counts.sum()
    if shortened:
        how = task.preprocessor.long_texts.how
        longer = f"{part}: {shortened:,} of {texts:,} texts are longer than what is read, --long_texts={how}"
        print(f"{longer}; {left_out / shortened:,.0f} tokens of each are left out")
