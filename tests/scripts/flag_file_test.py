"""Flags that go into a file come back as they were, and a file that is none says so."""

import types
from pathlib import Path
from unittest import mock

import pytest
from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts.flag_file import HEAD, expand_flag_files, flag_lines
from tests.scripts.programs import run_program, write_table

VALUES = {
    "words": ["a", "b,c", 'd"e'],
    "quoted_words": ["a,b"],
    "yes": True,
    "no": False,
    "none": None,
    "text": "x = {1, 2} | #",
    "blank": " ",
    "tab": "\t",
    "wide_blank": "\u3000中 ",
    "quoted": '"a" or "b"',
    "path": "C:\\runs ",
    "empty": "",
}


def defined() -> flags.FlagValues:
    found = flags.FlagValues()
    for name, value in VALUES.items():
        if isinstance(value, list):
            flags.DEFINE_list(name, None, "", flag_values=found)
        elif isinstance(value, bool):
            flags.DEFINE_bool(name, not value, "", flag_values=found)
        else:
            flags.DEFINE_string(name, None if value is None else "default", "", flag_values=found)
        found.register_flag_by_module("flag_file_test", found[name])
    return found


def test_every_value_comes_back(tmp_path: Path):
    found, again = defined(), defined()
    for name, value in VALUES.items():
        found[name].value = value
    with mock.patch.object(flags, "FLAGS", found):
        module = types.ModuleType("flag_file_test")
        assert "--text" not in flag_lines(module, leave_out=["text"])
        text = flag_lines(module)
    assert text.splitlines()[0] == HEAD
    assert '--blank=" "' in text.splitlines()
    (tmp_path / "flags.txt").write_text(text, encoding="utf-8")
    with mock.patch.object(flags, "FLAGS", again):
        again(expand_flag_files(["tiny", f"--flagfile={tmp_path}/flags.txt"]))
    assert {name: again[name].value for name in VALUES} == VALUES


def test_other_files_are_read_as_absl_reads_them(tmp_path: Path):
    (tmp_path / "a.txt").write_text(f'# by hand\n\n  --text="x" \n--flagfile={tmp_path}/b.txt\n// --no\n')
    (tmp_path / "b.txt").write_text("--yes\r\n", encoding="utf-8-sig")
    expected = ["p", '--text="x"', "--yes", "--no", "--", "--flagfile=a"]
    for given in ([f"--flagfile={tmp_path}/a.txt"], ["--flagfile", f"{tmp_path}/a.txt"]):
        assert expand_flag_files(["p", *given, "--no", "--", "--flagfile=a"]) == expected
    assert expand_flag_files(["--flagfile=none.txt"]) == ["--flagfile=none.txt"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"--text=a\n--text=\xff\xfe", "line 2: not UTF-8; a file of flags is UTF-8, a flag a line"),
        (f'{HEAD}\n--text="a\n'.encode(), "line 2: .* is no JSON string"),
        (b"--flagfile=FILE", "names itself"),
    ],
)
def test_what_is_no_file_of_flags(tmp_path: Path, data: bytes, message: str):
    path = tmp_path / "flags.txt"
    path.write_bytes(data.replace(b"FILE", str(path).encode()))
    with pytest.raises(InputError, match=message):
        expand_flag_files([f"--flagfile={path}"])


def test_a_run_is_repeated_with_the_same_blank(encoder: Path, tmp_path: Path):
    rows = write_table(tmp_path / "train.tsv", ("text", "label"), [("good film", "a b"), ("bad film", "c")] * 4)
    flags = (f"--preset={encoder}", f"--train={rows}", "--multi_label", "--label_separator= ", "--noplots")
    done = run_program("finetune", *flags, f"--output={tmp_path}/run", "--epochs=1", "--max_length=16")
    assert "labels: a, b, c" in done.stdout
    again = run_program("finetune", f"--flagfile={tmp_path}/run/flags.txt", "--overwrite")
    assert again.status == 0, again.stderr
    assert "labels: a, b, c" in again.stdout
    (tmp_path / "run/flags.txt").write_bytes(b"--epochs=2\n--output=\xff")
    assert "line 2: not UTF-8" in run_program("finetune", f"--flagfile={tmp_path}/run/flags.txt").error
