"""The truth: published numbers of dp-accounting, and the noise that gives them back."""

import math
import sys

import pytest

from keras_bert.errors import InputError
from keras_bert.training.privacy.accountant import noise_for, spent_epsilon

pytest.importorskip("dp_accounting", reason="the extra privacy is not installed")

SST2 = 67_349


@pytest.mark.parametrize(
    ("rows", "batch", "noise", "epochs", "delta", "rdp", "pld"),
    [(60_000, 150, 1.3, 15, 1e-5, 0.7242234026, 0.6401), (100_000, 100, 1.0, 30, 1e-7, 1.4154988495, 1.0982)],
)
def test_what_steps_spend(rows, batch, noise, epochs, delta, rdp: float, pld: float):
    spent = [spent_epsilon(noise, batch / rows, epochs * rows // batch, delta, name) for name in ("rdp", "pld")]
    assert spent[0] == pytest.approx(rdp, abs=1e-6)
    assert spent[1] == pytest.approx(pld, abs=1e-4)


@pytest.mark.parametrize(
    ("epsilon", "accountant", "noise"),
    [
        (3.0, "rdp", 0.8221),
        (8.0, "rdp", 0.5787),
        (8.0, "pld", 0.5440),
        pytest.param(3.0, "pld", 0.7618, marks=pytest.mark.slow),
    ],
)
def test_the_noise_of_a_budget(epsilon: float, accountant: str, noise: float):
    found = noise_for(epsilon, 1 / (2 * SST2), 1000 / SST2, 203, accountant)
    assert found == pytest.approx(noise, abs=2e-4)
    spent = spent_epsilon(found, 1000 / SST2, 203, 1 / (2 * SST2), accountant)
    assert epsilon * 0.999 < spent <= epsilon


def test_no_steps_and_no_noise():
    assert spent_epsilon(1.0, 0.01, 0, 1e-5) == 0.0
    assert spent_epsilon(0.0, 0.01, 5, 1e-5) == math.inf
    assert noise_for(math.inf, 1e-5, 0.01, 5) == 0.0


def test_a_budget_that_cannot_be_kept_is_one_line():
    with pytest.raises(InputError, match=r"epsilon=0.01 cannot be reached with 100,000 steps of batches with 50.00%"):
        noise_for(0.01, 1e-9, 0.5, 100_000, "rdp")


def test_what_there_is_not(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match="accountant is one of pld, rdp, received: 'gdp'"):
        spent_epsilon(1.0, 0.01, 7, 1e-5, "gdp")
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(InputError, match=r"pip install 'bert-for-keras\[privacy\]'"):
        spent_epsilon(1.0, 0.01, 8, 1e-5)
