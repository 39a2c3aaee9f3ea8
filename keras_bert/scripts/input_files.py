"""Files and folders that flags name and that are not there: said before TensorFlow is imported, which takes seconds."""

import types
from collections.abc import Iterable
from pathlib import Path

from absl import flags

from keras_bert.errors import InputError

FILES = (
    *("train", "dev", "test", "rows", "input", "text", "measure"),
    *("train_target", "dev_target", "test_target", "rows_target", "synonyms", "stop_words"),
)
"""Flags that name a file, or several; one that names none in a program is passed over there."""

MODELS = ("model", "preset", "embedder", "reranker")
"""Flags that name a folder with a model, or a handle."""

_NO_FILES = ("tfds:", "library_docs")


def is_prepared(source: str) -> bool:
    """Tells whether a source of rows is a folder that `keras-bert prepare` wrote.

    Example:
        >>> is_prepared("train.csv")
        False
    """
    if "://" in source:
        return not source.startswith(_NO_FILES)  # no file of rows is read from elsewhere
    return (Path(source) / "manifest.json").is_file()


def check_inputs(modules: Iterable[types.ModuleType]) -> None:
    """Checks that what the flags of some modules name is there.

    Handles, data sets by name, patterns of names and standard input are left to the program.

    Args:
        modules: The modules that define the flags.

    Raises:
        InputError: A file or a folder is not there.
    """
    for module in modules:
        for flag in flags.FLAGS.get_flags_for_module(module.__name__):
            if flag.name == "text" and not isinstance(flag.value, list):
                continue  # the name of a column
            for value in flag.value if isinstance(flag.value, list) else [flag.value]:
                if flag.value != flag.default:
                    _check(flag.name, value)


def names_several(source: str) -> bool:
    """Tells whether a source of rows is a pattern of files, or a list of them with commas between.

    Example:
        >>> names_several("data/*.csv"), names_several("a.csv,b.csv"), names_several("a.csv")
        (True, True, False)
    """
    if source.startswith(_NO_FILES) or "://" in source or Path(source).exists():
        return False
    return any(sign in source for sign in "*?[,")


def _check(name: str, value: object) -> None:
    if name == "train" and isinstance(value, str) and names_several(value) and "," in value:
        for part in value.split(","):
            _check(name, part)
        return
    if not isinstance(value, str) or "://" in value or any(sign in value for sign in "*?["):
        return
    looks_like_path = "/" in value or (name in FILES and "." in value)
    if name in FILES and looks_like_path and not value.startswith(_NO_FILES) and not Path(value).exists():
        raise InputError(f"{value}: no such file (--{name})")
    if name in MODELS and "/" in value and not Path(value).expanduser().exists():
        raise InputError(
            f"{value}: no such folder or preset; expected a folder, hf://org/name, kaggle://..., or minilm (--{name})"
        )
