"""The Python files of the repository, and checks of each of them."""

import ast
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "keras_bert"


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


MODULES = sources("keras_bert")
EVERY_FILE = sources("keras_bert", "tests", "export", "benchmarks", "notebooks")


def inside(path: Path) -> str:
    """The path as it is written in the tables above: `text/word_piece/tokenizer.py`."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return inside(path).split("/")[0].removesuffix(".py")


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def of_each(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Makes one test of a check of many files: as tests of their own they would be half of all there are."""

    def decorate(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            for path in paths:
                check(path)

        return test

    return decorate
