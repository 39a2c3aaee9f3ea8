r"""Files of flags: written so that every value comes back as it was, and read.

absl strips the lines of such a file, so that `--word_separator= ` would come back empty. A file that is written here
says so in its first line, and has values with blanks at their edges as JSON strings: `--word_separator=" "`. Files
without that line are read as absl reads them.
"""

import json
import types
from collections.abc import Iterable, Sequence
from pathlib import Path

from absl import flags

from keras_bert.errors import InputError

HEAD = "# A file of keras-bert: a value in quotation marks is a JSON string."
"""The first line of a file that is written here; a comment to absl."""


def flag_lines(*modules: types.ModuleType, leave_out: Iterable[str] = ()) -> str:
    """Returns the flags of some modules as the text of a file for `--flagfile`.

    Args:
        *modules: The modules that define them.
        leave_out: Names of flags that are not to be written.
    """
    found = [flag for module in modules for flag in flags.FLAGS.get_flags_for_module(module.__name__)]
    kept = [flag for flag in found if flag.name not in set(leave_out)]
    lines = {line for flag in kept for line in _serialized(flag).splitlines() if line}
    return "\n".join([HEAD, *sorted(lines)]) + "\n"


def expand_flag_files(arguments: Sequence[str], inside: tuple[str, ...] = ()) -> list[str]:
    """Puts the lines of files in the place of the `--flagfile` that names them.

    Args:
        arguments: Of a program.
        inside: The files that are being read.

    Returns:
        The arguments, each flag with its value as it is. A file that cannot be opened is left for absl to name.

    Raises:
        InputError: A file is not UTF-8 or names itself, or a value in quotation marks is no JSON string.
    """
    expanded: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return [*expanded, argument, *rest]
        name, sign, path = argument.partition("=")
        if name not in ("--flagfile", "-flagfile") or not (path or (not sign and rest)):
            expanded.append(argument)
            continue
        path = str(Path(path or rest.pop(0)).expanduser())
        if path in inside:
            raise InputError(f"{path}: a file of flags that names itself, --flagfile={path}")
        try:
            data = Path(path).read_bytes()
        except OSError:
            expanded.append(f"--flagfile={path}")
            continue
        expanded += expand_flag_files(_arguments(path, data), (*inside, path))
    return expanded


def _arguments(path: str, data: bytes) -> list[str]:
    """Returns the flags of a file."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8; a file of flags is UTF-8, a flag a line") from None
    is_ours = lines[:1] == [HEAD]
    return [
        _unquoted(path, number, line.strip()) if is_ours else line.strip()
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith(("#", "//"))
    ]


def _serialized(flag: flags.Flag) -> str:
    value = flag.value
    if isinstance(value, str) and (value != value.strip() or value.startswith('"')):
        return f"--{flag.name}={json.dumps(value, ensure_ascii=False)}"
    return flag.serialize()


def _unquoted(path: str, number: int, line: str) -> str:
    """Returns a line with the value that its JSON string stands for."""
    name, _, value = line.partition("=")
    if not value.startswith('"') or _is_list(name.lstrip("-")):
        return line
    try:
        text = json.loads(value)
    except ValueError:
        raise InputError(f"{path}, line {number}: {value:.60} is no JSON string") from None
    return f"{name}={text}"


def _is_list(name: str) -> bool:
    """Tells whether a flag is a list: a line of CSV, which has quotation marks of its own."""
    return name in flags.FLAGS and isinstance(flags.FLAGS[name].parser, flags.BaseListParser)
