"""Every reader of JSON: what cannot be used gives one line, whatever it is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_bert.config import BertConfig
from keras_bert.data import read, read_squad, read_tags
from keras_bert.data.read_choices import read_choices
from keras_bert.data.shards.manifest import read_manifest
from keras_bert.errors import InputError
from keras_bert.training.runs.run_folder import is_unfinished
from keras_bert.training.runs.run_state import _Place

SQUAD = {"id": "1", "question": "q", "context": "c", "answers": []}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "rows": ("rows.jsonl", lambda path: read(path, text="text", label="label")),
    "an array": ("rows.json", lambda path: read(path, text="text", label="label")),
    "tags": ("tags.jsonl", lambda path: read_tags(path, words="words", label="tags")),
    "choices": ("choices.jsonl", lambda path: read_choices(path, text="text", choices=["choices"], label="label")),
    "squad": ("squad.json", read_squad),
    "squad lines": ("squad.jsonl", read_squad),
    "manifest": ("manifest.json", lambda path: read_manifest(str(path.parent))),
    "config": ("config.json", BertConfig.from_json_file),
    "place": ("place.json", lambda path: _Place().deserialize(path.read_bytes())),
}
BAD = {
    "nested": b"[" * 100_000,
    "nested, and whole": b'{"data": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "nested answers": json.dumps({**SQUAD, "answers": "DEEP"}).replace('"DEEP"', "[" * 900 + "]" * 900).encode(),
    "no UTF-8": b'{"text": "\xff\xfe"}',
    "half a surrogate pair": b'{"text": "\\ud800", "data": [{"paragraphs": "\\udfff"}]}',
    "null": b"null",
    "number": b"1e999",
    "digits": b"9" * 5000,
    "text": b'"data"',
    "list": b"[[1], {}, null]",
    "other types": b'{"text": {}, "data": [1], "question": 3, "context": [], "answers": 0, "format": [], '
    b'"hidden_size": "x", "step": "1"}',
    "NaN": b'{"vocab_size": NaN, "text": NaN, "format_version": NaN}',
    "cut": b'{"text": "a',
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("reader", READERS)
def test_what_cannot_be_used_is_one_line(reader: str, bad: str, tmp_path: Path):
    name, read_file = READERS[reader]
    (tmp_path / name).write_bytes(BAD[bad])
    with pytest.raises(InputError) as error:
        read_file(tmp_path / name)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) <= 1200


@pytest.mark.parametrize("bad", BAD)
def test_a_status_that_cannot_be_used_is_that_of_no_finished_run(bad: str, tmp_path: Path):
    (tmp_path / "status.json").write_bytes(BAD[bad])
    assert is_unfinished(tmp_path)
