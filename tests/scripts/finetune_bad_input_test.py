"""`keras-bert finetune` and bad input: one line that says what and where, status 2, nothing half written."""

import errno
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from keras_bert.checkpoints import save
from keras_bert.tasks import BertTask
from tests.scripts.programs import (
    CONFIG,
    ROOT,
    SPECIAL,
    VOCABULARY,
    Result,
    fit_without_steps,
    rows,
    run_program,
    save_encoder,
)


@pytest.fixture
def flags(encoder: Path, tables: Path, tmp_path: Path) -> list[str]:
    """The flags of a run that would go well."""
    return [
        f"--preset={encoder}",
        f"--train={tables}/train.tsv",
        f"--dev={tables}/dev.tsv",
        "--text=sentence",
        f"--output={tmp_path}/run",
        "--max_length=16",
        "--epochs=2",
    ]


def refused(flags: list[str], *more: str) -> str:
    """Runs with flags that are to be refused; nothing may be left behind, not even an empty folder."""
    output = Path(next(flag for flag in flags if flag.startswith("--output=")).partition("=")[2])
    done = run_program("finetune", *flags, *more)
    assert not output.exists()
    return done.error


def table(tmp_path: Path, name: str, *lines: str | bytes) -> str:
    data = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
    (tmp_path / name).write_bytes(data)
    return f"{tmp_path}/{name}"


# -- rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("a.tsv", ["text\tlabel", "film\tgood"], "line 1: no column 'sentence'; the columns are: 'text', 'label'"),
        ("a.tsv", [], "a.tsv: the file is empty"),
        ("a.tsv", ["sentence\tlabel"], "a.tsv: there are no rows (a header only)"),
        ("a.tsv", ["sentence,label", "film,good"], "wrong delimiter? looks like commas: name the file .csv"),
        ("a.csv", ["sentence\tlabel", "film\tgood"], "wrong delimiter? looks like tabs: name the file .tsv"),
        ("a.csv", ["sentence;label", "film;good"], "wrong delimiter? looks like semicolons: delimiter=';'"),
        ("a.csv", ["sentence|label", "film|good"], "wrong delimiter? looks like bars: delimiter='|'"),
        ("a.tsv", ["sentence\tlabel", "film\tgood", "food"], "line 3: 1 field, expected 2 ('sentence', 'label')"),
        ("a.tsv", ["sentence\tlabel", "film\tgood", b"caf\xe9\tbad"], "line 3: not UTF-8: byte 0xe9 at position 4"),
        ("a.tsv", ["sentence\tlabel", "film\tgood", "food\t "], "a.tsv, line 3: field 'label': the label is empty"),
        ("a.tsv", ["sentence\tlabel", "film\tgood", "food\tgood"], "a.tsv: field 'label': only one class, 'good'"),
        ("a.csv", ["sentence,label", 'film,"good'], "a.csv, line 2: not CSV"),
        ("a.jsonl", ['{"sentence": "film", "label": "good"}', "{"], "a.jsonl, line 2: bad JSON"),
        ("a.jsonl", ['{"sentence": "film", "label": "good"}', "[]"], "line 2: expected a JSON object, found list"),
        ("a.txt", ["film"], "a.txt: unknown kind of file; expected one of .csv, .tsv, .jsonl"),
        ("a.tsv.gz", ["film"], "a.tsv.gz: damaged or truncated gzip file"),
    ],
)  # fmt: skip
def test_training_rows(flags: list[str], tmp_path: Path, name: str, lines: list[str | bytes], words: str):
    path = table(tmp_path, name, *lines)
    error = refused(flags, f"--train={path}")
    assert words in error
    assert error.startswith(path)


def test_a_truncated_gzip_file(flags: list[str], tmp_path: Path):
    text = "sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows(500))
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(text.encode())[:-400])
    error = refused(flags, f"--train={tmp_path}/a.tsv.gz")
    assert re.match(r".*/a\.tsv\.gz: damaged or truncated gzip file after line \d+", error)


def test_a_label_of_dev_that_train_has_not(flags: list[str], tmp_path: Path):
    path = table(tmp_path, "dev.tsv", "sentence\tlabel", "film\tgood", "food\tfair")
    assert refused(flags, f"--dev={path}") == (
        f"{path}, line 3: field 'label': unknown label 'fair'; expected one of 'bad', 'good'"
    )


def test_labels_that_miss_one(flags: list[str], tables: Path):
    error = refused(flags, "--labels=good,fair")
    assert error == (f"{tables}/train.tsv, line 3: field 'label': unknown label 'bad'; expected one of 'good', 'fair'")


def test_a_label_that_is_no_number(flags: list[str], tables: Path):
    error = refused(flags, "--task=regress")
    assert error == f"{tables}/train.tsv, line 2: field 'label': expected a number, found 'good'"


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--train=none.tsv", "none.tsv: no such file"),
        ("--train=.", ".: is a folder, expected a file"),
        ("--dev=none.tsv", "none.tsv: no such file"),
        ("--test=none.csv", "none.csv: no such file"),
        ("--train=tfds:no_such_set", "tfds:no_such_set: neither known to TFDS nor prepared in"),
        ("--text_pair=other", "no column 'other'; the columns are: 'sentence', 'label'"),
        ("--label=topic", "no column 'topic'; the columns are: 'sentence', 'label'"),
        ("--data_dir=none", ""),
    ],
)
def test_sources(flags: list[str], flag: str, words: str):
    if flag == "--data_dir=none":
        flags, words = [*flags, "--train=tfds:glue/sst2"], "none: no such folder (data_dir of tfds:glue/sst2)"
    assert words in refused(flags, flag)


# -- flags ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--class_weights={good: 5}"], "--class_weights: neither 'balanced' nor JSON"),
        (["--class_weights=[1, 2]"], "--class_weights: expected a JSON object of positive numbers"),
        (['--class_weights={"good": "5"}'], "--class_weights: expected a JSON object of positive numbers"),
        (['--class_weights={"good": -1}'], "--class_weights: expected a JSON object of positive numbers"),
        (["--class_weights=" + "[" * 10**5], "--class_weights: neither 'balanced' nor JSON"),
        (['--class_weights={"good": 1' + 5000 * "0" + "}"], "--class_weights: neither 'balanced' nor JSON"),
        (
            ['--class_weights={"good": 1' + 400 * "0" + "}"],
            "--class_weights: expected a JSON object of positive numbers",
        ),
        (['--class_weights={"good": NaN}'], "--class_weights: expected a JSON object of positive numbers"),
        (['--class_weights={"fair": 5}'], "class_weights: 'fair' is none of the labels"),
        (["--class_weights=balanced", "--multi_label"], "with --multi_label they do not apply"),
        (["--task=regress", "--labels=a,b"], "--labels is for --task=classify; --task=regress does not read it"),
        (["--task=regress", "--label_smoothing=0.1"], "--label_smoothing is for --task=classify"),
        (["--dev=", "--early_stopping=1"], "--early_stopping needs --dev"),
        (["--labels=good,bad,good"], "labels: 'good' is there more than once"),
        (["--max_length=33"], "max_length=33 is more than the encoder's position table has rows"),
        (["--max_length=2"], "max_length is 2; [CLS], one token and [SEP] need at least 3"),
        (["--freeze_blocks=3"], "the encoder has 1 blocks, cannot freeze 3"),
        (["--layer_decay=1.5"], "layer_decay must lie in (0, 1]"),
        (["--warmup=1.5"], "warmup is a share of the steps, between 0 and 1"),
        (["--label_smoothing=1"], "label_smoothing"),
        (["--epochs=0"], "flag --epochs=0"),
        (["--pooling=sum"], "--pooling=sum: expected one of pooler, markers, cls, max, mean, mean_sqrt_len"),
        (["--strategy=tpu"], "strategy 'tpu': no TPU to be had here"),
        (["--strategy=multi_worker"], "strategy 'multi_worker': which workers?"),
        (["--strategy=multi_worker", "--workers=a:1,b:1"], "--workers, the same for all, goes with --worker"),
        (["--strategy=multi_worker", "--worker=1"], "--workers, the same for all, goes with --worker"),
        (["--strategy=multi_worker", "--workers=a:1,b:1", "--worker=2"], "worker 2: there are 2"),
        (["--workers=a:1,b:1", "--worker=1"], "--workers and --worker are for --strategy=multi_worker"),
        (["--vocabulary=vocab.txt"], "--vocabulary goes with --config, or --hidden_size; a preset brings its own"),
        (["--config=config.json"], "--preset and --config exclude each other: weights, or a start from nothing"),
        (["--preset=minilm", "--config=config.json"], "--config needs --vocabulary"),
        (["--preset=minilm", "--hidden_size=8"], "--hidden_size needs --vocabulary"),
        (
            ["--preset=minilm", "--config=config.json", "--hidden_size=8"],
            "--config and --hidden_size exclude each other: the file says the sizes",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_flags_that_do_not_go_together(flags: list[str], more: list[str], words: str):
    assert words in refused(flags, *more)


@pytest.mark.parametrize(
    ("module", "more", "package"),
    [
        ("sklearn.metrics", [], "sklearn"),
        ("matplotlib.figure", [], "matplotlib"),
        ("scipy.stats", ["--task=regress"], "scipy"),
        ("tensorboard", ["--tensorboard"], "tensorboard"),
    ],
)
def test_a_missing_extra_is_named_before_the_training(flags, monkeypatch, module, more, package):
    monkeypatch.setitem(sys.modules, module, None)
    assert refused(flags, *more) == f"{package} is not installed; pip install 'bert-for-keras[train]'"


# -- checkpoints ---------------------------------------------------------------------------------------------


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    """A checkpoint to spoil."""
    return save_encoder(tmp_path / "preset")


def test_a_preset_that_is_not_there(flags: list[str], tmp_path: Path, monkeypatch):
    assert refused(flags, "--preset=runs/none").startswith("runs/none: no such folder or preset")
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty: no checkpoint of a known format" in refused(flags, f"--preset={tmp_path}/empty")
    path = table(tmp_path, "model.safetensors", "{}")
    assert refused(flags, f"--preset={path}").startswith(f"{path}: is a file; expected a folder")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = refused(flags, "--preset=hf://nobody/nothing")
    assert re.match(r"hf://nobody/nothing: not in the cache .*HF_HUB_OFFLINE", error)


def test_truncated_weights(flags: list[str], preset: Path):
    weights = preset / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert refused(flags, f"--preset={preset}").startswith(f"{weights}: truncated or damaged")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("model_type", "roberta", "config.json: model_type is 'roberta'; keras_bert reads 'bert' only"),
        ("num_hidden_layers", 3, "tensors that the config asks for are missing: bert.encoder.layer.2"),
        ("num_hidden_layers", 1, "tensors that the config has no place for: bert.encoder.layer.1"),
        ("intermediate_size", 32, "has the shape (64, 32) in the file, (32, 32) by the config"),
        ("vocab_size", 40, "has 37 rows in the file, the config has vocab_size=40"),
        ("hidden_act", "mish", "hidden_act must be one of gelu"),
        ("is_decoder", True, "is_decoder is true"),
        ("hidden_size", "32", "hidden_size must be a positive integer, received: '32'"),
    ],
)
def test_a_checkpoint_of_another_architecture(flags: list[str], preset: Path, field: str, value: Any, words: str):
    config = json.loads((preset / "config.json").read_text())
    (preset / "config.json").write_text(json.dumps({**config, field: value}))
    error = refused(flags, f"--preset={preset}")
    assert words in error
    assert str(preset) in error


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        (VOCABULARY[:-1], "has 36 entries, the config vocab_size=37"),
        ([*VOCABULARY, "new"], "has 38 entries, the config vocab_size=37"),
        (["x", *VOCABULARY[1:]], "no [PAD] among its 37 entries"),
        ([*VOCABULARY[:-1], "film"], "'film' is already on line"),
    ],
)
def test_vocabularies(flags: list[str], preset: Path, vocabulary: list[str], words: str):
    (preset / "vocab.txt").write_text("".join(f"{entry}\n" for entry in vocabulary), encoding="utf-8")
    error = refused(flags, f"--preset={preset}")
    assert words in error
    assert str(preset) in error


def test_configs_to_start_from(flags: list[str], tmp_path: Path):
    flags = [flag for flag in flags if not flag.startswith("--preset")]
    config = {"model_type": "bert", **CONFIG.to_dict()}
    fine = table(tmp_path, "vocab.txt", *VOCABULARY)
    path = table(tmp_path, "config.json", json.dumps(config))
    few = table(tmp_path, "few.txt", *SPECIAL, "film")
    assert "few.txt has 6 entries; make them equal" in refused(flags, f"--config={path}", f"--vocabulary={few}")
    assert refused(flags, f"--config={path}", "--vocabulary=none.txt").startswith("none.txt: cannot read")
    bad = table(tmp_path, "bad.json", "{")
    assert refused(flags, f"--config={bad}", f"--vocabulary={fine}").startswith(f"{bad}: not a JSON file")
    assert refused(flags, "--config=none.json", f"--vocabulary={fine}").startswith("none.json: no such file")


# -- the folder of the run -----------------------------------------------------------------------------------


def full_disk(monkeypatch, *, after: int) -> None:
    """The disk is full when the weights are written for the time after `after`."""
    write, times = save.save_file, iter(range(100))

    def save_file(*arguments: Any, **options: Any) -> None:
        if next(times) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*arguments, **options)

    monkeypatch.setattr(save, "save_file", save_file)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def earlier(tmp_path: Path) -> dict[str, bytes]:
    """What an earlier run has left in the folder."""
    (tmp_path / "run" / "model").mkdir(parents=True)
    for name in ("metrics.json", "flags.txt", "model/model.safetensors", "notes.txt"):
        (tmp_path / "run" / name).write_text(f"earlier {name}")
    return contents(tmp_path / "run")


def test_an_earlier_run_needs_overwrite(flags: list[str], tmp_path: Path, earlier: dict[str, bytes]):
    error = run_program("finetune", *flags).error
    assert re.match(r".*/run: already holds flags\.txt, metrics\.json, model, \.\.\.; .*--overwrite", error)
    assert contents(tmp_path / "run") == earlier


def test_an_earlier_run_stays_when_the_input_is_bad(flags: list[str], tmp_path: Path, earlier: dict[str, bytes]):
    assert "no such file" in run_program("finetune", *flags, "--overwrite", "--dev=none.tsv").error
    assert "--early_stopping" in run_program("finetune", *flags, "--overwrite", "--dev=", "--early_stopping=1").error
    assert contents(tmp_path / "run") == earlier


def test_overwrite_replaces_the_run_and_leaves_other_files(flags, tmp_path, earlier, monkeypatch):
    fit_without_steps(monkeypatch, 0.7)
    assert run_program("finetune", *flags, "--overwrite").status == 0
    left = contents(tmp_path / "run")
    assert left["notes.txt"] == earlier["notes.txt"]
    assert b"earlier" not in b"".join(data for name, data in left.items() if name != "notes.txt")


def test_an_output_that_is_a_file(flags: list[str], tmp_path: Path):
    (tmp_path / "run").write_text("a file")
    assert run_program("finetune", *flags).error == f"{tmp_path}/run: is a file; expected the name of a folder to write"
    assert (tmp_path / "run").read_text() == "a file"


def test_a_full_disk_at_the_first_save_leaves_nothing(flags: list[str], tmp_path: Path, monkeypatch):
    fit_without_steps(monkeypatch, 0.7, 0.6)
    full_disk(monkeypatch, after=0)
    error = refused(flags)
    assert (
        error == f"{tmp_path}/run/model: not written: no space left on the device; what was there before is unchanged"
    )


def test_a_full_disk_leaves_the_earlier_run(flags: list[str], tmp_path: Path, earlier: dict[str, bytes], monkeypatch):
    fit_without_steps(monkeypatch, 0.7, 0.6)
    full_disk(monkeypatch, after=0)
    assert "no space left on the device" in run_program("finetune", *flags, "--overwrite").error
    assert contents(tmp_path / "run") == earlier


def test_a_full_disk_later_leaves_the_best_epoch(flags: list[str], tmp_path: Path, monkeypatch):
    fit_without_steps(monkeypatch, 0.7, 0.6)
    full_disk(monkeypatch, after=1)
    assert "no space left on the device" in run_program("finetune", *flags).error
    assert run_program("predict", f"--model={tmp_path}/run/model", stdin="the film\n").status == 0
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_a_loss_that_is_no_number_ends_the_run(flags: list[str], monkeypatch):
    fit_without_steps(monkeypatch, float("nan"), 0.6)
    error = refused(flags)
    assert error.startswith("step 1 (epoch 1, batch 1): the loss is nan; no weight has changed by it")
    assert error.endswith("lower --learning_rate or raise --warmup, or leave such steps out with --on_nan=skip")


def test_ctrl_c_in_the_first_epoch_leaves_nothing(flags: list[str], tmp_path: Path, monkeypatch):
    def fit(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BertTask, "fit", fit)
    done: Result = run_program("finetune", *flags)
    assert done.status == 130
    assert done.stderr.endswith("\nkeras-bert finetune: interrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_epoch_so_far(flags: list[str], tmp_path: Path):
    """As a process, in the middle of Keras' own loop."""
    with subprocess.Popen(
        [sys.executable, "-m", "keras_bert.scripts.finetune", *flags, "--epochs=100000", "--learning_rate=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    ) as process:
        lines = []
        while "Epoch 3/" not in (line := process.stdout.readline()):
            assert line, "".join(lines)
            lines.append(line)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert rest.endswith(f"; keras-bert finetune --flagfile={tmp_path}/run/flags.txt goes on from there\n")
    names = {"model", "flags.txt", "log.csv", "checkpoints", "status.json"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == names
    assert run_program("predict", f"--model={tmp_path}/run/model", stdin="the film\n").status == 0
