"""Findings, and what a model is to do because of them, written into its folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.files import write_file
from keras_bert.foreign_files import read_json
from keras_bert.serving.audit_section import with_audits
from keras_bert.trust.audit.finding import Finding

SETTINGS_FILE, CARD_FILE = "keras_bert.json", "README.md"


def keep_finding(folder: str | Path, finding: Finding, settings: Mapping[str, float] | None = None) -> None:
    """Writes a finding into the model card of a saved model, and where an export takes its card from.

    An earlier finding of the same probe is replaced; of the card only the section "Audit" is written.

    Args:
        folder: What `save_preset` or `keras-bert finetune` wrote.
        finding: What was found.
        settings: `temperature` and `abstain_below`, which the model's answers are to follow from now on.

    Raises:
        InputError: The folder holds no `keras_bert.json`, or a file cannot be written.

    Example:
        >>> from pathlib import Path
        >>> finding = keras_bert.trust.Finding("groups", "872 rows", {"accuracy of AT": "91.2 % [89.0, 93.1]"})
        >>> keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"]).save_preset("model")
        >>> keep_finding("model", finding)
        >>> "| accuracy of AT | 91.2 % " in Path("model/README.md").read_text()
        True
    """
    folder = Path(folder)
    fields = read_json(folder / SETTINGS_FILE)
    if fields is None:
        raise InputError(f"{folder}: no {SETTINGS_FILE}: only a folder that keras_bert saved keeps what was found")
    card: dict[str, Any] = dict(fields.get("card") or {})
    card["audit"] = {**(card.get("audit") or {}), finding.probe: finding.for_card()}
    write_file(folder / SETTINGS_FILE, to_json({**fields, **(settings or {}), "card": card}, indent=2) + "\n")
    path = folder / CARD_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_file(path, with_audits(text, card["audit"]))


def can_keep(folder: str | Path) -> bool:
    """Says whether a model's handle is a folder that keeps findings."""
    return (Path(folder) / SETTINGS_FILE).is_file()
