"""Lays out the sources of the site, out of the pages, the docstrings and the programs' `--help`.

    python docs/site/generate.py build/docs-source
    sphinx-build -W --keep-going -c docs/site build/docs-source build/docs

The pages stand where a code host shows them, and are copied into the folder under the same names, with the files that
they lead to, so that relative links hold in both places. What is made here: the index, a page
for each room of the package with its public names, and a page for each program.
"""

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "*.md",
    "docs/*.md",
    "docs/zh/*.md",
    "benchmarks/*.md",
    "export/*.md",
    "export/browser/*.md",
    "notebooks/*.ipynb",
)
LINK = re.compile(r"\]\(([^()\s#]+)")

# The order in which a reader wants the pages of docs/; one that is not named here comes after them.
TOPICS = (
    "start",
    "questions",
    "data",
    "prepared",
    "long_texts",
    "classification",
    "tagging",
    "question_answering",
    "multiple_choice",
    "relations",
    "embeddings",
    "retrieval",
    "generation",
    "pretraining",
    "long_runs",
    "tuning",
    "scaling",
    "trust",
    "compression",
    "formats",
    "serving",
    "app",
    "checkpoints",
    "text",
)
LAST = ("decisions",)

INDEX = """\
# keras_bert

BERT for Keras 3 and TensorFlow: strings go in, answers come out, and the same functions carry them in training and in
serving. [Start in five minutes](docs/start.md), read [what the package is](README.md), or look up
[a name](reference/keras_bert.rst) or [a program](programs.md). 中文：[从这里开始](docs/zh/start.md)。
"""

sys.path.insert(0, str(ROOT))


def topics() -> list[str]:
    """The names of all pages of docs/, in the order of the index."""
    found = {page.stem for page in (ROOT / "docs").glob("*.md")}
    named = [name for name in TOPICS if name in found]
    return [*named, *sorted(found - {*TOPICS, *LAST})]


def toctree(caption: str, pages: list[str]) -> str:
    """A part of the index; a page may be given with a title, as `title <page>`."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def rooms() -> list[str]:
    """The package and the rooms that it shows, by their full names."""
    import keras_bert

    return ["keras_bert", *sorted(f"keras_bert.{name}" for name in keras_bert.__all__ if is_room(name))]


def is_room(name: str) -> bool:
    """Whether a public name of the package is a room of it."""
    return (ROOT / "keras_bert" / name / "__init__.py").is_file()


def members(cls: type) -> list[str]:
    """The documented public methods and properties of a class that keras_bert itself defines."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("keras_bert")]
    found: dict[str, None] = {}
    for base in ours:
        for name, value in vars(base).items():
            callable_ = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            shown = inspect.isfunction(callable_) or isinstance(value, property)
            if not name.startswith("_") and shown and callable_.__doc__:
                found.setdefault(name)
    return list(found)


def entries(room: str) -> Iterator[str]:
    """The reference of one room: its docstring, then each public name."""
    module = importlib.import_module(room)
    yield f"{room}\n{'=' * len(room)}\n\n.. automodule:: {room}\n   :no-members:\n"
    names = [name for name in module.__all__ if not inspect.ismodule(getattr(module, name))]
    homes = getattr(module, "_HOME", {})
    elsewhere = {name: homes[name] for name in names if homes.get(name) in rooms()}
    for name, home in sorted(elsewhere.items()):
        yield f"* :py:class:`{home}.{name}`"
    yield ""
    for name in names:
        if name in elsewhere or name == "__version__":
            continue
        value = getattr(module, name)
        if inspect.isclass(value):
            lines = [f".. autoclass:: {room}.{name}"]
            if found := members(value):
                lines.append(f"   :members: {', '.join(found)}")
        elif callable(value) and inspect.isroutine(value):
            lines = [f".. autofunction:: {room}.{name}"]
        else:
            lines = [f".. autodata:: {room}.{name}", "   :no-value:"]
        yield "\n".join([*lines, ""])


def escaped(text: str) -> str:
    """Text of a flag's help as Markdown that shows it as it is; what stands between backticks is code."""
    parts = text.split("`")
    parts[::2] = ["".join(f"\\{c}" if c in "\\*_<>[]{}$|#~" else c for c in part) for part in parts[::2]]
    return "`".join(parts)


def program_page(name: str) -> str:
    """A program's `--help` as a page: what it does, then its flags."""
    command = [sys.executable, "-m", "keras_bert.scripts.main", name, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    about, _, flags = shown.partition("\nflags:\n")
    lines = [f"# keras-bert {name}", ""]
    for paragraph in about.strip().split("\n\n"):
        code = paragraph.startswith("    ")
        lines += [f"```\n{inspect.cleandoc(paragraph)}\n```" if code else escaped(paragraph), ""]
    lines += ["## Flags", ""]
    for line in flags.splitlines():
        flag, _, text = line.strip().partition(": ")
        lines += [f"`{flag}`", f": {escaped(text)}", ""]
    return "\n".join(lines)


def programs_index(programs: dict[str, str]) -> str:
    """The list of programs, with a line for each."""
    lines = ["# Programs", "", "`keras-bert PROGRAM --help` shows what stands here.", ""]
    lines += [f"* [{name}](programs/{name}.md): {escaped(purpose)}" for name, purpose in programs.items()]
    return "\n".join([*lines, "", toctree("Programs", [f"programs/{name}" for name in programs])])


def pages() -> list[Path]:
    """All pages of the project, without the copies that executing the notebooks leaves."""
    found = [page for pattern in PAGES for page in sorted(ROOT.glob(pattern))]
    return [page for page in found if not page.name.endswith(".executed.ipynb")]


def copied(file: Path, target: Path) -> None:
    """Copies a file of the project to the same place in the folder."""
    there = target / file.relative_to(ROOT)
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, there)


def lay_out(target: Path) -> None:
    """Writes the sources of the site into a folder, in place of what is there."""
    from keras_bert.scripts.main import PROGRAMS

    shutil.rmtree(target, ignore_errors=True)
    for part in ("reference", "programs"):
        (target / part).mkdir(parents=True)
    for page in pages():
        copied(page, target)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if (file := (page.parent / link).resolve()).is_file() and file.is_relative_to(ROOT):
                copied(file, target)
    for room in rooms():
        (target / "reference" / f"{room}.rst").write_text("\n".join(entries(room)), encoding="utf-8")
    for program in PROGRAMS:
        (target / "programs" / f"{program}.md").write_text(program_page(program), encoding="utf-8")
    (target / "programs.md").write_text(programs_index(PROGRAMS), encoding="utf-8")
    notebooks = [page.stem for page in pages() if page.suffix == ".ipynb"]
    chinese = [f"docs/zh/{name}" for name in topics() if (ROOT / "docs" / "zh" / f"{name}.md").is_file()]
    parts = {
        "Pages": ["README", *(f"docs/{name}" for name in topics())],
        "Notebooks": [f"notebooks/{name}" for name in notebooks],
        "Reference": [*(f"reference/{room}" for room in rooms()), "programs"],
        "Serving": ["export/README", "export/browser/README"],
        "About": ["benchmarks/RESULTS", *(f"docs/{name}" for name in LAST), *about()],
        "中文": ["README.zh", *chinese],
    }
    index = INDEX + "".join("\n" + toctree(caption, pages) for caption, pages in parts.items())
    (target / "index.md").write_text(index, encoding="utf-8")


def about() -> list[str]:
    """The pages in the root that say how the project goes on."""
    return [name for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY") if (ROOT / f"{name}.md").is_file()]


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
