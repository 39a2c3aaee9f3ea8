"""How a classifier treats groups of rows: rates, accuracy, precision, recall, and how far groups lie apart."""

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.evaluation.intervals import percentile_interval

LEAST_ROWS = 30
"""Groups of fewer rows are counted and not compared: their shares say next to nothing."""

_RATES = ("rate", "base_rate", "precision", "recall", "false_positive_rate")


def group_scores(
    targets: np.ndarray,
    predictions: np.ndarray,
    groups: Sequence[str],
    labels: Sequence[str],
    least_rows: int = LEAST_ROWS,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Scores a classifier on each group, and says how far the groups lie apart.

    Of two classes the second is looked at, as the first is its mirror; of more, and where a row may have several, each
    against all others. Intervals are of bootstrap draws within each group. A difference between groups is never below
    0, even where they are treated alike; so beside it stands `by_chance`: what 95 of 100 random assignments of the rows
    to the groups stay below. For rates the rows are assigned anyhow, for all else within their true class, so that
    groups with other shares of the classes are compared fairly.

    Args:
        targets: The true classes, int (rows,); or zeros and ones (rows, classes).
        predictions: The answers, like `targets`.
        groups: The group of each row.
        labels: Names of the classes.
        least_rows: Smaller groups are left out.
        draws: Bootstrap draws, and random assignments.
        seed: Of both.

    Returns:
        `groups`: name → `rows`, `accuracy`, and for each class looked at `rate` (how often it is answered), `base_rate`
        (how often it is true), `precision`, `recall`, `false_positive_rate`. `left_out`: name → rows. `differences`:
        `accuracy`, and for each class `rate` (demographic parity), `rate_ratio` (the least rate by the highest),
        `recall` (equal opportunity), `false_positive_rate` and `equalized_odds`, the larger of the two before. Each
        number is a dict of `value` and `interval`, nan where there is nothing to divide by, or no second group to
        compare with; of a difference also `by_chance`.

    Raises:
        InputError: Arrays that do not fit each other, one group only, or one only that is large enough.

    Example:
        >>> import numpy as np
        >>> targets, answers = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1])
        >>> found = group_scores(targets, answers, ["a", "a", "b", "b"], ["no", "yes"], least_rows=2)
        >>> found["groups"]["b"]["accuracy"]["value"]
        0.5

    References:
        Hardt, Price and Srebro 2016, arXiv:1610.02413, definitions 2.1 and 2.2; fairlearn.metrics, the differences with
        their default, `method="between_groups"`, `agg="worst_case"`.
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or len(groups) != len(targets):
        raise InputError(
            f"targets have shape {targets.shape}, predictions {predictions.shape}, and there are {len(groups)} groups; "
            "expected as many of each"
        )
    counts = collections.Counter(groups)
    if len(counts) < 2:
        only = f", {next(iter(counts))!r}" if counts else ""
        raise InputError(f"all rows are of one group{only}: there is nothing to compare")
    names = sorted(name for name, count in counts.items() if count >= least_rows)
    left_out = {name: count for name, count in sorted(counts.items()) if count < least_rows}
    if len(names) < 2:
        sizes = ", ".join(f"{name!r} {count}" for name, count in counts.most_common(5))
        raise InputError(f"fewer than two groups have {least_rows} rows (least_rows): {sizes}; take more rows")
    shown, features = _features(targets, predictions, labels)
    numbers = {name: number for number, name in enumerate(names)}
    kept = np.array([group in numbers for group in groups])
    of_row = np.array([numbers[group] for group in groups if group in numbers])
    patterns, place = np.unique(features[kept], axis=0, return_inverse=True)
    place = place.reshape(-1)
    table = _table(of_row, place, len(names), len(patterns))  # (groups, patterns)
    found = _Rates(table @ patterns, len(shown))
    random = np.random.default_rng(seed)
    resampled = [random.multinomial(row.sum(), row / row.sum(), draws) @ patterns for row in table]
    drawn = _Rates(np.stack(resampled, axis=1), len(shown))
    by_chance = _by_chance(of_row, place, patterns, np.asarray(targets)[kept], random, draws, shown)
    described = {
        name: {
            "rows": int(table[number].sum()),
            "accuracy": _described(found.accuracy[number], drawn.accuracy[:, number]),
            "classes": {
                label: {
                    rate: _described(getattr(found, rate)[number, index], getattr(drawn, rate)[:, number, index])
                    for rate in _RATES
                }
                for index, label in enumerate(shown)
            },
        }
        for name, number in numbers.items()
    }
    observed, of_draws = found.differences(shown), drawn.differences(shown)
    differences: dict[str, Any] = {}
    for key, value in observed.items():
        label, _, name = key.rpartition("\0")
        entry = _described(value, of_draws[key])
        if key in by_chance:
            told = by_chance[key][np.isfinite(by_chance[key])]
            entry["by_chance"] = float(np.percentile(told, 95)) if told.size else float("nan")
        (differences.setdefault(label, {}) if label else differences)[name] = entry
    return {"groups": described, "left_out": left_out, "differences": differences}


class _Rates:
    """Shares of sums of features: float (..., groups) and (..., groups, classes)."""

    def __init__(self, sums: np.ndarray, classes: int) -> None:
        sums = sums.astype(np.float64)
        rows, right = sums[..., 0], sums[..., 1]
        answered, true, both = (sums[..., 2 + part * classes : 2 + (part + 1) * classes] for part in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            self.accuracy = right / rows
            self.rate = answered / rows[..., None]
            self.base_rate = true / rows[..., None]
            self.precision = both / answered
            self.recall = both / true
            self.false_positive_rate = (answered - both) / (rows[..., None] - true)

    def differences(self, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Returns how far the groups lie apart: `accuracy`, and of each class label and name, divided by a zero."""
        found = {"accuracy": _range(self.accuracy)}
        for index, label in enumerate(labels):
            rate, recall, false = (
                getattr(self, name)[..., index] for name in ("rate", "recall", "false_positive_rate")
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = rate.min(axis=-1) / rate.max(axis=-1)
            apart = {"recall": _range(recall), "false_positive_rate": _range(false)}
            odds = np.fmax(apart["recall"], apart["false_positive_rate"])
            every = {"rate": _range(rate), "rate_ratio": ratio, **apart, "equalized_odds": odds}
            found.update({f"{label}\0{name}": value for name, value in every.items()})
        return found


def _features(targets: np.ndarray, predictions: np.ndarray, labels: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Returns the classes looked at; of each row 1, whether it is right, for each class answered, true, both."""
    if targets.ndim == 2:
        true, answered, places = targets > 0.5, predictions > 0.5, list(range(len(labels)))
    else:
        places = [1] if len(labels) == 2 else list(range(len(labels)))
        true, answered = targets[:, None] == places, predictions[:, None] == places
    right = (true == answered).all(axis=1) if targets.ndim == 2 else targets == predictions
    columns = [np.ones(len(targets), bool)[:, None], right[:, None], answered, true, answered & true]
    return [labels[place] for place in places], np.concatenate(columns, axis=1).astype(np.int64)


def _table(groups: np.ndarray, places: np.ndarray, num_groups: int, num_places: int) -> np.ndarray:
    pairs = groups * num_places + places
    return np.bincount(pairs, minlength=num_groups * num_places).reshape(num_groups, num_places)


def _range(values: np.ndarray) -> np.ndarray:
    """Returns the highest of the groups' values less the lowest, nan where fewer than two of them are numbers."""
    apart = np.fmax.reduce(values, axis=-1) - np.fmin.reduce(values, axis=-1)
    return np.where(np.isfinite(values).sum(axis=-1) > 1, apart, np.nan)


def _by_chance(
    groups: np.ndarray,
    places: np.ndarray,
    patterns: np.ndarray,
    targets: np.ndarray,
    random: np.random.Generator,
    draws: int,
    labels: Sequence[str],
) -> dict[str, np.ndarray]:
    """Returns the differences of random assignments of the rows to the groups; keys as `differences` has them."""
    strata = np.unique(targets, axis=0, return_inverse=True)[1].reshape(-1)
    num_groups = int(groups.max()) + 1
    shape = (draws, num_groups, patterns.shape[1])
    anyhow, within = np.empty(shape, np.int64), np.empty(shape, np.int64)
    in_order = np.argsort(strata, kind="stable")
    for draw in range(draws):
        anyhow[draw] = _table(random.permutation(groups), places, num_groups, len(patterns)) @ patterns
        # Rows in the order of their true class meet groups in that order, shuffled within the class.
        shuffled = np.lexsort((random.random(len(groups)), strata))
        within[draw] = _table(groups[shuffled], places[in_order], num_groups, len(patterns)) @ patterns
    rates = _Rates(anyhow, len(labels)).differences(labels)
    others = _Rates(within, len(labels)).differences(labels)
    own = {f"{label}\0rate" for label in labels}
    return {key: rates[key] if key in own else value for key, value in others.items() if not key.endswith("rate_ratio")}


def _described(value: Any, draws: np.ndarray) -> dict[str, Any]:
    low, high = percentile_interval(draws)
    return {"value": float(value), "interval": [low, high]}
