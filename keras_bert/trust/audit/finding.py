"""What a probe found: for a reader, for a program, and for the model card."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import write_file

Draw = Callable[[Path], None]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        probe: Its name, such as `groups`.
        rows: What it was measured on, in words.
        summary: Name → value in words, with its interval: what stands in the model card.
        warnings: What a reader must know before believing it, a sentence each.
        details: All numbers, as JSON can hold them.
        draw: Draws a picture into a file that it is given; None where there is nothing to draw.
        files: Name → content of further files.

    Example:
        >>> summary = {"accuracy of AT": "91.2 % [89.0, 93.1]"}
        >>> finding = Finding("groups", "872 rows of dev.tsv", summary, details={"AT": 0.912})
        >>> finding.summary
        {'accuracy of AT': '91.2 % [89.0, 93.1]'}
    """

    probe: str
    rows: str
    summary: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    draw: Draw | None = None
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def for_card(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps of it, and the model card shows."""
        return {"rows": self.rows, "summary": dict(self.summary), "warnings": list(self.warnings)}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but the picture, as JSON can hold it."""
        return {"probe": self.probe, **self.for_card(), "details": dict(self.details)}

    def lines(self) -> list[str]:
        """Returns what a terminal shows."""
        width = max(map(len, self.summary), default=0)
        table = [f"{name:{width}}  {value}" for name, value in self.summary.items()]
        return [f"{self.probe}: {self.rows}", *table, *(f"note: {warning}" for warning in self.warnings)]

    def write(self, folder: str | Path, plots: bool = True) -> list[Path]:
        """Writes it into a folder: `groups.json`, `groups.png` of a probe called `groups`, and its further files.

        Args:
            folder: Made if it is not there. Files of other probes in it stay, those of this one are replaced.
            plots: Draw pictures.

        Returns:
            The files.

        Raises:
            InputError: The folder is a file or cannot be written to, or matplotlib is not installed.
        """
        folder = checked_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: not written: {error.strerror or error}") from None
        written = [folder / f"{self.probe}.json"]
        write_file(written[0], to_json(self.to_dict(), indent=2) + "\n")
        for name, content in self.files.items():
            written.append(folder / name)
            write_file(written[-1], content)
        if plots and self.draw is not None:
            written.append(folder / f"{self.probe}.png")
            self.draw(written[-1])
        return written


def checked_folder(folder: str | Path) -> Path:
    """Refuses a path that is a file, an `InputError`."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise InputError(f"{folder}: is a file; expected the name of a folder to write")
    return path


def percent(value: float, interval: tuple[float, float] | None = None) -> str:
    """Writes a share in words, with its interval.

    Example:
        >>> percent(0.5, (0.4, 0.6))
        '50.0 % [40.0, 60.0]'
    """
    return f"{100 * value:.1f} %{_bounds(interval, lambda bound: f'{100 * bound:.1f}')}"


def number(value: float, interval: tuple[float, float] | None = None) -> str:
    """Writes a number in words, with its interval.

    Example:
        >>> number(1.25, (0.5, 2))
        '1.25 [0.5, 2]'
    """
    return f"{value:.3g}{_bounds(interval, lambda bound: f'{bound:.3g}')}"


def _bounds(interval: tuple[float, float] | None, written: Callable[[float], str]) -> str:
    """Writes an interval behind a number; nothing where there is none."""
    if interval is None or not math.isfinite(interval[0]):
        return ""
    return f" [{written(interval[0])}, {written(interval[1])}]"
