"""What makes a module with absl flags a program: help in a moment, one line for an error, status 2 for bad input."""

import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import app, flags

from keras_bert.errors import InputError

BAD_INPUT = 2
"""Exit status for input that the user can mend."""


def run_program(main: Callable[[], None], module: types.ModuleType, *shared: types.ModuleType) -> None:
    """Parses the flags and runs a program.

    `--help` prints the module's docstring and flags and returns before TensorFlow is imported. An `InputError`
    becomes one line on standard error and exit status 2.

    Args:
        main: The program; it reads its flags and imports what is heavy.
        module: The program's module, for its docstring and its flags.
        *shared: Modules with further flags of the program.
    """
    # TensorFlow's start-up notices are no news to a user of these programs; set before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    name = Path(module.__file__ or "").stem

    def parse(arguments: Sequence[str]) -> list[str]:
        if {"--help", "-h", "--helpfull", "-help"} & set(arguments[1:]):
            print(_help(module, shared))
            sys.exit(0)
        try:
            rest = flags.FLAGS(list(arguments))
        except flags.Error as error:
            _stop(name, str(error))
        if len(rest) > 1:
            _stop(name, f"unexpected argument {rest[1]!r}; all settings are flags, --name=value")
        return rest

    def guarded(arguments: Sequence[str]) -> None:
        del arguments
        try:
            main()
        except InputError as error:
            _stop(name, str(error))
        except BrokenPipeError:
            # The reader of our output has gone, as `head` does; what is buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    app.run(guarded, flags_parser=parse)


def flag_lines(*modules: types.ModuleType) -> str:
    """Returns the flags of some modules as the text of a file for `--flagfile`."""
    found = [flag for module in modules for flag in flags.FLAGS.get_flags_for_module(module.__name__)]
    lines = {line for flag in found for line in flag.serialize().splitlines() if line}
    return "\n".join(sorted(lines)) + "\n"


def _help(module: types.ModuleType, shared: Sequence[types.ModuleType]) -> str:
    parts = [(module.__doc__ or "").strip(), "flags:"]
    for part in (module, *shared):
        for flag in flags.FLAGS.get_flags_for_module(part.__name__):
            default = "" if flag.default in (None, "") else f" (default: {flag.default_as_str})"
            parts.append(f"  --{flag.name}: {' '.join((flag.help or '').split())}{default}")
    return "\n".join(parts)


def _stop(name: str, message: str) -> None:
    print(f"keras-bert {name}: error: {message}", file=sys.stderr)
    sys.exit(BAD_INPUT)
