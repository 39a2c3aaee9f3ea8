"""The flags that say how a model writes; what they leave open is as its `generation_config.json` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keras_bert.checkpoints.checkpoint import Checkpoint

FLAGS = flags.FLAGS

flags.DEFINE_integer("num_beams", None, "For models that write: beams of the search; 1: the likeliest token each time.")
flags.DEFINE_float("length_penalty", None, "For models that write: a text of n tokens scores log p / n^length_penalty.")
flags.DEFINE_integer("max_new_tokens", None, "For models that write: tokens at most, the end included.")
flags.DEFINE_integer("min_new_tokens", None, "For models that write: tokens before the end at least.")
flags.DEFINE_integer("no_repeat_ngram", None, "For models that write: so many tokens in a row come once; 0: no rule.")
flags.DEFINE_float("repetition_penalty", None, "For models that write: above 1 against words that were written.")
flags.DEFINE_integer("num_hypotheses", None, "For models that write: texts to give, at most --num_beams.")
flags.DEFINE_string("prefix", None, "For models that write: what every text begins with.")
flags.DEFINE_bool("as_long_as_source", None, "For models that write: a text has as many tokens as its source.")
flags.DEFINE_bool("source_spelling", None, "For models that write: words of the source keep its capitals and accents.")
flags.DEFINE_bool("do_sample", None, "For models that write: draw each token by its probability; no beams then.")
flags.DEFINE_float("temperature", None, "With --do_sample: the logits are divided by it.")
flags.DEFINE_integer("top_k", None, "With --do_sample: among so many of the likeliest tokens; 0: among all.")
flags.DEFINE_float("top_p", None, "With --do_sample: among the likeliest tokens whose probabilities add up to this.")

SAMPLING = ("temperature", "top_k", "top_p")
"""Flags that say how to draw."""

_SETTINGS = {"no_repeat_ngram": "no_repeat_ngram_size", "num_hypotheses": "num_return_sequences"}


def given_settings() -> dict[str, Any]:
    """Returns the settings that flags give, by the names of `GenerationSettings`."""
    flags_here = FLAGS.get_flags_for_module(__name__)
    values = {_SETTINGS.get(flag.name, flag.name): flag.value for flag in flags_here}
    found = {name: value for name, value in values.items() if value is not None}
    return {"num_beams": 1, **found} if found.get("do_sample") else found


def generation_options(checkpoint: Checkpoint) -> dict[str, Any]:
    """Returns the argument `generation` of `from_preset`, if a flag gives a setting.

    Raises:
        InputError: The model does not write.
    """
    from keras_bert.tasks.generation.seq2seq import writes

    settings = given_settings()
    if settings and not writes(checkpoint):
        raise InputError(f"{checkpoint.source}: the model does not write; leave out --{_flag_of(next(iter(settings)))}")
    return {"generation": settings} if settings else {}


def refuse_sampling(task: Any, more: str = "") -> None:
    """Refuses the flags that say how to draw for a model that does not; an `InputError`."""
    draws = task.answers_text and task.generation.do_sample
    for name in () if draws else SAMPLING:
        if FLAGS[name].value is not None:
            raise InputError(f"--{name} goes with --do_sample{more}")


def count_cut_texts(task: Any, texts: Sequence[Mapping[str, Any]]) -> int:
    """Counts the texts that a model that writes cuts; 0 for other models."""
    if not task.answers_text:
        return 0
    import tensorflow as tf

    from keras_bert.tasks.generation.coverage import count_cuts

    rows = tf.data.Dataset.from_tensor_slices({"text": [text["text"] for text in texts]})
    return count_cuts(task.tokenizer, rows, task.preprocessor.max_length, task.max_target_length).texts


def _flag_of(setting: str) -> str:
    return {value: name for name, value in _SETTINGS.items()}.get(setting, setting)
