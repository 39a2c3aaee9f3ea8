"""Names and patterns of sources of rows, as the sources that they stand for."""

import glob
from pathlib import Path

from keras_bert.errors import InputError

_NO_FILES = ("tfds:", "library_docs")


def find_sources(names: str) -> list[str]:
    """Finds the sources that a text names: one of `keras_bert.data.read`, a pattern of files, or several with commas.

    A file of the name goes before what it would mean as a pattern or as a list.

    Args:
        names: Such as `train.csv`, `data/*.csv.gz`, `a.tsv,b.tsv`, `tfds:glue/sst2`.

    Returns:
        The sources, those of a pattern in the order of their names.

    Raises:
        InputError: A pattern fits no file; the same file is there twice.

    Example:
        >>> find_sources("tfds:glue/sst2:train[:100]")
        ['tfds:glue/sst2:train[:100]']
    """
    if names.startswith(_NO_FILES) or "://" in names or Path(names).exists():
        return [names]
    found: list[str] = []
    for name in names.split(","):
        if Path(name).exists() or not any(sign in name for sign in "*?["):
            found.append(name)
            continue
        matches = glob.glob(name, recursive=True)  # noqa: PTH207  # a pattern may begin at the root
        files = sorted(path for path in matches if Path(path).is_file())
        if not files:
            raise InputError(f"{name}: no such file")
        found += files
    twice = [name for index, name in enumerate(found) if name in found[:index]]
    if twice:
        raise InputError(f"{names}: {twice[0]} is there more than once, so its rows would be")
    return found
