"""`keras-bert convert`: any format to a Hugging Face folder, with a report."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.scripts.programs import run_program, save_encoder


def test_the_folder_and_the_report(classifier: Path, tmp_path: Path):
    done = run_program("convert", f"--preset={classifier}", f"--output={tmp_path}/out")
    assert done.status == 0, done.stderr
    assert done.stdout.startswith(f"{classifier} -> {tmp_path}/out: 41 tensors written")
    assert {"config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    before, after = (load_file(folder / "model.safetensors") for folder in (classifier, tmp_path / "out"))
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_what_the_files_say_can_be_overruled(encoder: Path, tmp_path: Path):
    done = run_program(
        "convert", f"--preset={encoder}", f"--output={tmp_path}/out", "--nolowercase", "--hidden_act=gelu_new"
    )
    assert done.status == 0, done.stderr
    assert json.loads((tmp_path / "out" / "config.json").read_text())["hidden_act"] == "gelu_new"
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["do_lower_case"] is False


def test_an_earlier_folder_needs_overwrite(encoder: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    error = run_program("convert", f"--preset={encoder}", f"--output={tmp_path}/out").error
    assert "already holds notes.txt" in error
    assert "--overwrite" in error
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert run_program("convert", f"--preset={encoder}", f"--output={tmp_path}/out", "--overwrite").status == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "name the checkpoint to convert, --preset=FOLDER; name the folder to write, --output=FOLDER"),
        (["--preset=minilm"], "name the folder to write, --output=FOLDER"),
        (["--preset=runs/none", "--output=out"], "runs/none: no such folder or preset"),
        (["--preset=nosuch://a/b", "--output=out"], "nosuch://a/b: no such folder or preset"),
    ],
)
def test_bad_flags(flags: list[str], words: str):
    assert words in run_program("convert", *flags).error


def test_broken_checkpoints(tmp_path: Path):
    def error() -> str:
        return run_program("convert", f"--preset={tmp_path}/preset", f"--output={tmp_path}/out").error

    save_encoder(tmp_path / "preset")
    weights = tmp_path / "preset" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert error().startswith(f"{weights}: truncated or damaged")
    weights.unlink()
    assert f"{tmp_path}/preset: no checkpoint of a known format" in error()
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]


def test_a_folder_is_not_converted_onto_itself(tmp_path: Path):
    folder = save_encoder(tmp_path / "preset")
    error = run_program("convert", f"--preset={folder}", f"--output={folder}", "--overwrite").error
    assert "choose another folder" in error
    assert (folder / "model.safetensors").is_file()
