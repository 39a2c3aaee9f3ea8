"""What is not there is said at once."""

import subprocess
import sys
import types
from pathlib import Path

import pytest
from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import input_files

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("program", "flag", "message"),
    [
        ("finetune", "--train=none.tsv", "none.tsv: no such file"),
        ("evaluate", "--model=runs/none", "runs/none: no such folder or preset"),
        ("pretrain", "--text=none.txt,other.txt", "none.txt: no such file"),
    ],
)
def test_it_is_said_before_tensorflow_is_imported(program, flag, message):
    code = (
        "import sys\nfrom keras_bert.scripts import main\n"
        f"sys.argv = ['keras-bert', {program!r}, {flag!r}]\n"
        "try:\n    main.run()\nexcept SystemExit as end:\n    print(end.code, 'tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["2", "False"], done.stderr
    assert done.stderr.startswith(f"keras-bert {program}: error: {message}")


@pytest.fixture
def check(monkeypatch):
    values = flags.FlagValues()
    module = types.ModuleType("tests.scripts.some_program")
    monkeypatch.setattr(input_files.flags, "FLAGS", values)

    def check(name: str, value: str, several: bool = False) -> None:
        define = flags.DEFINE_list if several else flags.DEFINE_string
        define(name, None, "", flag_values=values, module_name=module.__name__)
        values(["program", f"--{name}={value}"])
        input_files.check_inputs([module])

    return check


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train", "tfds:glue/sst2"),
        ("train", "library_docs:train"),
        ("input", "-"),
        ("input", "gs://bucket/rows.csv"),
        ("text", "review.text"),
        ("text", "a/b"),
        ("text", "corpus/*.txt"),
        ("model", "hf://org/name"),
        ("preset", "minilm"),
        ("preset", "bert_base_en"),
        ("output", "runs/new/model"),
        ("train", __file__),
    ],
)
def test_what_may_be_there_is_left_to_the_program(check, name, value):
    check(name, value)


@pytest.mark.parametrize(
    ("name", "value"), [("dev", "a.csv"), ("rows", "folder/none"), ("model", "./none"), ("test", "c.json")]
)
def test_what_is_not_there_is_named(check, name, value):
    with pytest.raises(InputError, match=f"^{value}: no such .*--{name}"):
        check(name, value)


def test_lists_are_gone_through(check):
    with pytest.raises(InputError, match=r"^none\.txt: no such file"):
        check("text", f"{__file__},none.txt", several=True)
