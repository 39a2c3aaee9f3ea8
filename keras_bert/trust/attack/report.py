"""What an attack found: the numbers, and the sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_bert.trust.attack.sentence import AttackedRow


@dataclass(frozen=True)
class AttackReport:
    """The outcome of an attack on some rows.

    Attributes:
        rows: What became of each row, in their order.
        seconds: Seconds that it took, loading models aside.
        settings: How it was done: kind, order, limits, seed.

    Example:
        >>> row = keras_bert.trust.AttackedRow(0, {"text": "bad"}, "1", "skipped", "0", -2, {"text": "bad"}, "0", -2)
        >>> AttackReport([row], seconds=0.1).summary()["accuracy_before"]
        0.0
    """

    rows: Sequence[AttackedRow]
    seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def with_status(self, status: str) -> list[AttackedRow]:
        """Returns the rows that were `skipped`, `broken` or `held`."""
        return [row for row in self.rows if row.status == status]

    def summary(self) -> dict[str, Any]:
        """Returns the numbers.

        Returns:
            `accuracy_before` and `accuracy_after`: rows that are answered right, of all rows, before the attack and
            under it; `skipped` (wrong before), `broken`, `held`: numbers of rows; `success`: broken of those that
            were right, None where none was; `changed_share`: changed words of all words, the mean over broken rows,
            None without any; `queries`: texts that the model was asked; `queries_per_row`: the mean over attacked
            rows; `stopped`: rows whose budget of queries ended the search; `seconds`, `queries_per_second`; and the
            settings.
        """
        skipped, broken, held = (len(self.with_status(status)) for status in ("skipped", "broken", "held"))
        count, right = len(self.rows), broken + held
        queries = sum(row.queries for row in self.rows)
        attacked = [row.queries for row in self.rows if row.status != "skipped"]
        return {
            "rows": count,
            "accuracy_before": right / count,
            "accuracy_after": held / count,
            "skipped": skipped,
            "broken": broken,
            "held": held,
            "success": broken / right if right else None,
            "changed_share": _mean([row.changed_share for row in self.with_status("broken")]),
            "queries": queries,
            "queries_per_row": _mean(attacked),
            "stopped": sum(row.stopped for row in self.rows),
            "seconds": self.seconds,
            "queries_per_second": queries / max(self.seconds, 1e-9),
            **self.settings,
        }

    def lines(self) -> list[dict[str, Any]]:
        """Returns a dict for each row, as a line of JSON has it."""
        return [row.to_dict() for row in self.rows]

    def training_rows(self) -> list[dict[str, str]]:
        """Returns the broken rows with their attacked texts and their true labels, to be learned from."""
        return [{**row.attacked, "label": row.label} for row in self.with_status("broken")]

    def shown(self, count: int = 5) -> list[str]:
        """Writes some of the broken rows in a line each, changed words as `[[before → after]]`.

        Args:
            count: How many, the first.
        """
        return [_shown(row) for row in self.with_status("broken")[:count]]


def _shown(row: AttackedRow) -> str:
    texts = []
    for name, text in row.texts.items():
        for change in reversed([change for change in row.changes if change.field == name]):
            text = f"{text[: change.start]}[[{change.original} → {change.replacement}]]{text[change.end :]}"
        texts.append(text)
    return f"{row.answer} → {row.new_answer}: {' | '.join(texts)}"


def _mean(numbers: Sequence[float]) -> float | None:
    return float(np.mean(numbers)) if numbers else None
