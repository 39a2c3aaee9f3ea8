"""How far a measured number can be trusted: intervals of shares, and of whatever was drawn again and again."""

import numpy as np

from keras_bert.errors import InputError

LEVEL = 0.95
"""The share of such intervals that hold the true value, in the long run."""

_NORMAL_QUANTILE = 1.959963984540054  # of (1 + LEVEL) / 2


def share_interval(count: float, total: float) -> tuple[float, float]:
    """Returns the 95 % interval of a share, Wilson's: it is right for few rows, and never leaves [0, 1].

    Args:
        count: How many rows of which something is so.
        total: How many rows.

    Returns:
        The lower and the upper end; (0, 1) of no rows.

    Example:
        >>> [round(end, 3) for end in share_interval(9, 10)]
        [0.596, 0.982]

    References:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference"; Brown, Cai and DasGupta
        2001, section 3.1.1.
    """
    if not total:
        return 0.0, 1.0
    square = _NORMAL_QUANTILE**2
    share = count / total
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = _NORMAL_QUANTILE * np.sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def percentile_interval(draws: np.ndarray) -> tuple[float, float]:
    """Returns the 95 % interval of a number that was computed of many resampled sets of rows.

    Args:
        draws: float (draws,); what could not be computed of a draw is nan and passed over.

    Returns:
        The percentiles 2.5 and 97.5; nan where no draw has a number.

    References:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3.
    """
    draws = np.asarray(draws, np.float64)
    draws = draws[np.isfinite(draws)]
    if not draws.size:
        return float("nan"), float("nan")
    low, high = np.percentile(draws, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def mean_interval(values: np.ndarray, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of a mean of independent values.

    Args:
        values: float (values,); of one value alone there is no interval, nan.
        draws: How often as many values are drawn, with putting back.
        seed: Of the drawing.

    Raises:
        InputError: There are no values.
    """
    values = np.asarray(values, np.float64)
    if not values.size:
        raise InputError("there are no values to take the mean of")
    if values.size == 1:
        return float("nan"), float("nan")
    counts = np.random.default_rng(seed).multinomial(values.size, np.full(values.size, 1 / values.size), draws)
    return percentile_interval(counts @ values / values.size)
