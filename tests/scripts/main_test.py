"""The `keras-bert` command."""

import importlib.util
import subprocess
import sys
from unittest import mock

import pytest

from keras_bert.scripts.main import PROGRAMS, run
from keras_bert.version import __version__
from tests.scripts.programs import ROOT


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


def test_every_program_is_a_module():
    for name in PROGRAMS:
        assert importlib.util.find_spec(f"keras_bert.scripts.{name.replace('-', '_')}") is not None


def test_an_unknown_program_is_one_line_and_status_2(capsys):
    status, stdout, stderr = call(capsys, "finetun", "--epochs=3")
    assert (status, stdout) == (2, "")
    assert stderr.startswith("keras-bert: no program 'finetun'; there are: finetune, evaluate, predict")
    assert stderr.count("\n") == 1


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
