"""absl has one table of flags a process: what a test process imports must not meet in it."""

import ast
from pathlib import Path

from tests.sources import ROOT


def flags_of(path: Path) -> set[str]:
    """Names of the flags that a module defines when it is imported."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("DEFINE_") and call.args
        if isinstance(call.args[0], ast.Constant)
    }


PROGRAMS = {path.stem: flags_of(path) for path in (ROOT / "keras_bert" / "scripts").glob("*.py")}


def imported_by(path: Path) -> set[str]:
    """Names of the modules of `scripts/` that a module imports when it is imported."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras_bert.scripts"):
            found |= {*(alias.name for alias in node.names), (node.module or "").rpartition(".")[2]}
    return found & set(PROGRAMS)


def leaves_flags(name: str) -> bool:
    """Tells whether importing a module of `scripts/` defines flags, its own or those of what it imports."""
    path = ROOT / "keras_bert" / "scripts" / f"{name}.py"
    return bool(PROGRAMS[name]) or any(map(leaves_flags, imported_by(path)))


def test_benchmarks_have_flags_of_their_own():
    of_programs = set().union(*PROGRAMS.values())
    assert {"train", "output"} < of_programs
    clashes = {path.name: flags_of(path) & of_programs for path in (ROOT / "benchmarks").glob("*.py")}
    assert {name: found for name, found in clashes.items() if found} == {}


def test_tests_leave_no_flags_behind():
    """`with imported("row_flags")` takes them away at the end; an import at the top of a test leaves them to others."""
    assert leaves_flags("labelled_rows")
    assert not leaves_flags("flag_file")
    left = [(path, name) for path in (ROOT / "tests").rglob("*.py") for name in imported_by(path) if leaves_flags(name)]
    assert [f"{path.relative_to(ROOT)}: {name}" for path, name in left] == []
