"""`keras-bert pretrain`: what a run learns, what it leaves behind, and that it goes on where it was stopped."""

import csv
import json
import os
import random
import re
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from keras_bert.tasks import BertPretrainer, BertSeq2Seq, open_task
from keras_bert.training import RunState
from tests.scripts.programs import CONFIG, VOCABULARY, Result, run_cluster, run_program

TRAIN = ("--batch_size=8", "--phase=24:1", "--learning_rate=1e-2")
STEPS = ("--log_steps=5", "--evaluate_steps=10", "--checkpoint_steps=5")


def write_corpus(path: Path, documents: int = 100, sentences: int = 8) -> None:
    """Documents that say one word again and again: both heads can tell it from what is not hidden."""
    generator = random.Random(0)
    lines = []
    for _ in range(documents):
        word = generator.choice(VOCABULARY[5:23])
        lines += [*(" ".join([word] * generator.randint(3, 7)) for _ in range(sentences)), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder / "text.txt")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    one_block = {**CONFIG.to_dict(), "num_hidden_layers": 1}  # compiling the training step takes the time
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **one_block}))
    files = [f"--text={folder}/text.txt", f"--vocabulary={folder}/vocab.txt", f"--config={folder}/config.json"]
    return [*files, "--held_out=0.2"]


def pretrain(output: Path, *flags: str) -> Result:
    phase = any(flag.startswith("--phase") for flag in flags)
    own = [flag for flag in TRAIN if not (phase and flag.startswith("--phase"))]
    return run_program("pretrain", f"--output={output}", *own, *STEPS, *flags)


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(source: list[str], tmp_path_factory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    done = pretrain(folder, *source, "--steps=80", "--tensorboard")
    assert done.status == 0, done.stderr
    return folder, done


def test_it_learns_and_says_so(run):
    folder, done = run
    (metrics,) = done.json_lines
    assert metrics == json.loads((folder / "metrics.json").read_text())
    assert metrics["steps"] == 80
    assert metrics["held_out"]["masked_lm_accuracy"] > metrics["unigram_accuracy"]
    losses = [float(row["val_masked_lm_loss"]) for row in log_of(folder) if row["val_masked_lm_loss"]]
    assert losses[-1] < losses[0]
    assert "of the hidden tokens are the commonest one (the unigram baseline)" in done.stdout


def test_what_it_leaves(run):
    folder, _ = run
    names = {path.name for path in folder.iterdir()}
    names -= {"status.json"}
    assert names == {"model", "metrics.json", "log.csv", "curves.png", "checkpoints", "tensorboard", "flags.txt"}
    assert [row["step"] for row in log_of(folder)] == ["0", *(str(step) for step in range(5, 81, 5))]
    for name in ("loss", "perplexity", "tokens_per_second", "utilisation", "learning_rate"):
        assert float(log_of(folder)[1][name]) > 0
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_model_answers_and_its_card_says_how_it_came_about(run):
    folder, _ = run
    model = open_task(folder / "model")
    (answers,) = model.answer(["good good [MASK] good"])
    assert 0 < answers[0][0]["score"] <= 1
    card = (folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "Started from: random weights." in card
    assert "| steps | 80 |" in card


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_weights(run, source: list[str], tmp_path: Path, monkeypatch):
    """SIGTERM in the middle of an epoch, then the flags that the run has written down."""
    whole, _ = run
    count = RunState.on_train_batch_begin

    def kill(self: RunState, batch: int, logs: dict[str, Any] | None = None) -> None:
        count(self, batch, logs)
        if self.place["steps"] == 12:
            os.kill(os.getpid(), signal.SIGTERM)

    folder = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(RunState, "on_train_batch_begin", kill)
        stopped = pretrain(folder, *source, "--steps=80")
    assert stopped.status == 143, stopped.stderr
    assert (
        f"stopped by SIGTERM after step 13; keras-bert pretrain --flagfile={folder}/flags.txt goes on" in stopped.stderr
    )
    assert not (folder / "model").exists()
    done = run_program("pretrain", f"--flagfile={folder}/flags.txt")
    assert done.status == 0, done.stderr
    assert "going on after step 13" in done.stdout
    assert "other flags" not in done.stderr
    one, other = (load_file(path / "model" / "model.safetensors") for path in (whole, folder))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor, err_msg=name)
    assert [row["step"].removesuffix(".0") for row in log_of(folder)] == [row["step"] for row in log_of(whole)]


@pytest.fixture
def packed(source: list[str], tmp_path: Path) -> list[str]:
    """Flags for rows of several examples."""
    write_corpus(tmp_path / "short.txt", sentences=2)
    flags = [f"--text={tmp_path}/short.txt", *source[1:], "--packing", "--phase=32:1", "--steps=9", "--noplots"]
    return [*flags, "--static_shapes=on"]


@pytest.mark.slow
def test_packed_rows(packed: list[str], tmp_path: Path, monkeypatch):
    """There are fewer rows than examples."""
    fit, batches_of = BertPretrainer.fit, []

    def record(self: BertPretrainer, batches: Any, **options: Any) -> Any:
        batches_of.append(batches)
        return fit(self, batches, **options)

    monkeypatch.setattr(BertPretrainer, "fit", record)
    done = pretrain(tmp_path / "run", *packed)
    assert done.status == 0, done.stderr
    shapes = [tuple(inputs["token_ids"].shape) for inputs, *_ in batches_of[0]]
    assert {width for _, width in shapes} == {32}
    assert sum(rows for rows, _ in shapes) < 0.7 * 9 * 8
    assert max(int(tf.reduce_max(inputs["padding_mask"])) for inputs, *_ in batches_of[0]) > 1
    assert batches_of[0].cardinality() == 9  # so the epoch is longer than a run that is stopped
    assert not open_task(tmp_path / "run" / "model").encoder.packing


@pytest.mark.slow
def test_packed_rows_going_on_in_the_middle_of_an_epoch(packed: list[str], tmp_path: Path, monkeypatch):
    """The truth is a run that nobody stopped."""
    count = RunState.on_train_batch_begin

    def kill(self: RunState, batch: int, logs: dict[str, Any] | None = None) -> None:
        count(self, batch, logs)
        if self.place["steps"] == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    done = pretrain(tmp_path / "whole", *packed)
    assert done.status == 0, done.stderr
    with monkeypatch.context() as patched:
        patched.setattr(RunState, "on_train_batch_begin", kill)
        stopped = pretrain(tmp_path / "stopped", *packed)
    assert stopped.status == 143, stopped.stderr
    done = run_program("pretrain", f"--flagfile={tmp_path}/stopped/flags.txt")
    assert done.status == 0, done.stderr
    assert "going on after step 7" in done.stdout
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "stopped"))
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor, err_msg=name)


@pytest.mark.slow
def test_it_goes_on_from_a_checkpoint_with_another_vocabulary(run, source: list[str], tmp_path: Path):
    folder, _ = run
    (tmp_path / "vocab.txt").write_text("\n".join([*VOCABULARY, "filmly"]) + "\n", encoding="utf-8")
    done = pretrain(
        tmp_path / "run",
        source[0],
        source[-1],
        f"--preset={folder}/model",
        f"--vocabulary={tmp_path}/vocab.txt",
        "--steps=5",
        "--objective=mlm_nsp",
    )
    assert done.status == 0, done.stderr
    assert f"{len(VOCABULARY)} rows carried over, 1 the mean of their old pieces, 0 fresh" in done.stderr
    assert done.json_lines[0]["held_out"]["masked_lm_loss"] < 3.5  # random weights start above ln 38 = 3.6


@pytest.mark.slow
def test_phases_follow_the_clock_and_masked_words_alone_are_enough(source: list[str], tmp_path: Path):
    flags = ("--budget=4s", "--phase=16:0.5,32:0.5", "--objective=mlm", "--optimizer=lamb", "--mask_unit=word")
    done = pretrain(tmp_path / "run", *source, *flags, "--noplots")
    assert done.status == 0, done.stderr
    model = open_task(tmp_path / "run" / "model")
    # The model is measured at the end on rows of each length; the last phase, on a slow machine the first, was before.
    (metrics,) = done.json_lines
    by_length = metrics["held_out_by_length"]
    assert list(by_length) == ["16", "32"]
    assert any(metrics["held_out"] == pytest.approx(scores) for scores in by_length.values())
    assert by_length["16"]["masked_lm_loss"] != by_length["32"]["masked_lm_loss"]
    assert not model.next_sentence
    assert model.preprocessor.max_length == 32
    rates = [float(row["learning_rate"]) for row in log_of(tmp_path / "run") if row.get("learning_rate")]
    assert all(0 <= rate <= 1e-2 for rate in rates)  # --learning_rate in TRAIN is the highest


def test_left_to_right(source: list[str], tmp_path: Path):
    done = pretrain(tmp_path / "run", *source, "--objective=clm", "--steps=20", "--noplots")
    assert done.status == 0, done.stderr
    held_out = done.json_lines[0]["held_out"]
    assert held_out["token_accuracy"] > held_out["unigram_accuracy"]
    assert "of the next tokens are the commonest one" in done.stdout
    assert {"token_loss", "token_accuracy", "perplexity", "val_token_loss"} <= log_of(tmp_path / "run")[1].keys()
    assert isinstance(open_task(tmp_path / "run" / "model"), BertSeq2Seq)


@pytest.mark.slow
def test_left_to_right_on_from_records_in_packed_rows(run, source: list[str], tmp_path: Path):
    """From the weights of a BERT that saw both sides."""
    folder, _ = run
    records = ["--objective=mlm", "--max_length=24", "--held_out=0.2", source[1], f"--input={source[0][7:]}"]
    made = run_program("pretraining_data", f"--output={tmp_path}/data", *records)
    assert made.status == 0, made.stderr
    flags = [f"--records={tmp_path}/data", f"--preset={folder}/model", "--objective=clm", "--noplots"]
    on = pretrain(tmp_path / "on", *flags, "--packing", "--accumulate=2", "--steps=10")
    assert on.status == 0, on.stderr
    losses = [float(row["val_token_loss"]) for row in log_of(tmp_path / "on") if row["val_token_loss"]]
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_the_masks_of_unilm_from_text_and_from_records(source: list[str], tmp_path: Path):
    done = pretrain(tmp_path / "run", *source, "--objective=unilm", "--steps=20", "--noplots")
    assert done.status == 0, done.stderr
    held_out = done.json_lines[0]["held_out"]
    for mask in ("bidirectional", "left_to_right", "right_to_left", "sequence_to_sequence"):
        assert held_out[f"{mask}_perplexity"] > 1
    flags = ["--objective=unilm", "--max_length=24", "--held_out=0.2", source[1], f"--input={source[0][7:]}"]
    made = run_program("pretraining_data", f"--output={tmp_path}/data", *flags)
    assert made.status == 0, made.stderr
    flags = [f"--records={tmp_path}/data", f"--preset={tmp_path}/run/model", "--objective=unilm", "--noplots"]
    on = pretrain(tmp_path / "on", *flags, "--packing", "--steps=4")
    assert on.status == 0, on.stderr
    assert on.json_lines[0]["held_out"]["masked_lm_loss"] < held_out["masked_lm_loss"] + 0.5
    assert BertSeq2Seq.from_preset(tmp_path / "on" / "model").encoder.config.type_vocab_size == 2


@pytest.mark.slow
def test_left_to_right_resumed_it_ends_with_the_same_weights(source: list[str], tmp_path: Path, monkeypatch):
    """The truth is a run that nobody stopped."""
    count = RunState.on_train_batch_begin

    def kill(self: RunState, batch: int, logs: dict[str, Any] | None = None) -> None:
        count(self, batch, logs)
        if self.place["steps"] == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    flags = [*source, "--objective=clm", "--steps=8", "--noplots"]
    assert pretrain(tmp_path / "whole", *flags).status == 0
    with monkeypatch.context() as patched:
        patched.setattr(RunState, "on_train_batch_begin", kill)
        assert pretrain(tmp_path / "stopped", *flags).status == 143
    done = run_program("pretrain", f"--flagfile={tmp_path}/stopped/flags.txt")
    assert "going on after step 5" in done.stdout
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "stopped"))
    for name, tensor in one.items():
        np.testing.assert_array_equal(other[name], tensor, err_msg=name)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "say what to learn from: --text=FILES, or --records=FOLDER"),
        (["--text=a.txt", "--records=b"], "say what to learn from"),
        (["--text=a.txt"], "say how long to train, with one of --steps, --epochs and --budget"),
        (["--text=a.txt", "--steps=5"], "a start from nothing needs --vocabulary"),
        (["--text=a.txt", "--steps=5", "--preset=a", "--config=b"], "--preset and --config exclude each other"),
        (["--text=a.txt", "--steps=5", "--vocabulary=v", "--phase=128"], "'128': expected LENGTH:SHARE"),
        (["--text=a.txt", "--steps=5", "--vocabulary=v", "--phase=16:0.5,32:0.4"], "add up to 1, received: 0.9"),
        (["--text=a.txt", "--budget=soon", "--vocabulary={vocab}"], "'soon': expected a time"),
        (["--text=a.txt", "--steps=5", "--vocabulary=v", "--packing", "--strategy=tpu"], "--packing makes batches of"),
        (
            ["--text=a.txt", "--steps=5", "--vocabulary=v", "--objective=clm", "--mask_rate=0.3"],
            "--mask_rate has no effect",
        ),
        (["--text=missing.txt", "--steps=5", "--vocabulary={vocab}"], "missing.txt"),
        (["--text=a.txt", "--steps=5", "--vocabulary={short}", "--config={config}"], "vocab_size=37, but"),
    ],
)
def test_bad_flags_are_one_line(
    flags: list[str], message: str, source: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):  # files that are there, so that it is the flags that are wrong
        Path(name).write_text("one line\n", encoding="utf-8")
    short = tmp_path / "short.txt"
    short.write_text("\n".join(VOCABULARY[:-1]) + "\n", encoding="utf-8")
    vocab, config = (flag.partition("=")[2] for flag in source[1:3])
    given = [flag.format(vocab=vocab, config=config, short=short) for flag in flags]
    done = run_program("pretrain", f"--output={tmp_path}/run", *given)
    assert message in done.error
    assert not (tmp_path / "run").exists()


def test_a_folder_with_other_things_is_left_alone(source: list[str], tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    done = pretrain(tmp_path, *source, "--steps=5")
    assert "already holds notes.txt" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_a_profile_leaves_a_run_in_the_same_folder_alone(run, source: list[str]):
    folder, _ = run
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = pretrain(folder, *source, "--steps=80", "--profile")
    assert done.status == 0, done.stderr
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[-5:-1]] == [
        "waiting for input",
        "forward",
        "backward",
        "update",
    ]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.slow
def test_two_workers_end_with_the_weights_of_one(source: list[str], tmp_path: Path):
    """Without dropout; the corpus gives batches that two cannot share evenly."""
    config = json.loads(Path(source[2].partition("=")[2]).read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    flags = [*TRAIN, *STEPS, source[0], source[1], f"--config={tmp_path}/config.json", "--held_out=0.2", "--noplots"]
    flags += ["--batch_size=7", "--steps=20"]
    alone = run_program("pretrain", f"--output={tmp_path}/alone", *flags)
    assert alone.status == 0, alone.stderr
    workers = run_cluster(2, "-m", "keras_bert.scripts.pretrain", *flags, f"--output={tmp_path}/both")
    assert [worker.returncode for worker in workers] == [0, 0], workers[0].stderr + workers[1].stderr
    one, both = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("alone", "both"))
    for name, tensor in one.items():
        np.testing.assert_allclose(both[name], tensor, rtol=0, atol=1e-4, err_msg=name)


# Each worker prints the weights that it ended with: only those of the chief are saved.
PRINT_WEIGHTS = """
import hashlib, sys
from keras_bert.scripts import pretrain

add_scores = pretrain._add_scores

def add(examples, run):
    add_scores(examples, run)
    digest = hashlib.sha256(b"".join(value.tobytes() for value in examples._task.get_weights()))
    print("weights", digest.hexdigest(), file=sys.stderr)

pretrain._add_scores = add
pretrain.run()
"""


@pytest.mark.slow
def test_two_workers_with_a_budget_follow_one_clock(source: list[str], tmp_path: Path):
    """In each step both have the same rate; both end after the same one, with the same weights."""
    flags = [*TRAIN, *source, "--log_steps=1", "--evaluate_steps=1000", "--budget=60s", "--noplots"]
    workers = run_cluster(2, "-c", PRINT_WEIGHTS, *flags, f"--output={tmp_path}/run")
    assert [worker.returncode for worker in workers] == [0, 0], workers[0].stderr + workers[1].stderr
    of_steps = re.compile(r"^step (\d+), .*?learning_rate ([-0-9.e]+)", re.MULTILINE)
    rates = [of_steps.findall(worker.stderr) for worker in workers]
    assert len(rates[0]) > 3
    assert rates[0] == rates[1]
    digests = [re.findall("^weights (.*)", worker.stderr, re.MULTILINE) for worker in workers]
    assert len(digests[0]) == 1
    assert digests[0] == digests[1]
    metrics = [json.loads(worker.stdout.splitlines()[-1]) for worker in workers]
    assert {**metrics[0], "seconds": 0} == {**metrics[1], "seconds": 0}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(source: list[str], tmp_path: Path):
    """As the run that was killed and resumed shows too; here with a seed of its own."""
    tensors = []
    for name in ("one", "two"):
        done = pretrain(tmp_path / name, *source, "--steps=3", "--seed=7", "--noplots")
        assert done.status == 0, done.stderr
        tensors.append(load_file(tmp_path / name / "model" / "model.safetensors"))
        keras.backend.clear_session()
    for name, tensor in tensors[0].items():
        np.testing.assert_array_equal(tensors[1][name], tensor, err_msg=name)
