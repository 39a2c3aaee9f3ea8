"""The rows of --warmup and --calibrate."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401 -- its operations are in the SavedModel

from keras_bert.serving.warmup import WARMUP_FILE
from keras_bert.tasks import open_task
from tests.scripts.programs import run_program


def test_a_server_is_warmed_up_with_rows_of_a_file(classifier: Path, tmp_path: Path):
    labels = open_task(classifier).labels
    lines = [f"text {number}\t{labels[0]}" for number in range(40)]
    (tmp_path / "dev.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    flags = [f"--warmup={tmp_path}/dev.tsv", "--text=sentence"]
    done = run_program("export", f"--model={classifier}", f"--output={tmp_path}/1", *flags)
    assert done.status == 0, done.stderr
    requests = list(tf.data.TFRecordDataset(str(tmp_path / "1" / WARMUP_FILE)).as_numpy_iterator())
    assert len(requests) == 33
    assert all(f"text {number}".encode() in requests[number] for number in range(32))
    assert b"text 32" not in requests[32]


def test_int8_by_the_rows_given_or_by_those_of_the_run(classifier: Path, tmp_path: Path):
    lines = [f"the room was {word}" for word in ("cold", "good", "bad", "old")] * 4
    (tmp_path / "dev.tsv").write_text("\n".join(["text\tlabel", *(f"{line}\tgood" for line in lines)]) + "\n")
    (tmp_path / "run").mkdir()
    shutil.copytree(classifier, tmp_path / "run" / "model")
    arguments = ["export", f"--model={tmp_path}/run/model", "--dtype=int8"]
    assert run_program(*arguments, f"--output={tmp_path}/0").error == (
        "--dtype=int8 needs rows to find the limits of its numbers by: --calibrate=FILE"
    )
    done = run_program(*arguments, f"--output={tmp_path}/1", f"--calibrate={tmp_path}/dev.tsv")
    assert done.status == 0, done.stderr
    (tmp_path / "run" / "flags.txt").write_text(f"--dev={tmp_path}/dev.tsv\n")
    done = run_program(*arguments, f"--output={tmp_path}/2")
    assert done.status == 0, done.stderr
    texts = ["film", "good food", "", "the room was cold"]
    scores = [
        tf.saved_model.load(f"{tmp_path}/{name}")
        .signatures["serving_default"](text=tf.constant(texts))["score"]
        .numpy()
        for name in "12"
    ]
    assert scores[0].tolist() == scores[1].tolist()
    expected = [answer["score"] for answer in open_task(classifier).answer(texts)]
    assert scores[0] == pytest.approx(expected, abs=5e-2)
    assert scores[0].tolist() != pytest.approx(expected, abs=1e-6)
