"""JSON of strangers gives a value or one line; names in their files stay inside their folder."""

import os

import pytest

from keras_bert import foreign_files
from keras_bert.checkpoints.tensorflow_file import find_prefix
from keras_bert.checkpoints.tensorflow_index import read_index
from keras_bert.checkpoints.tokenizer_files import open_tokenizer
from keras_bert.config import BertConfig
from keras_bert.data.shards.manifest import read_manifest
from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, parse_json, read_json, read_json_value


@pytest.mark.parametrize("name", ["a.json", "1_Pooling/config.json", "", ".", "a/./b", "..a", "a..", "größe"])
def test_names_inside(tmp_path, name):
    assert inside(tmp_path, name, "modules.json") == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["..", "../a", "a/../../b", "a/..", "/etc/passwd", "..\\a", "a\\..\\..\\b", "C:\\a", "C:a", "\\\\h\\s", "a\0b"],
)
def test_names_that_lead_out(tmp_path, name):
    with pytest.raises(InputError, match=r"^modules\.json: names .*, which leads out of its folder$"):
        inside(tmp_path, name, "modules.json")


@pytest.mark.parametrize("name", [None, 3, ["a"], {"a": "b"}])
def test_names_that_are_none(tmp_path, name):
    with pytest.raises(InputError, match="expected the name of a file"):
        inside(tmp_path, name, "modules.json")


def test_objects_and_values(tmp_path):
    path = tmp_path / "config.json"
    assert read_json(path) is None
    path.write_bytes(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00", "b": 1e30}')  # a byte-order mark; a whole surrogate pair
    assert read_json(path) == {"a": "\U0001f600", "b": 1e30}
    path.write_text("[" * 100 + "1" + "]" * 100)
    assert repr(read_json_value(path)) == path.read_text()
    path.write_text("[1]")
    assert read_json_value(path) == [1]
    with pytest.raises(InputError, match="expected a JSON object, found list"):
        read_json(path)
    path.write_text("null")
    with pytest.raises(InputError, match="expected a JSON object, found NoneType"):
        read_json(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a JSON file"),
        (b'{"a": \xff}', "not a JSON file"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
        (b"[" * 101 + b"]" * 101, "nested too deep"),
        (b'{"a": [' * 60 + b"]}" * 60, "nested too deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not a JSON file"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\uDFFF": 1}', "half of a surrogate pair"),
    ],
)
def test_json_that_cannot_be_used(data, message):
    with pytest.raises(InputError, match=message) as error:
        parse_json(data, "config.json")
    assert str(error.value).startswith("config.json: ")


def test_files_that_are_too_large_or_no_files(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    path.write_text('{"a": 1}')
    monkeypatch.setattr(foreign_files, "LARGEST_JSON", 7)
    with pytest.raises(InputError, match=r"config\.json: has 8 bytes; .* at most 7"):
        read_json(path)
    with pytest.raises(InputError, match="Is a directory"):
        read_json(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="Not a regular file"):
        read_json(tmp_path / "pipe.json")


@pytest.mark.parametrize("name", ["vocab.txt", "vocab.json", "merges.txt", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("kind", ["pipe", "bytes"])
def test_files_of_a_stranger_are_not_waited_for(name, kind, tmp_path):
    """A pipe that nobody writes to, and bytes that are no text, in the place of each file of a tokenizer."""
    pairs = {"vocab.json": "{}", "merges.txt": "#version: 0.2\n"} if name in ("vocab.json", "merges.txt") else {}
    for other, text in {"config.json": '{"model_type": "bert"}', **pairs}.items():
        (tmp_path / other).write_text(text)
    (tmp_path / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(b"\xff\xfe\n")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        BertConfig.from_json_file(tmp_path / name) if name == "config.json" else open_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["checkpoint", "bert_model.ckpt.index", "manifest.json", "added_tokens.json"])
def test_pipes_beside_weights_and_records_are_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    readers = {"manifest.json": read_manifest, "added_tokens.json": open_tokenizer}
    prefix = tmp_path / "bert_model.ckpt" if name.endswith(".index") else tmp_path
    readers["bert_model.ckpt.index"] = lambda folder: read_index(prefix)
    with pytest.raises(InputError, match=rf"{name}: cannot be read \(Not a regular file\)"):
        readers.get(name, find_prefix)(str(tmp_path))
