"""The flags that say which prompt an embedder puts before a text."""

from __future__ import annotations

from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.foreign_files import parse_json

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "prompt", None, "For embedders: name of the prompt before a text (of a pair: before the first), '' for none."
)
flags.DEFINE_string("prompt_pair", None, "For embedders: name of the prompt before the second text of a pair.")
flags.DEFINE_string(
    "prompts", None, """For embedders: prompts that the folder has not, by name, --prompts='{"query": "query: "}'."""
)


def defined_prompts() -> dict[str, str]:
    """Returns the prompts of --prompts by name."""
    if FLAGS.prompts is None:
        return {}
    try:
        prompts = parse_json(FLAGS.prompts, "--prompts")
    except InputError:
        prompts = None
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise InputError(f"""--prompts={FLAGS.prompts}: expected texts by name, such as '{{"query": "query: "}}'""")
    return prompts


def row_prompts() -> list[str | None] | None:
    """Returns the names that --prompt and --prompt_pair give, None where neither is there."""
    names = [FLAGS.prompt, FLAGS.prompt_pair]
    return None if names == [None, None] else names


def prompt_options(task: Any) -> dict[str, Any]:
    """Adds the prompts of --prompts to an embedder, and checks --prompt.

    Args:
        task: A task of any kind.

    Returns:
        The argument `prompt` of `answer` and `export`, if --prompt is given.

    Raises:
        InputError: The task is no embedder and a prompt is asked for, there is none of the name, or --prompt_pair.
    """
    if FLAGS.prompt_pair is not None:
        raise InputError("--prompt_pair is for the pairs of finetune and evaluate; texts here have one --prompt")
    if not _takes_prompts(task) or FLAGS.prompt is None:
        return {}
    task.prompts.text(FLAGS.prompt)
    return {"prompt": FLAGS.prompt}


def prompt_rows(task: Any) -> None:
    """Gives an embedder the prompts for the texts of rows that it is scored on; see `prompt_options`."""
    names = row_prompts()
    if _takes_prompts(task) and names is not None:
        task.prompts.set_rows(names)


def _takes_prompts(task: Any) -> bool:
    if task.takes_prompts:
        task.prompts.texts.update(defined_prompts())
        return True
    if row_prompts() is not None or FLAGS.prompts is not None:
        raise InputError(f"prompts are for embedders; the model is a {type(task).__name__}")
    return False
