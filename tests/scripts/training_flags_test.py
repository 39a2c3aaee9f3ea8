"""The flags that both training programs have: one home, and the defaults of each program."""

import pytest
from absl import flags

from tests.scripts.programs import imported, run_program

SHARED = ("batch_size", "learning_rate", "seed", "strategy", "checkpoint_steps", "resume", "output")


@pytest.mark.parametrize(
    ("program", "defaults"),
    [
        ("finetune", {"preset": "minilm", "batch_size": 32, "learning_rate": 5e-5, "warmup": 0.1}),
        ("pretrain", {"preset": None, "batch_size": 64, "learning_rate": 5e-4, "warmup": 0.05}),
    ],
)
def test_programs_share_flags_and_have_defaults_of_their_own(program: str, defaults: dict[str, object]):
    with imported(program):
        home = {flags.FLAGS.find_module_defining_flag(name) for name in SHARED}
        assert home == {"keras_bert.scripts.training_flags"}
        assert flags.FLAGS.find_module_defining_flag("preset") == "keras_bert.scripts.start_flags"
        assert {name: flags.FLAGS[name].default for name in defaults} == defaults


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--workers=a:1,b:1"], "--workers and --worker are for --strategy=multi_worker"),
        (["--strategy=multi_worker", "--worker=0"], "--workers, the same for all, goes with --worker"),
    ],
)
def test_workers_are_named_as_a_whole(given: list[str], message: str, tmp_path):
    done = run_program("finetune", f"--output={tmp_path}/run", *given)
    assert message in done.error
