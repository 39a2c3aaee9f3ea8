"""What happened to every tensor: the reports of loading and converting."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from keras_bert.checkpoints.shapes import shortened


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What became of every tensor of a file and every weight of a model.

    `str(report)` is a summary for people; the attributes name everything.

    Attributes:
        source: Where the weights came from.
        loaded: Names of the weights that were set, as in Hugging Face's files.
        new: Names of the weights of the model that the file has not; they keep their initial values.
        ignored: Names in the file that were not used, each with the reason.
        notes: What the reader had to decide or convert.

    Example:
        >>> report = LoadReport("runs/sst2/model", loaded=("bert.pooler.dense.weight",), new=("classifier.weight",))
        >>> print(report)
        runs/sst2/model: 1 weights loaded
          1 new, with initial values: classifier.weight
    """

    source: str
    loaded: tuple[str, ...]
    new: tuple[str, ...] = ()
    ignored: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.source}: {len(self.loaded)} weights loaded"]
        if self.new:
            lines.append(f"  {len(self.new)} new, with initial values: {shortened(list(self.new))}")
        return "\n".join(lines + _passed_over(self.ignored) + [f"  note: {note}" for note in self.notes])


@dataclasses.dataclass(frozen=True)
class ConvertReport:
    """What became of every tensor in a conversion.

    Attributes:
        source: Where the weights came from.
        folder: The Hugging Face folder that was written.
        written: Names of the tensors written.
        ignored: Names in the source that were not written, each with the reason.
        notes: What the reader or the writer had to decide or convert.

    Example:
        >>> report = keras_bert.checkpoints.convert("minilm", "bert")
        >>> isinstance(report, ConvertReport)
        True
    """

    source: str
    folder: Path
    written: tuple[str, ...]
    ignored: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.source} -> {self.folder}: {len(self.written)} tensors written"]
        return "\n".join(lines + _passed_over(self.ignored) + [f"  note: {note}" for note in self.notes])


def _passed_over(ignored: Mapping[str, str]) -> list[str]:
    """One line for each reason, with the first names."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in ignored.items():
        by_reason.setdefault(reason, []).append(name)
    return [f"  {len(names)} passed over ({reason}): {shortened(names)}" for reason, names in by_reason.items()]
