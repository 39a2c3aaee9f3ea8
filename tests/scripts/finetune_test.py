"""`keras-bert finetune`: what a run learns and what it leaves behind."""

import collections
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_bert.tasks import BertTask, open_task
from keras_bert.tasks.base.labelled_task import LabelledTask
from tests.scripts.programs import (
    CONFIG,
    VOCABULARY,
    Result,
    fit_without_steps,
    rows,
    run_cluster,
    run_program,
    save_classifier,
    write_table,
)

TRAIN = ("--batch_size=16", "--learning_rate=1e-2", "--max_length=16")


def finetune(output: Path, *flags: str) -> Result:
    return run_program("finetune", f"--output={output}", *TRAIN, *flags)


def on_tables(tables: Path, *parts: str) -> list[str]:
    return ["--text=sentence", *(f"--{part}={tables}/{part}.tsv" for part in parts)]


def log_of(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def metrics_of(folder: Path) -> dict[str, Any]:
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics.pop("seconds") > 0
    return metrics


@pytest.fixture(scope="module")
def run(encoder: Path, tables: Path, tmp_path_factory) -> tuple[Path, Result]:
    """A run on single texts with everything that it can leave."""
    folder = tmp_path_factory.mktemp("runs") / "single"
    done = finetune(folder, f"--preset={encoder}", *on_tables(tables, "train", "dev", "test"), "--epochs=6")
    assert done.status == 0, done.stderr
    return folder, done


def test_it_learns_and_says_so(run):
    folder, done = run
    *_, last = done.json_lines
    assert last == json.loads((folder / "metrics.json").read_text())
    assert last["epochs"] == 6
    assert last["test"]["accuracy"] >= 0.9
    assert set(last["test"]) == {"loss", "accuracy", "f1", "f1_bad", "f1_good", "matthews"}
    assert "train:  128 rows of " in done.stdout
    assert "labels: bad, good\n" in done.stdout
    assert "2 new, with initial values: classifier.weight, classifier.bias" in done.stderr


def test_what_it_leaves(run):
    folder, _ = run
    names = {path.name for path in folder.iterdir()}
    assert names == {"model", "metrics.json", "log.csv", "curves.png", "confusion.png", "flags.txt", "status.json"}
    for name in ("curves.png", "confusion.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    log = log_of(folder)
    assert len(log) == 6
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "val_f1", "val_matthews"} <= set(log[0])
    assert log[-1]["loss"] < log[0]["loss"]


def test_the_model_is_that_of_the_best_epoch(run, tables: Path):
    folder, _ = run
    metrics, scores = metrics_of(folder), [row["val_accuracy"] for row in log_of(folder)]
    assert metrics["best_epoch"] == 1 + scores.index(max(scores))
    assert metrics["dev"]["accuracy"] == pytest.approx(max(scores))
    (again,) = run_program(
        "evaluate", f"--model={folder}/model", f"--rows={tables}/dev.tsv", "--text=sentence"
    ).json_lines
    assert again == pytest.approx(metrics["dev"], abs=1e-6)


def test_the_model_card_says_where_it_comes_from(run, encoder: Path, tables: Path):
    folder, _ = run
    card = (folder / "model" / "README.md").read_text(encoding="utf-8")
    accuracy = metrics_of(folder)["test"]["accuracy"]
    for words in (
        f"Started from: {encoder}.",
        f"| train | {tables}/train.tsv, 128 rows |",
        f"| test | {tables}/test.tsv, 32 rows |",
        f"| test accuracy | {accuracy:.4g} |",
        "| learning_rate | 0.01 |",
        "| seed | 0 |",
        "`bad`, `good`",
    ):
        assert words in card


@pytest.mark.slow
def test_its_flags_make_the_same_run_again(run, tmp_path: Path):
    folder, _ = run
    done = run_program("finetune", f"--flagfile={folder}/flags.txt", f"--output={tmp_path}/again")
    assert done.status == 0, done.stderr
    assert metrics_of(tmp_path / "again") == metrics_of(folder)
    assert log_of(tmp_path / "again") == log_of(folder)
    first, second = (load_file(path / "model" / "model.safetensors") for path in (folder, tmp_path / "again"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    # A run that replaces another must be asked to, each time.
    assert "overwrite" not in (folder / "flags.txt").read_text()


def test_the_best_epoch_is_kept_when_later_ones_are_worse(encoder: Path, tables: Path, tmp_path: Path, monkeypatch):
    """The scores are made up here, and each epoch adds 1 to the head's bias."""
    scores, biases = iter([0.5, 0.75, 0.7, 0.6, 0.75]), []

    def evaluate_rows(self: BertTask, *_: Any) -> dict[str, float]:
        biases.append(float(self.classifier.bias[0]))
        return {"accuracy": next(scores)}

    fit_without_steps(monkeypatch, 0.7, 0.6, 0.5, 0.4)
    monkeypatch.setattr(LabelledTask, "evaluate_rows", evaluate_rows)
    done = finetune(tmp_path / "run", f"--preset={encoder}", *on_tables(tables, "train", "dev"), "--epochs=4")
    assert done.status == 0, done.stderr
    assert metrics_of(tmp_path / "run") == {"epochs": 4, "best_epoch": 2, "best_step": 16, "dev": {"accuracy": 0.75}}
    assert "going back to step 16, in epoch 2, the best one" in done.stderr
    assert biases == [1, 2, 3, 4, 2]
    assert load_file(tmp_path / "run" / "model" / "model.safetensors")["classifier.bias"].tolist() == [2, 2]


@pytest.mark.slow
def test_pairs_from_random_weights_without_a_header(tmp_path: Path):
    """--config and --vocabulary, gzip, --columns, --labels, class weights, no --dev."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **CONFIG.to_dict()}))
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    lines = [(str(index), text, label, label) for index, (text, label) in enumerate(rows(48))]
    path = write_table(tmp_path / "train.csv.gz", None, lines)
    done = finetune(
        tmp_path / "run",
        f"--config={tmp_path}/config.json",
        f"--vocabulary={tmp_path}/vocab.txt",
        f"--train={path}",
        f"--test={path}",
        "--columns=id,first,second,class",
        "--text=first",
        "--text_pair=second",
        "--label=class",
        "--labels=good,bad",
        '--class_weights={"bad": 2}',
        "--truncation=only_first",
        "--pooling=mean",
        "--epochs=1",
        "--noplots",
    )
    assert done.status == 0, done.stderr
    assert "labels: good, bad\n" in done.stdout
    assert "41 new" not in done.stderr  # mean pooling: no pooler
    task = open_task(tmp_path / "run" / "model")
    assert task.labels == ("good", "bad")
    assert task.text_fields == ("text", "text_pair")
    assert (task.pooling, task.preprocessor.max_length, task.preprocessor.truncation) == ("mean", 16, "only_first")
    assert "best_epoch" not in metrics_of(tmp_path / "run")
    assert not (tmp_path / "run" / "curves.png").exists()
    assert '--class_weights={"bad": 2}\n' in (tmp_path / "run" / "flags.txt").read_text()


def test_regression(encoder: Path, tmp_path: Path):
    lines = [(text, {"good": "5", "bad": "1"}[label]) for text, label in rows(48)]
    path = write_table(tmp_path / "train.tsv", ("text", "stars"), lines)
    done = finetune(
        tmp_path / "run",
        "--task=regress",
        f"--preset={encoder}",
        f"--train={path}",
        f"--dev={path}",
        "--label=stars",
        "--epochs=2",
    )
    assert done.status == 0, done.stderr
    metrics = metrics_of(tmp_path / "run")
    assert set(metrics["dev"]) == {"loss", "pearson", "spearman", "mse"}
    assert metrics["dev"]["loss"] == pytest.approx(metrics["dev"]["mse"], rel=1e-5)
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"curves.png", "model"}
    assert not (tmp_path / "run" / "confusion.png").exists()
    (answer,) = run_program("predict", f"--model={tmp_path}/run/model", stdin="the film was good .\n").json_lines
    assert set(answer) == {"text", "score"}


@pytest.mark.slow
def test_several_labels(encoder: Path, tmp_path: Path):
    with (tmp_path / "train.jsonl").open("w") as file:
        for text, label in rows(48):
            file.write(json.dumps({"text": text, "label": [label, "any"] if label == "good" else []}) + "\n")
    done = finetune(
        tmp_path / "run",
        "--multi_label",
        f"--preset={encoder}",
        f"--train={tmp_path}/train.jsonl",
        f"--dev={tmp_path}/train.jsonl",
        "--epochs=1",
        "--label_smoothing=0.1",
    )
    assert done.status == 0, done.stderr
    assert set(metrics_of(tmp_path / "run")["dev"]) == {"loss", "accuracy", "micro_f1", "macro_f1"}
    task = open_task(tmp_path / "run" / "model")
    assert task.labels == ("any", "good")
    assert task.problem_type == "multi_label_classification"


@pytest.mark.slow
def test_a_dry_run_checks_and_writes_nothing(encoder: Path, tables: Path, tmp_path: Path):
    flags = [f"--preset={encoder}", *on_tables(tables, "train", "dev"), "--dry_run"]
    done = finetune(tmp_path / "run", *flags)
    assert done.status == 0, done.stderr
    assert done.stdout.endswith(f"dry run: all is well; 8 steps an epoch, nothing written to {tmp_path}/run\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--accumulate=2"]], ids=["whole", "in parts"])
def test_a_profile_prints_where_the_time_goes_and_writes_nothing(
    encoder: Path, tables: Path, tmp_path: Path, more: list[str]
):
    done = finetune(tmp_path / "run", f"--preset={encoder}", *on_tables(tables, "train"), "--profile", *more)
    assert done.status == 0, done.stderr
    parts = re.findall(r"^(.+?) +([0-9.]+) ms +([0-9.]+) %$", done.stdout, re.MULTILINE)
    assert [name for name, _, _ in parts] == ["waiting for input", "forward", "backward", "update"]
    assert sum(float(share) for _, _, share in parts) == pytest.approx(100, abs=0.3)
    assert done.stdout.endswith(" ms, medians of 20 steps\n")
    assert list(tmp_path.iterdir()) == []


# -- more of the flags, each a run of its own ----------------------------------------------------------------


def weights_after(output: Path, preset: Path, tables: Path, *flags: str) -> dict[str, np.ndarray]:
    done = finetune(output, f"--preset={preset}", *on_tables(tables, "train"), "--epochs=1", "--noplots", *flags)
    assert done.status == 0, done.stderr
    return load_file(output / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """A classifier to go on from, so that every weight has a value before."""
    return save_classifier(tmp_path_factory.mktemp("start") / "model", seed=3)


@pytest.mark.slow
def test_frozen_blocks_stay(start: Path, tables: Path, tmp_path: Path):
    before = load_file(start / "model.safetensors")
    after = weights_after(tmp_path / "run", start, tables, "--freeze_blocks=1", "--labels=bad,good")
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == {name for name in before if name.startswith(("bert.embeddings.", "bert.encoder.layer.0."))}


@pytest.mark.slow
def test_layer_decay_moves_low_layers_less(start: Path, tables: Path, tmp_path: Path):
    before = load_file(start / "model.safetensors")
    after = weights_after(tmp_path / "run", start, tables, "--layer_decay=0.1", "--labels=bad,good", "--decay=0")
    moved = {name: float(np.abs(after[name] - before[name]).mean()) for name in before}
    query = "bert.encoder.layer.{}.attention.self.query.weight"
    # Adam's steps are of the size of the learning rate, whatever the gradient: a tenth for each block below.
    assert moved[query.format(0)] / moved[query.format(1)] == pytest.approx(0.1, rel=0.5)
    assert moved[query.format(1)] / moved["classifier.weight"] == pytest.approx(0.1, rel=0.8)


@pytest.mark.slow
def test_a_new_pooler_starts_afresh(start: Path, tables: Path, tmp_path: Path):
    done = finetune(
        tmp_path / "run", f"--preset={start}", *on_tables(tables, "train"), "--new_pooler", "--dry_run", "--labels=a,b"
    )
    assert "unknown label" in done.error
    done = finetune(tmp_path / "run", f"--preset={start}", *on_tables(tables, "train"), "--new_pooler", "--dry_run")
    assert "2 new, with initial values: bert.pooler.dense.weight, bert.pooler.dense.bias" in done.stderr


@pytest.mark.slow
def test_early_stopping(encoder: Path, tables: Path, tmp_path: Path):
    """With a learning rate of 0 no epoch is better than the first."""
    flags = [f"--preset={encoder}", *on_tables(tables, "train", "dev"), "--epochs=9", "--early_stopping=2"]
    done = finetune(tmp_path / "run", *flags, "--learning_rate=0")
    assert done.status == 0, done.stderr
    metrics = metrics_of(tmp_path / "run")
    assert (metrics["epochs"], metrics["best_epoch"]) == (3, 1)


@pytest.mark.slow
def test_class_weights_move_the_answers(encoder: Path, tables: Path, tmp_path: Path):
    """A class that weighs nothing next to the other is never answered."""
    flags = [f"--preset={encoder}", *on_tables(tables, "train", "dev"), "--epochs=2", "--noplots"]
    done = finetune(tmp_path / "run", *flags, '--class_weights={"good": 1e-6}')
    assert done.status == 0, done.stderr
    answers = open_task(tmp_path / "run" / "model").answer([text for text, _ in rows(20, seed=9)])
    assert collections.Counter(answer["label"] for answer in answers) == {"bad": 20}


@pytest.mark.slow
def test_another_seed_is_another_run(run, tmp_path: Path):
    folder, _ = run
    done = run_program("finetune", f"--flagfile={folder}/flags.txt", "--seed=1", f"--output={tmp_path}/other")
    assert done.status == 0, done.stderr
    assert [row["loss"] for row in log_of(tmp_path / "other")] != [row["loss"] for row in log_of(folder)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "flag",
    [
        "--dtype_policy=mixed_bfloat16",
        "--dtype_policy=mixed_float16",
        "--strategy=mirrored",
        "--xla=on",
        "--clip_norm=0",
    ],
)
def test_ways_to_compute_all_learn(encoder: Path, tables: Path, tmp_path: Path, flag: str):
    done = finetune(tmp_path / "run", f"--preset={encoder}", *on_tables(tables, "train", "test"), "--epochs=6", flag)
    assert done.status == 0, done.stderr
    assert metrics_of(tmp_path / "run")["test"]["accuracy"] >= 0.9
    assert all(array.dtype == np.float32 for array in load_file(tmp_path / "run/model/model.safetensors").values())


@pytest.mark.slow
def test_tensorboard(encoder: Path, tables: Path, tmp_path: Path):
    done = finetune(
        tmp_path / "run", f"--preset={encoder}", *on_tables(tables, "train"), "--epochs=1", "--tensorboard", "--noplots"
    )
    assert done.status == 0, done.stderr
    assert list((tmp_path / "run" / "tensorboard").rglob("events.out.tfevents.*"))


@pytest.mark.slow
def test_two_workers_train_one_model_and_one_of_them_writes(encoder: Path, tables: Path, tmp_path: Path):
    """Processes of their own: TensorFlow refuses to join a cluster later, after the first tensor."""
    flags = [*TRAIN, f"--preset={encoder}", *on_tables(tables, "train", "dev"), "--epochs=6", "--noplots"]
    workers = run_cluster(2, "-m", "keras_bert.scripts.finetune", *flags, f"--output={tmp_path}/run")
    assert [worker.returncode for worker in workers] == [0, 0], workers[0].stderr + workers[1].stderr
    metrics = [json.loads(worker.stdout.splitlines()[-1]) for worker in workers]
    assert metrics[0]["dev"] == metrics[1]["dev"]
    assert metrics[0]["dev"]["accuracy"] >= 0.9
    names = {"model", "metrics.json", "log.csv", "flags.txt", "status.json"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == names
    assert metrics_of(tmp_path / "run")["dev"] == metrics[0]["dev"]


def test_static_shapes(encoder: Path, tables: Path, tmp_path: Path, monkeypatch):
    """Of 128 rows in batches of 48, the last of which has 32."""
    fit_without_steps(monkeypatch, 0.5)
    fit, seen = BertTask.fit, {}

    def record(self: BertTask, batches: Any, **options: Any) -> Any:
        seen[shapes] = [
            (*inputs["token_ids"].shape, *(np.count_nonzero(w) for w in more)) for inputs, _, *more in batches
        ]
        return fit(self, batches, **options)

    monkeypatch.setattr(BertTask, "fit", record)
    data = [f"--train={tables}/train.tsv", f"--dev={tables}/dev.tsv", "--text=sentence", f"--preset={encoder}"]
    flags = [*data, "--batch_size=48", "--epochs=1", "--noplots", "--max_length=24"]
    for shapes in ("auto", "on"):
        done = run_program("finetune", *flags, f"--static_shapes={shapes}", f"--output={tmp_path}/{shapes}")
        assert done.status == 0, done.stderr
    assert sorted(rows for rows, _ in seen["auto"]) == [32, 48, 48]
    assert len({width for _, width in seen["auto"]}) > 1
    assert sorted(seen["on"]) == [(48, 24, 32), (48, 24, 48), (48, 24, 48)]
    pairs = [*flags, "--text_pair=label", "--task=embed", "--static_shapes=on", f"--output={tmp_path}/embed"]
    assert "--objective=ranking would take for negatives" in run_program("finetune", *pairs).error
