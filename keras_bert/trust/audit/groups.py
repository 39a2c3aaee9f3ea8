"""How a classifier treats groups of people, or of any other rows, that a column names."""

import math
from collections.abc import Sequence
from typing import Any

from keras_bert.errors import InputError
from keras_bert.evaluation.groups import LEAST_ROWS, group_scores
from keras_bert.evaluation.groups_plot import plot_groups
from keras_bert.trust.audit.class_outputs import class_outputs
from keras_bert.trust.audit.finding import Finding, number, percent

NO_GROUP = "(none)"
"""The group of rows whose column is empty."""

_MOST_SHOWN = 12  # groups in the card; all of them are in the details


def audit_groups(
    task: Any,
    rows: Any,
    groups: Sequence[Any],
    least_rows: int = LEAST_ROWS,
    draws: int = 1000,
    batch_size: int = 64,
    where: str = "the rows given",
    column: str = "group",
) -> Finding:
    """Scores a classifier on each group of rows, and says how far the groups lie apart.

    Args:
        task: A `BertClassifier`.
        rows: Labelled rows that it was not trained on.
        groups: The group of each row, in their order; what is empty or None is a group of its own.
        least_rows: Smaller groups are counted and not compared.
        draws: Bootstrap draws, and random assignments of the rows to the groups.
        batch_size: Rows a batch.
        where: What the rows are, for the card.
        column: The column with the groups, for the card.

    Returns:
        The accuracy of each group; and of the differences between groups those of accuracy, rates (demographic parity),
        recall (equal opportunity) and equalized odds. See `keras_bert.evaluation.group_scores`.

    Raises:
        InputError: The task is no classifier, there are not as many groups as rows, or fewer than two large enough.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> rows = keras_bert.data.rows({"text": ["good", "bad", "fine", "dull"], "label": ["yes", "no", "yes", "no"]})
        >>> list(audit_groups(model, rows, ["AT", "AT", "CH", "CH"], least_rows=2).summary)[:2]
        ['accuracy of AT', 'accuracy of CH']
        >>> audit_groups(model, dev, dev_table["country"].tolist()).summary  # doctest: +SKIP
        {'accuracy of AT': '91.2 % [89.0, 93.1]', ...}
    """
    found = class_outputs(task, rows, batch_size, "groups")
    names = [_name(group) for group in groups]
    if len(names) != len(found.logits):
        raise InputError(f"{len(names):,} groups for {len(found.logits):,} rows; expected one for each")
    try:
        scores = group_scores(found.targets, found.predicted, names, task.labels, least_rows, draws)
    except InputError as error:
        raise InputError(f"column {column!r}: {error}") from None
    summary = {}
    for name, group in list(scores["groups"].items())[:_MOST_SHOWN]:
        text = f"{percent(group['accuracy']['value'], group['accuracy']['interval'])}, {group['rows']:,} rows"
        summary[f"accuracy of {name}"] = text
    summary["difference of accuracy"] = _apart(scores["differences"]["accuracy"])
    for label in next(iter(scores["groups"].values()))["classes"]:
        apart = scores["differences"][label]
        named = {
            f"difference of rates of {label}": (apart["rate"], _apart),
            f"least rate of {label} by the highest": (apart["rate_ratio"], lambda entry: number(**_plain(entry))),
            f"difference of recall of {label}": (apart["recall"], _apart),
            f"equalized odds difference of {label}": (apart["equalized_odds"], _apart),
        }
        summary |= {name: write(entry) for name, (entry, write) in named.items() if math.isfinite(entry["value"])}
    details = {"column": column, "least_rows": least_rows, "draws": draws, **scores}
    where = f"{where}, groups by {column!r}"
    return Finding(
        "groups", where, summary, _warnings(scores, least_rows), details, lambda path: plot_groups(scores, path)
    )


def _name(group: Any) -> str:
    if isinstance(group, bytes):
        group = group.decode("utf-8", "replace")
    text = "" if group is None else str(group).strip()
    return text or NO_GROUP


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {"value": entry["value"], "interval": tuple(entry["interval"])}


def _apart(entry: dict[str, Any]) -> str:
    return f"{percent(**_plain(entry))}; by chance alone up to {percent(entry['by_chance'])}"


def _warnings(scores: dict[str, Any], least_rows: int) -> tuple[str, ...]:
    warnings = [
        "A difference is the highest group less the lowest, so it is above 0 even where groups are treated alike, and "
        "its interval lies too high; compare it with what chance alone gives.",
        "Rates may differ because the true classes do, and equal rates and equal errors exclude each other then; the "
        "labels themselves may treat groups differently, which no number here shows.",
    ]
    if scores["left_out"]:
        count = len(scores["left_out"])
        rows = sum(scores["left_out"].values())
        warnings.append(f"{count} groups with fewer than {least_rows} rows ({rows:,} together) are not compared.")
    if len(scores["groups"]) > _MOST_SHOWN:
        warnings.append(f"{len(scores['groups'])} groups were compared, the first {_MOST_SHOWN} are listed.")
    return tuple(warnings)
