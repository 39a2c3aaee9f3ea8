"""`keras-bert prepare`: flags and rows in, shards out, which `finetune` trains on as on the rows themselves."""

import dataclasses
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.sources.source_blocks import SourceBlocks
from tests.scripts.programs import (
    CONFIG,
    ROOT,
    Result,
    rows,
    run_cluster,
    run_process,
    run_program,
    save_encoder,
    write_table,
)
from tests.scripts.resume_test import CrashError, assert_same_run, at_steps, crash

pytest.importorskip("apache_beam")

HERE = ["--direct_running_mode=in_memory", "--direct_num_workers=1"]


def prepare(output: Path, *flags: str) -> Result:
    return run_program("prepare", f"--output={output}", *HERE, *flags)


def finetune(output: Path, *flags: str) -> Result:
    return run_program("finetune", f"--output={output}", "--batch_size=16", "--learning_rate=1e-2", "--noplots", *flags)


def bytes_of(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """The training rows in three files, one of them packed."""
    folder = tmp_path_factory.mktemp("parts")
    lines = rows(128)
    for index, name in enumerate(("a.tsv", "b.tsv.gz", "c.tsv")):
        write_table(folder / name, ("sentence", "label"), lines[index::3])
    return folder


@pytest.fixture(scope="module")
def made(parts: Path, encoder: Path, tmp_path_factory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("prepared") / "train"
    done = prepare(folder, f"--train={parts}/*.tsv*", "--text=sentence", f"--preset={encoder}", "--max_length=24")
    assert done.status == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def run(made, encoder: Path, tables: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    done = finetune(folder, f"--train={made[0]}", f"--dev={tables}/dev.tsv", f"--preset={encoder}", "--epochs=2")
    assert done.status == 0, done.stderr
    return folder


def test_it_says_what_was_made_and_what_to_do_next(made):
    folder, done = made
    assert f"{folder}: 128 examples of 128 rows in 3 shards" in done.stdout
    assert f"train on them: keras-bert finetune --train={folder}" in done.stdout
    assert "weights" not in done.stderr
    assert len(list(folder.glob("*.safetensors"))) == 3


def test_finetune_takes_the_flags_from_the_folder_and_learns(run: Path, made):
    """Column and length were given to `prepare` alone."""
    metrics = json.loads((run / "metrics.json").read_text())
    assert 0.4 < metrics["dev"]["accuracy"] <= 1
    settings = json.loads((run / "model" / "keras_bert.json").read_text())
    assert settings["rows"] == {"text": "sentence"}
    assert "128 rows" in (run / "model" / "README.md").read_text()


@pytest.mark.parametrize("step", [11, *(pytest.param(step, marks=pytest.mark.slow) for step in (3, 8))])
def test_going_on_in_the_middle_of_an_epoch_leaves_no_trace(
    step: int, run: Path, made, encoder: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flags = [f"--train={made[0]}", f"--dev={tables}/dev.tsv", f"--preset={encoder}", "--epochs=2"]
    flags += ["--checkpoint_steps=1"]
    with monkeypatch.context() as patch:
        at_steps(patch, crash, step)
        with pytest.raises(CrashError):
            finetune(tmp_path / "run", *flags)
    done = finetune(tmp_path / "run", *flags)
    assert done.status == 0, done.stderr
    assert_same_run(tmp_path / "run", run)


@pytest.mark.slow
def test_streamed_rows_are_prepared_on_the_way(
    run: Path, parts: Path, encoder: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same run as from the prepared folder; what was written for it is gone at its end, and there until then."""
    flags = ["--stream", f"--train={parts}/*.tsv*", "--text=sentence", f"--dev={tables}/dev.tsv", "--max_length=24"]
    flags += [f"--preset={encoder}", "--epochs=2", "--checkpoint_steps=1"]
    with monkeypatch.context() as patch:
        at_steps(patch, crash, 5)
        with pytest.raises(CrashError):
            finetune(tmp_path / "run", *flags)
    assert (tmp_path / "run.examples" / "manifest.json").is_file()
    done = finetune(tmp_path / "run", *flags)
    assert done.status == 0, done.stderr
    assert "run.examples: prepared before, of the same rows" in done.stderr
    assert not (tmp_path / "run.examples").exists()
    assert_same_run(tmp_path / "run", run)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--strategy=multi_worker"], "--stream is for one process"),
        (["--privacy_epsilon=8", "--privacy_delta=1e-5"], "needs the rows in memory, --train=FILE; --stream"),
        (["--train=none*.tsv"], "none*.tsv: no such file"),
    ],
)
def test_what_cannot_be_streamed_is_refused(flags: list[str], words: str, parts: Path, encoder: Path, tmp_path: Path):
    reading = ["--stream", f"--train={parts}/a.tsv", "--text=sentence", f"--preset={encoder}", "--max_length=24"]
    assert words in finetune(tmp_path / "run", *reading, *flags).error
    assert not list(tmp_path.iterdir())


def test_a_list_of_files_is_prepared_and_streamed_and_not_read_otherwise(parts: Path, encoder: Path, tmp_path: Path):
    names = f"{parts}/a.tsv,{parts}/b.tsv.gz"
    reading = [f"--train={names}", "--text=sentence", f"--preset={encoder}", "--max_length=24"]
    done = prepare(tmp_path / "p", *reading)
    assert done.status == 0, done.stderr
    assert PreparedExamples(tmp_path / "p").cardinality() == 43 + 43
    assert "several files are trained on with --stream" in finetune(tmp_path / "run", *reading).error
    gone = prepare(tmp_path / "q", f"--train={names},{parts}/none.tsv", *reading[1:])
    assert f"{parts}/none.tsv: no such file" in gone.error


@pytest.mark.slow
def test_held_out_rows_are_scored_and_not_trained_on(parts: Path, encoder: Path, tmp_path: Path):
    flags = [f"--train={parts}/*.tsv*", "--text=sentence", f"--preset={encoder}", "--max_length=24", "--held_out=0.2"]
    assert prepare(tmp_path / "p", *flags).status == 0
    train, held = PreparedExamples(tmp_path / "p"), PreparedExamples(tmp_path / "p" / "held_out")
    assert train.cardinality() + held.cardinality() == 128
    assert 8 < held.cardinality() < 60
    done = finetune(
        tmp_path / "run", f"--train={tmp_path}/p", f"--dev={tmp_path}/p/held_out", f"--preset={encoder}", "--epochs=6"
    )
    assert done.status == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["dev"]["accuracy"] > 0.9


TASKS = {
    "regress": (["--label=n"], {"text": "a film", "n": 1.5}),
    "choose": (["--choices=c"], {"text": "the film was", "c": ["good .", "bad ."], "label": 1}),
    "embed": (["--text_pair=b"], {"text": "the film", "b": "a film"}),
    "generate": (["--max_target_length=8"], {"text": "the film was good", "target": "good film"}),
    "tag": (["--words=w", "--label=t"], {"w": ["the", "film", "was"], "t": ["O", "B-X", "O"]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_on_prepared_rows(task: str, encoder: Path, tmp_path: Path):
    flags, row = TASKS[task]
    (tmp_path / "rows.jsonl").write_text((json.dumps(row) + "\n") * 20)
    done = prepare(
        tmp_path / "p",
        f"--task={task}",
        f"--train={tmp_path}/rows.jsonl",
        f"--preset={encoder}",
        "--max_length=16",
        *flags,
    )
    assert done.status == 0, done.stderr
    done = finetune(tmp_path / "run", f"--train={tmp_path}/p", f"--preset={encoder}", "--epochs=1")
    assert done.status == 0, done.stderr
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_questions_train_on_prepared_windows(encoder: Path, tmp_path: Path):
    question = {"id": "1", "question": "was it", "answers": [{"text": "good", "answer_start": 13}]}
    data = {"data": [{"paragraphs": [{"context": "the film was good . " * 20, "qas": [question] * 20}]}]}
    (tmp_path / "squad.json").write_text(json.dumps(data))
    lengths = ["--max_length=24", "--doc_stride=8", "--max_question_length=8"]
    done = prepare(tmp_path / "p", "--task=answer", f"--train={tmp_path}/squad.json", f"--preset={encoder}", *lengths)
    assert done.status == 0, done.stderr
    assert int(re.search(r"([\d,]+) examples of 20 rows", done.stdout)[1].replace(",", "")) > 100
    done = finetune(tmp_path / "run", f"--train={tmp_path}/p", f"--preset={encoder}", "--epochs=1")
    assert done.status == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "flags", "words"),
    [
        ("sentence\tlabel\ngood\t1\nbad\n", [], r"a\.tsv, line 3: 1 field, expected 2"),
        ("sentence\tlabel\ngood\t1\nbad\t1\n", [], r"only one class, '1'; nothing to tell apart"),
        ("sentence\tlabel\ngood\t1\nbad\t2\n", ["--labels=1,3"], r"a\.tsv, line 3: field 'label': .*'2'"),
        ("sentence\tlabel\ngood\t1\nbad\t2\n", ["--learning_rate=1"], r"--learning_rate is for training"),
        ("sentence\tlabel\ngood\t1\nbad\t2\n", ["--held_out=2"], r"held_out is 2\.0; expected a share"),
        ("sentence\tlabel\ngood\t1\nbad\t2\n", ["--pin=3"], r"unknown flag --pin"),
        ("sentence\tlabel\n", [], r"a\.tsv: there are no rows"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    text: str, flags: list[str], words: str, encoder: Path, tmp_path: Path
):
    (tmp_path / "a.tsv").write_text(text)
    reading = [f"--train={tmp_path}/a.tsv", "--text=sentence", f"--preset={encoder}", "--max_length=24"]
    done = prepare(tmp_path / "out" / "p", *reading, *flags)
    assert re.search(words, done.error)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_row_that_does_not_suit_is_numbered_as_in_its_file(encoder: Path, tmp_path: Path, monkeypatch):
    lines = [("a film", "a book", "1")] * 5 + [("a film", "a book", "7")]
    write_table(tmp_path / "a.tsv", ("text", "b", "label"), lines)
    made = SourceBlocks.__init__
    monkeypatch.setattr(SourceBlocks, "__init__", lambda self, source, rows: made(self, source, 2))
    flags = ["--task=embed", "--objective=cosine", "--text_pair=b", f"--preset={encoder}", "--max_length=8"]
    assert (
        "a.tsv, row 6: the score 7 is outside 0 to 1"
        in prepare(tmp_path / "p", f"--train={tmp_path}/a.tsv", *flags).error
    )


def test_a_pattern_without_files_and_a_folder_that_holds_something(made, parts: Path, encoder: Path, tmp_path: Path):
    assert "no such file" in prepare(tmp_path / "p", f"--train={tmp_path}/*.csv").error
    before = bytes_of(made[0])
    reading = [f"--train={parts}/a.tsv", "--text=sentence", f"--preset={encoder}", "--max_length=24"]
    done = prepare(made[0], *reading)
    assert "choose another folder or pass overwrite=True" in done.error
    assert bytes_of(made[0]) == before


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--max_length=16"], "prepared with max_length=24, the model has max_length=16"),
        (["--task=regress"], "prepared for --task=classify, not for --task=regress"),
        (["--privacy_epsilon=8", "--privacy_delta=1e-5"], "--privacy_epsilon needs the rows in memory"),
    ],
)
def test_finetune_refuses_what_was_not_prepared(flags: list[str], words: str, made, encoder: Path, tmp_path: Path):
    assert words in finetune(tmp_path / "run", f"--train={made[0]}", f"--preset={encoder}", *flags).error


def test_a_shard_that_is_gone_is_named_before_anything_is_trained(parts: Path, encoder: Path, tmp_path: Path):
    flags = [f"--train={parts}/*.tsv*", "--text=sentence", f"--preset={encoder}", "--max_length=24"]
    assert prepare(tmp_path / "p", *flags).status == 0
    shard = next((tmp_path / "p").glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    done = finetune(tmp_path / "run", f"--train={tmp_path}/p", f"--preset={encoder}")
    assert f"{shard.name}: has " in done.error


@pytest.mark.slow
def test_as_many_processes_as_there_are_and_a_kill_give_the_same_bytes(
    made, parts: Path, encoder: Path, tmp_path: Path
):
    command = ["-m", "keras_bert.scripts.prepare", f"--train={parts}/*.tsv*", "--text=sentence", f"--preset={encoder}"]
    command += ["--max_length=24", "--direct_num_workers=2", f"--output={tmp_path}/p"]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list((tmp_path / "p").glob("*.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = run_process(*command)
    assert done.returncode == 0, done.stderr
    one, other = bytes_of(made[0]), bytes_of(tmp_path / "p")
    assert {name: digest for name, digest in one.items() if name != "manifest.json"} == {
        name: digest for name, digest in other.items() if name != "manifest.json"
    }
    assert json.loads((made[0] / "manifest.json").read_text()) == json.loads((tmp_path / "p/manifest.json").read_text())


@pytest.mark.slow
def test_two_workers_read_half_of_the_rows_each_and_learn_what_one_device_learns(made, tables: Path, tmp_path: Path):
    """Without dropout, whose masks depend on how a batch is divided."""
    config = dataclasses.replace(CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    preset = save_encoder(tmp_path / "preset", config)
    flags = [f"--train={made[0]}", f"--dev={tables}/dev.tsv", f"--preset={preset}", "--epochs=2", "--batch_size=14"]
    flags += ["--learning_rate=1e-3", "--noplots"]
    single = run_process("-m", "keras_bert.scripts.finetune", *flags, f"--output={tmp_path}/one")
    assert single.returncode == 0, single.stderr
    done = run_cluster(2, "-m", "keras_bert.scripts.finetune", *flags, f"--output={tmp_path}/two")
    assert [worker.returncode for worker in done] == [0, 0], done[0].stderr[-2000:] + done[1].stderr[-2000:]
    read = [int(re.search(r"read (\d+) of the examples", worker.stderr)[1]) for worker in done]
    assert sum(read) == 2 * 128
    assert max(read) - min(read) <= 2 * 1  # the last batch of an epoch has two rows
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    for name, tensor in one.items():
        np.testing.assert_allclose(two[name], tensor, atol=1e-5, err_msg=name)
    scores = [json.loads((tmp_path / name / "metrics.json").read_text())["dev"] for name in ("one", "two")]
    assert scores[1] == pytest.approx(scores[0], abs=1e-5)
