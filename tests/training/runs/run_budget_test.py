"""What a run tells of its budget, and keeps to go on with."""

import types
from pathlib import Path
from typing import Any

import pytest

from keras_bert.errors import InputError
from keras_bert.training import Privacy
from keras_bert.training.privacy.secret import Secret
from keras_bert.training.runs.run_budget import RunBudget
from keras_bert.training.runs.run_settings import RunSettings

BUDGET = Privacy(rows=100, batch_size=10, steps=20, noise_multiplier=0.0, clip=1.0)


def model(privacy: Privacy | None = BUDGET) -> Any:
    return types.SimpleNamespace(
        privacy=privacy, secret=Secret("ab" * 16), private_batches=lambda rows, size: (rows, size)
    )


def test_a_run_without_a_budget_does_nothing():
    card: dict = {}
    for bare in (model(None), object()):
        budget = RunBudget(bare, RunSettings(), card)
        place = {"steps": 3}
        budget.begin(place)
        assert (budget.facts, budget.batches_of("rows", 5), budget.spent(3, None), budget.metrics(3)) == (
            {},
            None,
            {},
            {},
        )
        assert (place, card) == ({"steps": 3}, {})


def test_log_status_card_and_metrics_say_the_same(tmp_path: Path):
    card, noted = {"preset": "minilm"}, []
    budget = RunBudget(model(), RunSettings(), card)
    status: Any = types.SimpleNamespace(note=noted.append)
    assert budget.spent(7, status) == {"epsilon": float("inf")}  # without noise
    assert noted == [{"epsilon": float("inf")}]
    assert card["privacy"]["steps"] == 7
    assert budget.metrics(20) == {"privacy": BUDGET.facts(20)}
    assert card["privacy"] == BUDGET.facts(20)
    assert budget.batches_of("rows", 10) == ("rows", 10)
    assert "noise_multiplier=0.0" in budget.facts["privacy"]


def test_the_key_is_in_the_checkpoint():
    place: dict = {"steps": 0}
    RunBudget(model(), RunSettings(), {}).begin(place)
    assert place["secret"] == "ab" * 16


@pytest.mark.parametrize("settings", [{"resume": "changed"}, {"log_steps": 5}])
def test_settings_that_a_budget_does_not_go_with(settings: dict[str, Any]):
    with pytest.raises(InputError, match="leave out log_steps, and resume='changed'"):
        RunBudget(model(), RunSettings(**settings), {})
