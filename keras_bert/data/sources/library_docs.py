"""A topic-classification data set made on the spot: which library is this docstring from?

The texts are the opening words of docstrings of libraries that are installed with this package anyway, so the set
needs no download. Sources are parsed, never imported. Every choice (which modules, which rows, which split, what
order) follows SHA-256 of names and texts, so the same versions give the same rows on every machine.
"""

import ast
import functools
import hashlib
import importlib.util
import inspect
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_bert.data.sources.source import Source, field_indices
from keras_bert.errors import InputError

SPLITS = ("train", "dev", "test")
FIELDS = ("text", "label", "module")
MASK = "this library"
MAX_ROWS_PER_LIBRARY = 800
MAX_ROWS_PER_MODULE = 20
MIN_WORDS, MAX_WORDS = 10, 50
_SKELETON_WORDS = 10

# Tests, vendored and generated code, and the parts of the standard library that Linux distributions pack apart.
_SKIPPED_FOLDERS = {
    *("test", "tests", "testing", "_vendor", "vendor", "site-packages", "dist-packages", "lib-dynload"),
    *("idlelib", "tkinter", "turtledemo", "lib2to3", "distutils", "ensurepip"),
}
_SKIPPED_FILES = re.compile(r"(gen_|_sysconfigdata|conftest).*|.*(_test|_pb2|_testing)\.py|test_.*")
# Where the prose of a docstring ends: a section ("Args:", a title underlined), a doctest, a fence, a directive, a list.
_SECTION = re.compile(r"[A-Z][A-Za-z ]{2,30}:\s*(\n|$)|.*\n\s*(---|===|~~~)|>>>|```|\.\. |:\w+|@|[-*] |\|")


@dataclass(frozen=True)
class Library:
    """One class of the data set, and how the library is called in texts.

    `folders` are the parts of the package that are read; `names` are masked wherever they stand, with the identifier
    around them (`KerasTensor`), `aliases` at the start of an identifier only (`np`, `HfApi`).
    """

    label: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    def root(self) -> Path:
        """The library's folder, found without importing it."""
        if self.label == "python":
            return Path(sysconfig.get_paths()["stdlib"])
        spec = importlib.util.find_spec(self.label)
        if spec is None or not spec.submodule_search_locations:
            raise InputError(f"library_docs: the package {self.label!r} is not installed")
        return Path(next(iter(spec.submodule_search_locations)))

    def modules(self) -> list[str]:
        """The modules to read, as paths below the root, in the order of their hash."""
        root = self.root()
        paths = (path.relative_to(root) for folder in self.folders for path in (root / folder).rglob("*.py"))
        kept = (
            path.as_posix()
            for path in paths
            if _SKIPPED_FOLDERS.isdisjoint(path.parts) and not _SKIPPED_FILES.fullmatch(path.name)
        )
        return sorted(kept, key=lambda module: _digest(self.label, module))

    def mask(self, text: str) -> str:
        """The text with "this library" wherever the library names itself."""
        patterns = [rf"(?i:\w*(?:{'|'.join(map(re.escape, self.names))})\w*)"]
        if self.aliases:
            patterns.append(rf"(?<![A-Za-z0-9])(?i:{'|'.join(self.aliases)})(?![a-z0-9])\w*")
        return re.sub("|".join(patterns), MASK, text)


LIBRARIES = (
    Library("huggingface_hub", ("",), ("huggingface", "hugging face", "hugging-face"), ("hf",)),
    Library("keras", ("src",), ("keras",)),
    Library(
        "keras_hub", ("src",), ("keras_hub", "keras hub", "keras-hub", "kerashub", "keras_nlp", "kerasnlp", "kerascv")
    ),
    Library("numpy", ("",), ("numpy",), ("np",)),
    Library("python", ("",), ("python",)),
    Library(
        "tensorflow",
        ("python/data", "python/distribute", "python/eager", "python/framework", "python/ops"),
        ("tensorflow", "tensor flow"),
        ("tf",),
    ),
    Library(
        "tensorflow_datasets",
        ("core", "datasets"),
        ("tensorflow_datasets", "tensorflow datasets", "tensorflow/datasets"),
        ("tfds",),
    ),
)


def read_library_docs(split: str, wanted: Sequence[str] = ("text", "label")) -> Source:
    """Rows of the `train`, `dev` or `test` part: text, label (the library), module (the file the text is from).

    Modules, not rows, are divided (80, 10 and 10 %), so no two parts share a module or a text.

    Raises:
        InputError: No such split or field; a library that is not installed.
    """
    if split not in SPLITS:
        raise InputError(f"library_docs: no split {split!r}; the splits are: {', '.join(SPLITS)}")
    indices = field_indices("library_docs", FIELDS, wanted)
    rows = (row for row in _all_rows() if split_of(row[1], row[2]) == split)
    return Source(
        name=f"library_docs:{split}",
        unit="row",
        rows=((number, [row[index] for index in indices]) for number, row in enumerate(rows, start=1)),
    )


def split_of(label: str, module: str) -> str:
    """The part a module belongs to, by its hash."""
    tenth = int(_digest("split", label, module)[:8], 16) % 10
    return "test" if tenth == 0 else "dev" if tenth == 1 else "train"


@functools.lru_cache(maxsize=1)
def _all_rows() -> tuple[tuple[str, str, str], ...]:
    """(text, label, module) of all parts, in the order of the texts' hashes."""
    found = [row for library in LIBRARIES for row in _library_rows(library)]
    libraries: dict[str, set[str]] = {}
    for text, label, _ in found:
        libraries.setdefault(_skeleton(text), set()).add(label)
    kept = (row for row in found if len(libraries[_skeleton(row[0])]) == 1)
    return tuple(sorted(kept, key=lambda row: _digest(row[0])))


def _library_rows(library: Library) -> list[tuple[str, str, str]]:
    """Up to the allowed number of rows of one library; of texts that say the same, the first."""
    root = library.root()
    seen: set[str] = set()
    rows: list[tuple[str, str, str]] = []
    for module in library.modules():
        texts: dict[str, str] = {}
        for docstring in _docstrings((root / module).read_bytes()):
            text = library.mask(opening(docstring))
            if len(text.split()) >= MIN_WORDS and _skeleton(text) not in seen:
                seen.add(_skeleton(text))
                texts[text] = _digest(text)
        chosen = sorted(texts, key=texts.__getitem__)[:MAX_ROWS_PER_MODULE]
        rows.extend((text, library.label, module) for text in chosen)
        if len(rows) >= MAX_ROWS_PER_LIBRARY:
            break
    return rows[:MAX_ROWS_PER_LIBRARY]


def _docstrings(source: bytes) -> Iterator[str]:
    """Docstrings of a module and of all classes and functions in it, nested ones too."""
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring:
                yield inspect.cleandoc(docstring)
        # Statements only: expressions, most of the tree, hold no docstrings.
        for block in ("body", "orelse", "finalbody", "handlers"):
            nodes.extend(getattr(node, block, ()))


def opening(docstring: str) -> str:
    r"""The prose a docstring begins with, at most 50 words, in one line.

    Example:
        >>> opening("Adds two numbers.\n\nExactly.\n\nArgs:\n    x: The first.")
        'Adds two numbers. Exactly.'
    """
    words: list[str] = []
    for paragraph in re.split(r"\n\s*\n", docstring):
        if _SECTION.match(paragraph) or ">>>" in paragraph:
            break
        words.extend(paragraph.split())
        if paragraph.endswith("::"):
            break
    return " ".join(words[:MAX_WORDS])


def _skeleton(text: str) -> str:
    """What a text begins with, without names: docstrings that differ in a name, or further on, are the same.

    NumPy's docstrings live on in other libraries with other markup and other endings.
    """
    words = re.sub(r"`[^`]*`|\b\w*[A-Z0-9_]\w*|\b\w\b|[^\w\s]", " ", text).split()
    return " ".join(words[:_SKELETON_WORDS])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
