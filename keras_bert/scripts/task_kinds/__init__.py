"""The values of `--task`: one file each, with the flags that only that task reads.

A new task is a file here with a `TaskKind` and an entry in `KINDS`.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts.task_kinds.answer import Answer
from keras_bert.scripts.task_kinds.choose import Choose
from keras_bert.scripts.task_kinds.classify import Classify
from keras_bert.scripts.task_kinds.embed import Embed
from keras_bert.scripts.task_kinds.generate import Generate
from keras_bert.scripts.task_kinds.regress import Regress
from keras_bert.scripts.task_kinds.tag import Tag
from keras_bert.scripts.task_kinds.task_kind import TaskKind

KINDS: dict[str, TaskKind] = {
    "answer": Answer(),
    "choose": Choose(),
    "classify": Classify(),
    "embed": Embed(),
    "generate": Generate(),
    "regress": Regress(),
    "tag": Tag(),
}


def kind_modules() -> tuple[types.ModuleType, ...]:
    """Returns the modules of all kinds, for their flags."""
    return tuple(module for kind in KINDS.values() for module in flag_modules(kind))


def kind_module(kind: TaskKind) -> types.ModuleType:
    """Returns the module that a kind and its flags are defined in."""
    return sys.modules[type(kind).__module__]


def flag_modules(kind: TaskKind) -> tuple[types.ModuleType, ...]:
    """Returns the modules with the flags of a kind: its own, and those that it has in common with other programs."""
    return (kind_module(kind), *kind.more_flags)


def kind_of(task: Any) -> TaskKind:
    """Returns the kind of a trained model.

    Raises:
        InputError: There is none: the model is not of a task with labelled rows.
    """
    name = type(task).__name__
    for kind in KINDS.values():
        if kind.task_class == name:
            return kind
    raise InputError(f"a {name} has no labelled rows to be scored on")


def refuse_flags_of_others(name: str) -> None:
    """Refuses flags of other kinds than `--task`, which it would not read; an `InputError`."""
    for other, kind in KINDS.items():
        if other == name:
            continue
        # A flag of all programs, and here of one kind.
        if kind.names_classes and not KINDS[name].names_classes and flags.FLAGS.labels:
            raise InputError(f"--labels is for --task={other}; --task={name} does not read it")
        # Some flags are read by several kinds.
        modules = [module for module in flag_modules(kind) if module not in flag_modules(KINDS[name])]
        for flag in (flag for module in modules for flag in flags.FLAGS.get_flags_for_module(module.__name__)):
            if flag.value != flag.default:
                raise InputError(f"--{flag.name} is for --task={other}; --task={name} does not read it")
