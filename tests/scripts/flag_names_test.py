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


def test_benchmarks_have_flags_of_their_own():
    of_programs = set().union(*PROGRAMS.values())
    assert {"train", "output"} < of_programs
    clashes = {path.name: flags_of(path) & of_programs for path in (ROOT / "benchmarks").glob("*.py")}
    assert {name: found for name, found in clashes.items() if found} == {}


def test_tests_leave_no_flags_behind():
    """`with imported("row_flags")` takes them away at the end; an import at the top of a test leaves them to others."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras_bert.scripts"):
                names = [alias.name for alias in node.names] + [(node.module or "").rpartition(".")[2]]
                found += [f"{path.relative_to(ROOT)}: {name}" for name in names if PROGRAMS.get(name)]
    assert found == []
