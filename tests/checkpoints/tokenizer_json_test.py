"""A tokenizer.json of another form is refused in one line, whatever its readers would have stumbled over."""

import json
from pathlib import Path

import pytest

from keras_bert.checkpoints.tokenizer_json import check_switches, check_tokenizer_json
from keras_bert.errors import InputError
from tests.checkpoints.tokenizer_files_test import fast

PATH = Path("tokenizer.json")


def test_what_transformers_writes_passes():
    check_tokenizer_json(fast(True, added=[(0, "[PAD]")]), PATH)
    check_tokenizer_json({"model": {"vocab": {"a": 0}, "merges": ["a b", ["a", "b"]]}, "normalizer": None}, PATH)
    check_tokenizer_json({}, PATH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": [1]}, "model is"),
        ({"model": "WordPiece"}, "model is 'WordPiece', expected an object"),
        ({"normalizer": [1]}, "normalizer is"),
        ({"pre_tokenizer": 3}, "pre_tokenizer is 3"),
        ({"normalizer": {"type": "BertNormalizer", "lowercase": {}}}, "lowercase is {}, expected true, false or null"),
        ({"normalizer": {"type": "BertNormalizer", "strip_accents": 1}}, "strip_accents is 1"),
        ({"model": {"vocab": [["a", -1.5]]}}, "vocab is"),
        ({"model": {"merges": {"a": "b"}}}, "merges is"),
        ({"model": {"merges": [["a", "b", "c"]]}}, "merges is"),
        ({"added_tokens": {"a": 1}}, "added_tokens is"),
        ({"added_tokens": [{"content": "a"}]}, "added_tokens is"),
        ({"added_tokens": [{"content": 3, "id": 3}]}, "added_tokens is"),
    ],
)
def test_another_form(change, message):
    fields = json.loads(json.dumps({**fast(True), **change}))
    with pytest.raises(InputError, match=rf"^tokenizer\.json: {message}"):
        check_tokenizer_json(fields, PATH)


def test_switches():
    check_switches({"a": True, "b": None}, ("a", "b", "c"), PATH)
    with pytest.raises(InputError, match="a is 'yes', expected true, false or null"):
        check_switches({"a": "yes"}, ("a",), PATH)
