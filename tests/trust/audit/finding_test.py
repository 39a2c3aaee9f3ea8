"""A finding in words, as files, and where it may not go."""

import json
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.audit.finding import Finding, checked_folder, number, percent


def finding(**fields) -> Finding:
    return Finding("groups", "dev.tsv", {"accuracy": "90.0 %", "rate": "1.0 %"}, ("few rows",), {"n": 3}, **fields)


def test_words():
    assert percent(0.5, (float("nan"), float("nan"))) == "50.0 %"
    assert (percent(0.5, (0.4, 0.6)), number(1.25, (0.5, 2))) == ("50.0 % [40.0, 60.0]", "1.25 [0.5, 2]")
    assert finding().lines() == ["groups: dev.tsv", "accuracy  90.0 %", "rate      1.0 %", "note: few rows"]


def test_files_of_other_probes_stay(tmp_path: Path):
    folder = tmp_path / "a" / "audit"
    folder.mkdir(parents=True)
    (folder / "pairs.json").write_text("{}")
    written = finding(draw=lambda path: path.write_bytes(b"png"), files={"rows.jsonl": "{}\n"}).write(folder)
    assert [path.name for path in written] == ["groups.json", "rows.jsonl", "groups.png"]
    assert sorted(path.name for path in folder.iterdir()) == ["groups.json", "groups.png", "pairs.json", "rows.jsonl"]
    fields = json.loads(written[0].read_text())
    assert fields == {"probe": "groups", **finding().for_card(), "details": {"n": 3}}
    assert len(finding(draw=lambda path: path.write_bytes(b"png")).write(folder, plots=False)) == 1


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; expected the name of a folder"):
        checked_folder(tmp_path / "file")
    with pytest.raises(InputError, match="not written"):
        finding().write(tmp_path / "file" / "below")
