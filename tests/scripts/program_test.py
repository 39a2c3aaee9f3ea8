"""`run_program`: help, flags, one line for an error, status 2, and quiet ends."""

import contextlib
import io
import logging as standard_logging
import os
import re
import signal
import subprocess
import sys
import types
from pathlib import Path
from unittest import mock

import pytest
from absl import flags, logging
from absl.testing import flagsaver

from keras_bert.errors import InputError
from keras_bert.scripts import program
from keras_bert.scripts.main import PROGRAMS
from tests.scripts.programs import ROOT, run_process, run_program

MODULE = types.ModuleType("tiny_program", "Does a little.")
MODULE.__file__ = "/somewhere/tiny.py"


def run(main, *arguments: str) -> tuple[int, str, str]:
    """Runs a function as a program without flags of its own."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    with (
        flagsaver.flagsaver(),
        mock.patch.multiple(sys, stdout=streams[0], stderr=streams[1], argv=["tiny", *arguments]),
        pytest.raises(SystemExit) as end,
    ):
        program.run_program(main, MODULE)
    for stream in streams:
        stream.flush()
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in streams)
    return int(end.value.code or 0), stdout, stderr


def raises(error: BaseException):
    def main() -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("variables", "settings", "words"),
    [
        ({"KERAS_BACKEND": "jax"}, None, "Keras' backend is 'jax' (the environment); the programs train"),
        ({}, '{"backend": "torch"}', "Keras' backend is 'torch' ("),
        ({"TF_USE_LEGACY_KERAS": "1"}, None, "TF_USE_LEGACY_KERAS=1 asks for Keras 2"),
        ({"KERAS_BACKEND": "tensorflow", "TF_USE_LEGACY_KERAS": "0"}, '{"backend": "torch"}', None),
        ({}, "{", None),
        ({}, "[]", None),
    ],
)
def test_foreign_engines_are_one_line(variables: dict, settings: str | None, words: str | None, tmp_path, monkeypatch):
    for name in ("KERAS_BACKEND", "TF_USE_LEGACY_KERAS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"KERAS_HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    if settings is not None:
        (tmp_path / "keras.json").write_text(settings)
    with pytest.raises(InputError, match=re.escape(words)) if words else contextlib.nullcontext():
        program._check_engine()


def test_a_program_that_ends_well_has_status_0():
    assert run(lambda: print("done")) == (0, "done\n", "")


def test_an_input_error_is_one_line_and_status_2():
    status, stdout, stderr = run(raises(InputError("train.tsv, line 3: no column\n  'label'")))
    assert (status, stdout) == (2, "")
    assert stderr == "keras-bert tiny: error: train.tsv, line 3: no column\\n  'label'\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "runs/a/log.csv"), "runs/a/log.csv: No space left on device"),
        (OSError(28, "No space left on device"), "input or output: No space left on device"),
        (OSError("the tape is torn"), "input or output: the tape is torn"),
    ],
)
def test_an_error_of_the_file_system_is_one_line_too(error: OSError, words: str):
    assert run(raises(error)) == (2, "", f"keras-bert tiny: error: {words}\n")


def test_a_defect_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), mock.patch.object(sys, "argv", ["tiny"]):
        program.run_program(raises(ZeroDivisionError()), MODULE)


def test_an_end_that_tensorflow_makes_another_error_of_is_that_end():
    """As pybind11 does when a signal comes while it makes a Python exception of one of C++."""

    def main() -> None:
        try:
            program.leave(143)
        except SystemExit:
            raise RuntimeError("MISMATCH of original and normalized active exception types") from None

    assert run(main) == (143, "", "")
    with pytest.raises(ZeroDivisionError), mock.patch.object(sys, "argv", ["tiny"]):
        program.run_program(raises(ZeroDivisionError()), MODULE)


def test_ctrl_c_is_one_line_and_status_130():
    assert run(raises(KeyboardInterrupt())) == (130, "", "\nkeras-bert tiny: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no_such_flag"], "Unknown command line flag 'no_such_flag'"),
        (["train.tsv"], "unexpected argument 'train.tsv'; all settings are flags, --name=value"),
        (["--flagfile=/none/flags.txt"], "Unable to open flagfile"),
        (["--verbosity=loud"], "--verbosity=loud"),
    ],
)
def test_wrong_flags_are_one_line_and_status_2(arguments: list[str], words: str):
    status, stdout, stderr = run(lambda: print("ran"), *arguments)
    assert (status, stdout) == (2, "")
    assert stderr.startswith("keras-bert tiny: error: ")
    assert words in stderr
    assert stderr.count("\n") == 1


def test_wrong_flags_are_shown_as_text_that_fits_on_a_screen():
    status, _, stderr = run(lambda: None, "--logger_levels=\x1b[31m" + "x" * 100_000)
    assert status == 2
    assert r"\x1b[31mxxx" in stderr
    assert "\x1b" not in stderr
    assert len(stderr) < 1300


def test_the_librarys_reports_are_plain_lines_and_tensorflows_are_left_out(monkeypatch):
    def main() -> None:
        for folder in (ROOT / "keras_bert", "/somewhere/tensorflow"):
            record = {"pathname": f"{folder}/file.py", "lineno": 1, "msg": f"said in {Path(folder).name}"}
            for level in ("INFO", "WARNING"):
                number = standard_logging.getLevelName(level)
                handler.handle(standard_logging.makeLogRecord({"levelname": level, "levelno": number, **record}))

    handler = logging.get_absl_handler()
    monkeypatch.setattr(handler, "filters", [])
    monkeypatch.setattr(handler.python_handler, "formatter", handler.python_handler.formatter)
    monkeypatch.setattr(handler.python_handler, "stream", stream := io.StringIO())
    assert run(main)[0] == 0
    assert stream.getvalue() == "said in keras_bert\nsaid in keras_bert\nsaid in tensorflow\n"


def test_output_is_utf8_whatever_the_locale():
    assert run(lambda: print("Élan 中")) == (0, "Élan 中\n", "")


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_comes_at_once_without_tensorflow(name: str):
    """At once by its own processor time: other processes may keep the machine busy."""
    code = (
        "import sys, time; from keras_bert.scripts.main import run\n"
        f"sys.argv = ['keras-bert', {name!r}, '--help']\n"
        "try: run()\n"
        "except SystemExit as error: print(error.code, sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))\n"
        "print(time.process_time())"
    )
    done = run_process("-c", code)
    *text, last, seconds = done.stdout.splitlines()
    assert last == "0 []", done.stderr
    assert float(seconds) < 2
    assert text[0].endswith((".", "?"))
    assert f"keras-bert {name}" in done.stdout
    assert "flags:" in text


def test_help_names_every_flag_with_its_default():
    shown = run_program("finetune", "--help").stdout
    assert "  --epochs: Passes over the training rows. (default: 3)" in shown
    assert "  --[no]overwrite: " in shown
    assert "  --task: <answer|choose|classify|embed|generate|regress|tag>: " in shown
    assert "  --text: Column with the text. (default: text)" in shown
    assert run_program("finetune", "--helpfull").stdout == shown


def test_a_reader_that_goes_away_ends_a_program_quietly(tmp_path: Path):
    """As `head -1` does: the pipe is closed while the program still has much to say."""
    (tmp_path / "long.py").write_text(
        '"""Talks."""\nimport sys\nfrom keras_bert.scripts import program\n'
        "program._import_tensorflow = lambda: None\n"
        "def main():\n    for number in range(200_000): print(number)\n"
        "program.run_program(main, sys.modules['__main__'])\n"
    )
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "long.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, b"\nkeras-bert wait: interrupted\n"), (signal.SIGTERM, 143, b"")],
)
def test_signals_end_a_program_that_waits(tmp_path: Path, number: int, status: int, words: bytes):
    (tmp_path / "wait.py").write_text(
        '"""Waits."""\nimport sys, time\nfrom keras_bert.scripts import program\n'
        "program._import_tensorflow = lambda: None\n"
        "def main():\n"
        "    try:\n        print('waiting', flush=True)\n        time.sleep(60)\n"
        "    finally: print('cleared away', flush=True)\n"
        "program.run_program(main, sys.modules['__main__'])\n"
    )
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "wait.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(number)
        assert process.stdout.read() == b"cleared away\n"
        assert process.stderr.read() == words
    assert process.returncode == status


def test_a_list_given_twice_is_refused_as_its_first_half_would_be_lost(tmp_path: Path):
    file = tmp_path / "flags.txt"
    file.write_text("--tiny_list=a\n--tiny_text=b\n")
    for arguments, expected in (
        (["--tiny_list=a", "--tiny_list", "b"], (2, "", "--tiny_list is given twice, and the last would count alone")),
        (["--tiny_text=a", "--tiny_text=b"], (0, "[]b", "")),
        ([f"--flagfile={file}", "--tiny_list=c"], (0, "['c']b", "")),
    ):
        values = flags.FlagValues()
        flags.DEFINE_string("tiny_text", "", "A text.", flag_values=values)
        flags.DEFINE_list("tiny_list", [], "Texts.", flag_values=values)
        flags.DEFINE_string("flagfile", "", "A file.", flag_values=values)
        with mock.patch.object(flags, "FLAGS", values):
            show = lambda values=values: print(values.tiny_list, values.tiny_text, sep="", end="")  # noqa: E731
            status, stdout, stderr = run(show, *arguments)
        assert (status, stdout, expected[2] in stderr) == (*expected[:2], True)


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\x1c", "\x85", "\u2028"])
def test_a_value_that_would_be_two_lines_of_a_flag_file_is_refused(end: str):
    """Of `flags.txt`, where the second line would be another flag."""
    for argument in (f"--tiny_text=a{end}--seed=2", f"--tiny_text=a{end}", f"--tiny_list=a,b{end}c"):
        values = flags.FlagValues()
        flags.DEFINE_string("tiny_text", "", "A text.", flag_values=values)
        flags.DEFINE_list("tiny_list", [], "Texts.", flag_values=values)
        with mock.patch.object(flags, "FLAGS", values):
            status, stdout, stderr = run(raises(AssertionError("runs")), argument)
        name = argument[2:].split("=")[0]
        assert (status, stdout, stderr.count("\n")) == (2, "", 1)
        # absl has its own words for a list that is no line of CSV.
        assert f"--{name} holds a line break; a value" in stderr or "comma separated list" in stderr


def test_what_is_reported_does_not_move_the_cursor():
    record = standard_logging.LogRecord("absl", 30, __file__, 1, "label %s\n%s", ("\x1b]0;t\x07", "\x9b31m"), None)
    run(lambda: None)
    assert logging.get_absl_handler().format(record) == "label \\x1b]0;t\\x07\n\\x9b31m"
