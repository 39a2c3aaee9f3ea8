"""How much privacy steps spend, and how much noise a budget asks for, by dp-accounting."""

import functools
import math
from collections.abc import Callable
from typing import Any

from absl import logging

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra

ACCOUNTANTS = ("pld", "rdp")
"""Privacy loss distributions, which are the tighter ones, and Rényi differential privacy."""

MOST_NOISE = 100.0
"""Times the clip: with more nothing can be learned."""

LEAST_NOISE = 0.3
"""Below it an accountant of privacy losses takes minutes, and epsilon is a number that promises nothing."""


@functools.lru_cache(maxsize=256)
def spent_epsilon(
    noise_multiplier: float, sampling_rate: float, steps: int, delta: float, accountant: str = "pld"
) -> float:
    """Gives the ε that so many steps of DP-SGD have spent at a δ.

    Neighbours are data sets of which one has a row more; batches are drawn row by row (Poisson sampling).

    Args:
        noise_multiplier: Standard deviation of the noise, over the clip.
        sampling_rate: Probability of a row to be in a batch.
        steps: How many.
        delta: δ.
        accountant: One of `ACCOUNTANTS`.

    Returns:
        ε; 0 for no steps, infinity without noise.

    Raises:
        InputError: dp-accounting is not installed, or there is no such accountant.

    References:
        Mironov et al. 2019, arXiv:1908.10530; Koskela et al. 2020, arXiv:1906.03049; google/differential-privacy.
    """
    if steps == 0:
        return 0.0
    if noise_multiplier == 0:
        return math.inf
    accounting: Any = import_extra("dp_accounting", "privacy")
    ledger = _ledger(accountant)
    sampled = accounting.PoissonSampledDpEvent(sampling_rate, accounting.GaussianDpEvent(noise_multiplier))
    verbosity = logging.get_verbosity()
    try:
        logging.set_verbosity(logging.ERROR)  # a line for each of some hundred orders that it can do without
        ledger.compose(sampled, steps)
        return float(ledger.get_epsilon(delta))
    finally:
        logging.set_verbosity(verbosity)


@functools.lru_cache(maxsize=64)
def noise_for(epsilon: float, delta: float, sampling_rate: float, steps: int, accountant: str = "pld") -> float:
    """Finds the least noise with which so many steps spend no more than a budget, to a ten-thousandth.

    Args:
        epsilon: ε; infinity for no noise.
        delta: δ.
        sampling_rate: As in `spent_epsilon`.
        steps: How many.
        accountant: One of `ACCOUNTANTS`.

    Returns:
        The noise multiplier.

    Raises:
        InputError: The budget cannot be kept; or as `spent_epsilon`.
    """
    if math.isinf(epsilon):
        return 0.0

    def spent(noise: float) -> float:
        return spent_epsilon(noise, sampling_rate, steps, delta, accountant)

    if accountant == "rdp":
        return _bisected(spent, epsilon, f"{steps:,} steps of batches with {sampling_rate:.2%} of the rows")
    # Privacy losses cost a second each time, so few times: a little less noise than the other accountant asks for.
    high = noise_for(epsilon, delta, sampling_rate, steps, "rdp")
    low = 0.8 * high
    while spent(low) <= epsilon and low > LEAST_NOISE:
        low, high = 0.8 * low, low
    for _ in range(12):
        if spent(high) > 0.9995 * epsilon or high <= LEAST_NOISE:
            break
        # log ε is nearly a line in the noise; a little below the budget on it.
        above, below = math.log(spent(low) / epsilon), math.log(spent(high) / epsilon)
        middle = low + (high - low) * (above + 2e-4) / (above - below)
        low, high = (low, middle) if spent(middle) <= epsilon else (middle, high)
    return high


def _bisected(spent: Callable[[float], float], epsilon: float, of_what: str) -> float:
    low, high = LEAST_NOISE, 1.0
    while (least := spent(high)) > epsilon:
        low, high = high, 2 * high
        if low >= MOST_NOISE:
            raise InputError(
                f"epsilon={epsilon:g} cannot be reached with {of_what}: noise of {low:g} times the clip still spends "
                f"{least:.3g}; take fewer steps, smaller batches or a larger epsilon"
            )
    if low == LEAST_NOISE and spent(low) <= epsilon:
        return low
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if spent(middle) <= epsilon else (middle, high)
    return high


def _ledger(accountant: str) -> Any:
    if accountant not in ACCOUNTANTS:
        raise InputError(f"accountant is one of {', '.join(ACCOUNTANTS)}, received: {accountant!r}")
    if accountant == "rdp":
        return import_extra("dp_accounting.rdp", "privacy").RdpAccountant()
    return import_extra("dp_accounting.pld", "privacy").PLDAccountant()
