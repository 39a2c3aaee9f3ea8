"""`keras-bert finetune --privacy_epsilon=...`: a budget that is spent once, whatever happens on the way."""

import json
import signal
from pathlib import Path

import pytest

from keras_bert.training.privacy.accountant import spent_epsilon
from tests.scripts.programs import run_program

pytest.importorskip("dp_accounting", reason="the extra privacy is not installed")

BUDGET = ("--privacy_epsilon=20", "--privacy_delta=1e-3", "--privacy_clip=0.5")


def finetune(encoder: Path, tables: Path, output: Path, *flags: str):
    given = (f"--preset={encoder}", f"--output={output}", "--text=sentence", "--max_length=16", "--noplots")
    parts = [f"--{part}={tables}/{part}.tsv" for part in ("train", "dev")]
    return run_program("finetune", *given, *parts, *flags)


@pytest.mark.slow
def test_a_run_within_a_budget_that_is_stopped_and_goes_on(
    encoder: Path, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stopped after 5 of 8 steps; what is spent is that of 8."""
    from keras_bert.training import RunState

    flags = (*BUDGET, "--batch_size=32", "--epochs=2")
    run = tmp_path / "run"
    stop = RunState.on_train_batch_end

    def stopping(self, batch, logs=None):
        if self.place["steps"] == 4:
            self._received = signal.SIGTERM
        stop(self, batch, logs)

    with monkeypatch.context() as patched:
        patched.setattr(RunState, "on_train_batch_end", stopping)
        done = finetune(encoder, tables, run, *flags)
    assert done.status == 143, done.stderr
    status = json.loads((run / "status.json").read_text())
    first = spent_epsilon(*_noise(done.stdout), 4, 1e-3)
    assert status["metrics"]["epsilon"] == pytest.approx(first, abs=1e-6)
    changed = finetune(encoder, tables, run, *flags, "--privacy_clip=0.7")
    assert "the data have changed since the run was stopped" in changed.error
    done = finetune(encoder, tables, run, *flags)
    assert done.status == 0, done.stderr
    metrics = json.loads((run / "metrics.json").read_text())
    spent = spent_epsilon(*_noise(done.stdout), 8, 1e-3)
    assert 19.9 < spent <= 20
    assert metrics["privacy"]["epsilon spent"] == pytest.approx(spent, abs=1e-6)
    assert metrics["privacy"]["steps"] == 8
    header, *rows = (run / "log.csv").read_text().splitlines()
    column = header.split(",").index("epsilon")
    assert [float(row.split(",")[column]) for row in rows] == pytest.approx([first, spent], abs=1e-6)
    card = (run / "model" / "README.md").read_text()
    assert "## Privacy" in card
    assert "Not covered: what was chosen by the rows" in card
    assert json.loads((run / "status.json").read_text())["metrics"]["epsilon"] == pytest.approx(spent, abs=1e-6)
    assert "secret" not in "".join(path.read_text() for path in run.rglob("*.json"))


def _noise(printed: str) -> tuple[float, float]:
    """The noise that the program found, to all its digits, and the sampling rate."""
    from keras_bert.training import Privacy

    assert "in 8 steps, each with 32 of 128 rows on average" in printed
    privacy = Privacy(rows=128, batch_size=32, steps=8, epsilon=20, delta=1e-3, clip=0.5)
    return privacy.noise_multiplier, privacy.sampling_rate


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--privacy_clip=1"], "--privacy_clip is for private training; say its budget, such as --privacy_epsilon=8"),
        (["--privacy_epsilon=0"], "--privacy_epsilon=0: expected a number above 0, such as 8"),
        (["--privacy_epsilon=8", "--adversary=fgm"], "--privacy_epsilon and --adversary exclude each other"),
        (["--privacy_epsilon=8", "--lora_rank=2"], "--privacy_epsilon and --lora_rank exclude each other"),
        (["--privacy_epsilon=8", "--xla=on"], "draws batches of all sizes"),
        (["--privacy_epsilon=8", "--resume=changed"], "a budget is for the rows and batches that it began with"),
        (["--privacy_epsilon=8", "--batch_size=500"], "batch_size=500 is more than the 128 rows there are"),
        (["--privacy_epsilon=8", "--privacy_delta=2"], "delta is between 0 and 1"),
        (["--privacy_epsilon=8", "--gradient_checkpointing"], "privacy and gradient_checkpointing exclude each other"),
        (
            ["--privacy_epsilon=0.001", "--privacy_delta=1e-9", "--batch_size=64", "--epochs=3000"],
            "epsilon=0.001 cannot be reached with 6,000 steps of batches with 50.00% of the rows",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_flags(flags: list[str], message: str, encoder: Path, tables: Path, tmp_path: Path):
    done = finetune(encoder, tables, tmp_path / "run", *flags)
    assert (done.status, message in done.error) == (2, True), done.stderr
    assert not (tmp_path / "run").exists()
