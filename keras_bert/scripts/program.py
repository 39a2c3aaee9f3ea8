"""What makes a module with absl flags a program: help in a moment, one line for an error, status 2 for bad input."""

import contextlib
import logging as standard_logging
import os
import re
import signal
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging

from keras_bert.errors import LONGEST_MESSAGE, InputError, one_line
from keras_bert.foreign_files import parse_json
from keras_bert.scripts.flag_file import expand_flag_files
from keras_bert.scripts.input_files import check_inputs

BAD_INPUT = 2
"""Exit status for input that the user can mend."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""


LONGEST_REPORT = 5000
"""Characters of a line of the log at most."""

_left_with: list[int] = []  # the status that `leave` was told


def leave(status: int) -> NoReturn:
    """Ends the program from within a signal's handler.

    The handler may run anywhere, also where TensorFlow's C++ code makes a Python exception of its own and puts another
    in the place of `SystemExit`; `run_program` ends with the status all the same.

    Args:
        status: The exit status.
    """
    _left_with.append(status)
    sys.exit(status)


def run_program(
    main: Callable[[], None],
    module: types.ModuleType,
    *shared: types.ModuleType,
    tensorflow: bool = True,
    positional: str | None = None,
) -> NoReturn:
    """Parses the flags, runs a program and exits.

    `--help` prints the module's docstring and flags and returns before TensorFlow is imported. An `InputError`, or an
    error of the file system such as a full disk, becomes one line on standard error and exit status 2. Ctrl-C, and a
    reader of the output that has gone (`keras-bert predict | head -1`), end the program without a traceback.

    Args:
        main: The program; it reads its flags and imports what is heavy.
        module: The program's module, for its docstring and its flags.
        *shared: Modules with further flags of the program.
        tensorflow: The program needs TensorFlow, which takes seconds to import.
        positional: The flag that an argument without a name is the value of.
    """
    # Notes of TensorFlow's C++ code are no news to a user of these programs, and what fails there raises here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    name = Path(module.__file__ or "").stem.replace("_", "-")

    def parse(arguments: Sequence[str]) -> list[str]:
        if {"--help", "-h", "--helpfull", "-help"} & set(arguments[1:]):
            print(_help(module, shared), flush=True)
            sys.exit(0)
        try:
            rest = flags.FLAGS(expand_flag_files(arguments))
        except InputError as error:
            _stop(name, str(error))
        except flags.Error as error:
            # Of flags that are missing, what each has to say; the rest names its flag itself.
            _stop(name, "; ".join(re.sub(r"(?m)^flag --\w+=None: ", "", str(error)).splitlines()))
        if twice := _list_given_twice(arguments[1:]):
            _stop(name, f"--{twice} is given twice, and the last would count alone: divide its values by commas")
        if broken := _flags_of_several_lines():
            _stop(name, f"--{broken} holds a line break; a value of a flag is one line")
        if positional and len(rest) == 2 and not flags.FLAGS[positional].present:
            flags.FLAGS[positional].parse(rest.pop())
        if len(rest) > 1:
            _stop(name, f"unexpected argument {rest[1]!r}; all settings are flags, --name=value")
        return rest

    def run(arguments: Sequence[str]) -> None:
        del arguments
        # As an exception, so that what is half written is cleared away; what is ignored, as under nohup, stays ignored.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, _: leave(128 + number))
        # JSON is UTF-8 (RFC 8259), whatever the locale says.
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        # What the library reports is for the user to read: no time, process number and line of the source before it.
        handler = logging.get_absl_handler()
        handler.setFormatter(_Plain("%(message)s"))
        handler.addFilter(_is_news)
        check_inputs((module, *shared))
        if tensorflow:
            _check_engine()
            _import_tensorflow()
        main()
        sys.stdout.flush()

    _left_with.clear()
    try:
        app.run(run, flags_parser=parse)
    except Exception as error:
        if _left_with:
            sys.exit(_left_with[0])
        if not _is_told(name, error):
            raise
    except KeyboardInterrupt:
        print(f"\nkeras-bert {name}: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _is_told(name: str, error: Exception) -> bool:
    """Says in one line what the user can mend, and ends; False for a defect of the program."""
    if isinstance(error, InputError):
        _stop(name, str(error))
    if isinstance(error, BrokenPipeError):
        # What is buffered has nowhere to go, and Python would try to write it out at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    if isinstance(error, OSError):
        where = error.filename or "input or output"
        _stop(name, str(InputError(f"{where}: {error.strerror or error}")))
    return False


def _check_engine() -> None:
    """Refuses what the environment says of Keras and what these programs cannot be.

    Raises:
        InputError: Another backend than TensorFlow, or the Keras of before version 3.
    """
    backend, where = os.environ.get("KERAS_BACKEND"), "the environment"
    settings = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    if not backend and settings.is_file():
        with contextlib.suppress(OSError, ValueError, AttributeError):  # Keras itself passes over a broken file
            backend, where = parse_json(settings.read_bytes(), settings).get("backend"), str(settings)
    if backend and backend != "tensorflow":
        raise InputError(
            f"Keras' backend is {backend!r} ({where}); the programs train and answer with TensorFlow: "
            "set KERAS_BACKEND=tensorflow"
        )
    if (legacy := os.environ.get("TF_USE_LEGACY_KERAS")) in ("1", "true", "True"):
        raise InputError(f"TF_USE_LEGACY_KERAS={legacy} asks for Keras 2; keras_bert is for Keras 3: unset it")


# What TensorFlow 2.21 writes while it is imported, whatever TF_CPP_MIN_LOG_LEVEL says.
_IMPORT_NOTES = re.compile(
    rb"I\d{4} .*|WARNING: All log messages before absl::InitializeLog.*|To enable the following.*"
)


def without_import_notes(written: bytes) -> bytes:
    r"""Leaves out of what a process wrote to standard error what TensorFlow notes while it is imported.

    Example:
        >>> without_import_notes(b"I0000 00:00:17.4 port.cc:153] oneDNN is on.\nE0000 no memory\n")
        b'E0000 no memory\n'
    """
    lines = written.splitlines(keepends=True)
    return b"".join(line for line in lines if not _IMPORT_NOTES.fullmatch(line.rstrip(b"\r\n")))


def _import_tensorflow() -> None:
    """Imports TensorFlow without its notes; anything else that it writes to standard error is passed on."""
    if "tensorflow" in sys.modules or sys.stderr is None:
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        stderr = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            aside.seek(0)
            os.write(2, without_import_notes(aside.read()))


class _Plain(standard_logging.Formatter):
    """Writes what is reported, with the control characters of names and labels from files as escapes."""

    def format(self, record: standard_logging.LogRecord) -> str:
        return "\n".join(one_line(line, LONGEST_REPORT) for line in super().format(record).split("\n"))


def _is_news(record: standard_logging.LogRecord) -> bool:
    """Tells our own reports from TensorFlow's, which logs each shard and each renamed input of a SavedModel."""
    ours = Path(record.pathname).is_relative_to(Path(__file__).parents[1])
    return ours or record.levelno >= standard_logging.WARNING


def _list_given_twice(arguments: Sequence[str]) -> str | None:
    """Returns the name of a flag for a list that stands twice; what a file of flags says may be replaced."""
    names = [argument.lstrip("-").partition("=")[0] for argument in arguments if argument.startswith("-")]
    lists = (name for name in names if name in flags.FLAGS and isinstance(flags.FLAGS[name].parser, flags.ListParser))
    return next((name for name in lists if names.count(name) > 1), None)


def _flags_of_several_lines() -> str | None:
    """Returns the name of a flag of which `flags.txt`, one flag a line, would hold a further line as a flag."""
    for flag in (flags.FLAGS[name] for name in flags.FLAGS):
        values = flag.value if isinstance(flag.value, list) else [flag.value]
        # What begins a line to Python, of which a newline is only one: \v, \f, U+0085, U+2028 and others.
        if any(isinstance(value, str) and value.splitlines() not in ([], [value]) for value in values):
            return flag.name
    return None


def _help(module: types.ModuleType, shared: Sequence[types.ModuleType]) -> str:
    parts = [(module.__doc__ or "").strip(), "", "flags:"]
    for part in (module, *shared):
        for flag in flags.FLAGS.get_flags_for_module(part.__name__):
            value = (flag.default_as_str or "").strip("'")
            default = f" (default: {value})" if value else ""
            name = f"[no]{flag.name}" if flag.boolean else flag.name
            parts.append(f"  --{name}: {' '.join((flag.help or '').split())}{default}")
    parts.append("  --flagfile: File with flags, one a line.")
    return "\n".join(parts)


def _stop(name: str, message: str) -> NoReturn:
    # What absl says of a flag has the value as it came.
    line = one_line(" ".join(part.strip() for part in message.splitlines()), LONGEST_MESSAGE)
    print(f"keras-bert {name}: error: {line}", file=sys.stderr)
    sys.exit(BAD_INPUT)
