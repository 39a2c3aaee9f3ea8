"""Files of a byte-level BPE: read as written, understood by the `tokenizers` library, refused when broken."""

import json

import pytest

from keras_bert.errors import InputError
from keras_bert.text import BertPreprocessor, BytePairTokenizer
from keras_bert.text.byte_pair.byte_pair_files import load_byte_vocabulary, load_merges, save_byte_pairs
from tests.text import byte_pair_peer

tokenizers = pytest.importorskip("tokenizers", reason="the peer")
VOCABULARY, MERGES = byte_pair_peer.learned()
TEXTS = ["The cat's 12 mats", "今天天气 Été", "  x\n\ty"]


@pytest.mark.parametrize("lowercase", [False, True])
def test_the_library_reads_what_is_written(tmp_path, lowercase):
    save_byte_pairs(VOCABULARY, MERGES, tmp_path, lowercase=lowercase)
    ours = BytePairTokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt", lowercase=lowercase)
    assert (ours.get_vocabulary(), ours.get_merges()) == (list(VOCABULARY), list(MERGES))
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    pair = [(text, TEXTS[0]) for text in TEXTS]
    packed = BertPreprocessor(ours, max_length=200).pack([a for a, _ in pair], [b for _, b in pair])
    encodings = theirs.encode_batch(pair)
    assert packed["token_ids"].to_list() == [encoding.ids for encoding in encodings]
    assert packed["segment_ids"].to_list() == [encoding.type_ids for encoding in encodings]
    assert [theirs.decode(e.ids) for e in theirs.encode_batch(TEXTS)] == [
        text.decode() for text in ours.detokenize(ours(TEXTS)).numpy()
    ]
    plain = tokenizers.ByteLevelBPETokenizer.from_file(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    assert plain.encode("the cat").ids == ours("the cat").numpy().tolist()


def test_rules_may_begin_with_a_number_sign(tmp_path):
    (tmp_path / "merges.txt").write_bytes(b"#version: 0.2\r\n# #\r\na b\r\n")
    assert load_merges(tmp_path / "merges.txt") == ["# #", "a b"]
    (tmp_path / "merges.txt").write_bytes(b"# a")
    assert load_merges(tmp_path / "merges.txt") == ["# a"]
    (tmp_path / "merges.txt").write_bytes(b"")
    assert load_merges(tmp_path / "merges.txt") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON file"),
        ("[]", "found list"),
        ('{"a": 1}', "count on from 0"),
        ('{"a": "0"}', "whole numbers"),
        ('{"a": 0, "b": 0}', "count on from 0"),
    ],
)
def test_a_broken_vocabulary(tmp_path, content, message):
    path = tmp_path / "vocab.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_byte_vocabulary(path)


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "merges.txt").write_bytes(b"a b\n\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        load_merges(tmp_path / "merges.txt")
    with pytest.raises(InputError, match="cannot be read"):
        load_merges(tmp_path)


def test_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_byte_pairs(VOCABULARY, MERGES, tmp_path / name)
    for name in ("vocab.json", "merges.txt", "tokenizer.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "vocab.json").read_text(encoding="utf-8"))["[PAD]"] == 0
