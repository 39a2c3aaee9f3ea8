"""Findings in a saved folder: its card, what an export's card is made of, and the settings of its answers."""

import json
from pathlib import Path

import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks import open_task
from keras_bert.trust.audit.finding import Finding
from keras_bert.trust.audit.keep import can_keep, keep_finding
from tests.tasks import tiny


def test_a_finding_is_kept_and_goes_into_the_card_of_an_export(tmp_path: Path):
    folder = tmp_path / "model"
    tiny.classifier(config=tiny.config(num_hidden_layers=1)).save_preset(folder, card={"metrics": {"accuracy": 0.9}})
    card = (folder / "README.md").read_text()
    keep_finding(folder, Finding("groups", "dev.tsv", {"accuracy of AT": "90.0 %"}, ("few rows",)))
    keep_finding(folder, Finding("calibration", "dev.tsv", {"temperature": "2"}), {"temperature": 2.0})
    keep_finding(folder, Finding("groups", "test.tsv", {"accuracy of AT": "80.0 %"}))
    written = (folder / "README.md").read_text()
    assert written.replace(written[written.index("## Audit") : written.index("## Limits")], "") == card
    checkpoint = open_checkpoint(str(folder))
    facts = checkpoint.extra["card"]
    assert facts["metrics"] == {"accuracy": 0.9}
    assert list(facts["audit"]) == ["groups", "calibration"]
    assert facts["audit"]["groups"]["rows"] == "test.tsv"
    task = open_task(checkpoint)
    assert task.temperature == 2.0
    for text in (written, task.card(facts)):
        assert "accuracy of AT | 80.0 %" in text
        assert "### Calibration" in text


def test_only_a_folder_of_ours_keeps_one(tmp_path: Path):
    assert not can_keep(tmp_path)
    with pytest.raises(InputError, match=r"no keras_bert\.json: only a folder that keras_bert saved"):
        keep_finding(tmp_path, Finding("groups", "dev.tsv", {}))
    (tmp_path / "keras_bert.json").write_text(json.dumps({"task": "BertClassifier"}))
    assert can_keep(tmp_path)
    keep_finding(tmp_path, Finding("groups", "dev.tsv", {"x": "1"}))
    assert (tmp_path / "README.md").read_text().startswith("## Audit")
