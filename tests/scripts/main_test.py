"""The `keras-bert` command."""

import importlib.util
import re
import subprocess
import sys
from unittest import mock

import pytest
from absl import flags

from keras_bert.scripts.main import GROUPS, PROGRAMS, guide, run
from keras_bert.version import __version__
from tests.scripts.programs import ROOT, imported, run_program


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    with mock.patch.object(sys, "argv", ["keras-bert", *arguments]), pytest.raises(SystemExit) as end:
        run()
    return int(end.value.code or 0), *capsys.readouterr()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_the_programs_are_listed(capsys, arguments: list[str]):
    status, stdout, stderr = call(capsys, *arguments)
    assert (status, stderr) == (0, "")
    for program, purpose in PROGRAMS.items():
        assert f"  {program} " in stdout
        assert purpose in stdout


def test_every_program_is_in_one_group():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(PROGRAMS)


def test_the_commands_to_start_with_have_flags_that_exist():
    """The lines of the guide are typed as they stand."""
    commands = re.findall(r"(?m)^  .*?keras-bert ([a-z]+)( --.*)?$", guide())
    assert [name for name, _ in commands] == ["demo", "finetune", "predict"]
    for name, words in commands:
        shown = run_program(name, "--help").stdout
        assert all(f"--{flag}" in shown for flag in re.findall(r"--(\w+)", words))


def test_every_program_is_a_module():
    for name in PROGRAMS:
        assert importlib.util.find_spec(f"keras_bert.scripts.{name.replace('-', '_')}") is not None


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_names_every_flag_that_a_program_takes(name: str):
    """A module of flags that a program forgets is in no help, and in none of the `flags.txt` that runs go on from."""
    module = name.replace("-", "_")
    with imported(module):
        defined = flags.FLAGS.flags_by_module_dict()
        names = [flag.name for home, found in defined.items() if home.startswith("keras_bert.") for flag in found]
    shown = run_program(module, "--help").stdout
    assert [name for name in names if not re.search(rf"--(\[no\])?{name}\b", shown)] == []


def test_an_unknown_program_is_one_line_and_status_2(capsys):
    for name, hint in (("finetun", ", did you mean finetune"), ("xyz", "")):
        status, stdout, stderr = call(capsys, name, "--epochs=3")
        assert (status, stdout) == (2, "")
        assert stderr.startswith(f"keras-bert: no program {name!r}{hint}; there are: finetune, tune, evaluate, predict")
        assert stderr.count("\n") == 1


def test_help_takes_the_name_of_a_program():
    command = [sys.executable, "-m", "keras_bert.scripts.main"]
    asked, flag = (
        subprocess.run([*command, *words], capture_output=True, text=True, cwd=ROOT).stdout
        for words in (["help", "export"], ["export", "--help"])
    )
    assert "--model" in asked
    assert asked == flag


def test_the_version(capsys):
    assert call(capsys, "--version") == (0, f"keras-bert {__version__}\n", "")


def test_a_module_is_the_same_program():
    """`python -m keras_bert.scripts.NAME`, where absl registers the flags under another name than the module's."""
    module = subprocess.run(
        [sys.executable, "-m", "keras_bert.scripts.export", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    command = subprocess.run(
        [sys.executable, "-m", "keras_bert.scripts.main", "export", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert "--model" in module.stdout
    assert module.stdout == command.stdout
