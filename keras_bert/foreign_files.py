"""Files that others wrote: JSON read with care, and names in them that must stay inside their folder."""

import json
import re
from os import PathLike
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from keras_bert.errors import InputError

LARGEST_JSON = 64 * 2**20
"""Bytes of a JSON file or a vocabulary at most. The `tokenizer.json` of 500,000 entries has 20 MB."""

DEEPEST_JSON = 100
"""Levels of lists and objects in each other at most; Python itself ends at some thousand, wherever it then is."""

_HALF_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def inside(folder: str | Path, name: Any, source: str | Path) -> Path:
    """Gives the path of a file that a file names, such as a shard in an index; it must lie in the folder.

    Args:
        folder: The folder that the name counts from.
        name: The name as it was read; it may lead into folders of the folder.
        source: What names it, for the message.

    Returns:
        `folder / name`.

    Raises:
        InputError: The name is no string, is absolute, or leads out of the folder.

    Example:
        >>> inside("model", "1_Pooling/config.json", "modules.json").as_posix()
        'model/1_Pooling/config.json'
        >>> inside("model", "../other/config.json", "modules.json")
        Traceback (most recent call last):
        ...
        keras_bert.errors.InputError: modules.json: names '../other/config.json', which leads out of its folder
    """
    if not isinstance(name, str):
        raise InputError(f"{source}: expected the name of a file, found {name!r:.80}")
    # Windows reads a backslash and a drive's letter as a way out; a file from there may be opened here and back.
    path = PurePosixPath(name.replace("\\", "/"))
    if ".." in path.parts or path.is_absolute() or PureWindowsPath(name).anchor or "\0" in name:
        raise InputError(f"{source}: names {name!r:.200}, which leads out of its folder")
    return Path(folder) / name


def check_regular(path: str | Path) -> None:
    """Checks that what is at a path can be read whole: a pipe would be waited for, and a device might have no end.

    Raises:
        InputError: There is something, and it is no regular file, or one of more than `LARGEST_JSON` bytes.
        OSError: The path cannot be looked at.
    """
    path = Path(path)
    if not path.exists():
        return
    if not path.is_file():
        raise InputError(f"{path}: cannot be read ({'Is a directory' if path.is_dir() else 'Not a regular file'})")
    size = path.stat().st_size
    if size > LARGEST_JSON:
        raise InputError(f"{path}: has {size:,} bytes; such a file of a model has at most {LARGEST_JSON:,}")


def read_json(path: str | Path) -> dict[str, Any] | None:
    """Reads a JSON object, None where there is no such file.

    Raises:
        InputError: The file holds something else, is nested too deep, has more than `LARGEST_JSON` bytes, or holds
            half surrogates, which no text file can hold.
    """
    fields = read_json_value(path)
    if not isinstance(fields, dict) and Path(path).exists():
        raise InputError(f"{path}: expected a JSON object, found {type(fields).__name__}")
    return fields


def read_json_value(path: str | Path) -> Any:
    """Reads what a JSON file holds, None where there is no such file; see `read_json`."""
    path = Path(path)
    try:
        check_regular(path)
        if not path.exists():
            return None
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return parse_json(data, path)


def loads_json(text: str) -> Any:
    """Parses JSON as `json.loads` does, but for what is nested deeper than `DEEPEST_JSON`.

    Whatever walks through the value, or prints it, then comes to its end.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deep.
    """
    value = json.loads(text)
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST_JSON):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return value
    raise RecursionError


def parse_json(data: bytes | str, source: str | PathLike) -> Any:
    """Parses JSON that may come from anyone; see `read_json` for what is refused.

    Args:
        data: The text, as bytes in UTF-8.
        source: Where it is from, for the message.

    Raises:
        InputError: It is no JSON, or JSON that cannot be used.
    """
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value = loads_json(text)
        if _HALF_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise InputError(f"{source}: its JSON is nested too deep") from None
    except UnicodeEncodeError:
        raise InputError(f"{source}: holds half of a surrogate pair (\\ud800 to \\udfff), which is no text") from None
    except ValueError as error:
        raise InputError(f"{source}: not a JSON file ({error})") from None
    return value
