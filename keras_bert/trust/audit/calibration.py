"""Whether a classifier's probabilities mean what they say, and the temperature with which they do."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.evaluation.calibration import (
    BINS,
    Reliability,
    abstention_threshold,
    confidences_of,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)
from keras_bert.evaluation.intervals import share_interval
from keras_bert.evaluation.reliability_plot import plot_reliability
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.trust.audit.class_outputs import check_classifier, class_outputs
from keras_bert.trust.audit.finding import Finding, percent

FEW_ROWS = 500
"""Of fewer rows an ECE is mostly noise: it is said."""

_HALVES = 2


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What was found, and what to keep of it.

    Attributes:
        temperature: What makes all rows likeliest.
        abstain_below: From which score on the wanted accuracy is reached; 0 where none was wanted.
        finding: The numbers, in words and as they are.

    Example:
        >>> finding = keras_bert.trust.Finding("calibration", "872 rows", {"temperature": "1.10"})
        >>> found = Calibration(temperature=1.1, abstain_below=0.81, finding=finding)
        >>> found.temperature, found.finding.summary
        (1.1, {'temperature': '1.10'})
    """

    temperature: float
    abstain_below: float
    finding: Finding


def measure_calibration(
    task: Any, rows: Any, accuracy: float | None = None, batch_size: int = 64, where: str = "the rows given"
) -> Calibration:
    """Finds the temperature of a classifier by held-out rows, and measures what it is worth.

    The model is left as it is: `task.calibrate(found.temperature, found.abstain_below)` takes the numbers over. What is
    said of the rows after scaling is measured on rows that the temperature was not found by: that of each half of them
    is applied to the other.

    Args:
        task: A `BertClassifier`; a temperature that it has is measured as what there was before.
        rows: Labelled rows that it was not trained on, nor chosen by if that can be had.
        accuracy: The share of right answers that is wanted of those that are given; None: all are given.
        batch_size: Rows a batch.
        where: What the rows are, for the card.

    Raises:
        InputError: The task is no classifier, there are no labelled rows, they are all answered right, or the wanted
            accuracy is not reached.

    Example:
        >>> found = measure_calibration(model, dev, accuracy=0.9)  # doctest: +SKIP
        >>> model.calibrate(found.temperature, found.abstain_below)  # doctest: +SKIP

    References:
        Guo et al. 2017, arXiv:1706.04599.
    """
    check_classifier(task, "calibration", several=accuracy is None)
    found = class_outputs(task, rows, batch_size, "calibration")
    logits, targets = found.logits.astype(np.float64), found.targets
    temperature = fit_temperature(logits, targets)
    scaled, is_apart = _scaled_by_other_half(logits, targets, temperature)
    before = reliability(*confidences_of(logits, targets, task.temperature))
    confidences, right = confidences_of(scaled, targets)
    after = reliability(confidences, right)
    losses = [negative_log_likelihood(values, targets) for values in (logits / task.temperature, scaled)]
    summary = {
        "temperature": f"{temperature:.4f}",
        f"expected calibration error ({BINS} bins)": f"{before.error:.4f} before, {after.error:.4f} after",
        "negative log-likelihood": f"{losses[0]:.4f} before, {losses[1]:.4f} after",
        "mean confidence": f"{percent(_mean_confidence(before))} before, {percent(_mean_confidence(after))} after",
        "accuracy": percent(float(right.mean()), share_interval(right.sum(), len(right))),
    }
    details = {
        "temperature": temperature,
        "temperature_before": task.temperature,
        "rows": len(logits),
        "negative_log_likelihood": {"before": losses[0], "after": losses[1]},
        "before": before.to_dict(),
        "after": after.to_dict(),
    }
    abstain_below = 0.0
    if accuracy is not None:
        kept = abstention_threshold(*confidences_of(logits, targets, temperature), accuracy)
        abstain_below = kept.threshold
        answered = confidences >= abstain_below
        hits, count = int(right[answered].sum()), int(answered.sum())
        summary["abstain below"] = f"{abstain_below:.4f}, for an accuracy of {percent(accuracy)}"
        summary["answered then"] = percent(count / len(right), share_interval(count, len(right)))
        summary["accuracy of what is answered"] = percent(hits / max(count, 1), share_interval(hits, count))
        details["abstention"] = {"wanted": accuracy, "threshold": abstain_below, "answered": count, "right": hits}
    warnings = _warnings(task, len(logits), is_apart)
    finding = Finding("calibration", where, summary, warnings, details, lambda path: _draw(before, after, path))
    return Calibration(temperature, abstain_below, finding)


def _scaled_by_other_half(logits: np.ndarray, targets: np.ndarray, temperature: float) -> tuple[np.ndarray, bool]:
    """Divides each half of the rows by the temperature of the other; by that of all where a half has none."""
    half = np.random.default_rng(0).permutation(len(logits)) % _HALVES
    scaled = logits / temperature
    try:
        for part in range(_HALVES):
            of_other = fit_temperature(logits[half != part], targets[half != part])
            scaled[half == part] = logits[half == part] / of_other
    except ValueError:
        return logits / temperature, False
    return scaled, True


def _mean_confidence(found: Reliability) -> float:
    filled = found.counts > 0
    return float(np.sum(found.counts[filled] * found.confidence[filled]) / found.counts.sum())


def _warnings(task: Any, rows: int, is_apart: bool) -> tuple[str, ...]:
    warnings = [
        "A temperature holds for rows like these; further training, pruning or 8-bit weights make it stale. It changes "
        "no answer, only how sure it is."
    ]
    if rows < FEW_ROWS:
        warnings.append(f"{rows} rows are few: with perfect probabilities too an ECE would be well above 0.")
    if not is_apart:
        warnings.append("Too few rows are answered wrong to measure on others than the temperature was found by.")
    if task.problem_type == MULTI_LABEL:
        warnings.append("Each class of a row counts as a decision, yes or no; one temperature is for all classes.")
    return tuple(warnings)


def _draw(before: Reliability, after: Reliability, path: Path) -> None:
    plot_reliability({"before": before, "after": after}, path)
