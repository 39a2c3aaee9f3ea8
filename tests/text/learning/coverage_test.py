"""Coverage: counted by hand, and against counts made another way."""

import pytest

from keras_bert.text import BertTokenizer, BytePairTokenizer
from keras_bert.text.learning.coverage import Coverage
from tests.text import byte_pair_peer

ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bre", "##ad", "!", "elan"]


def test_by_hand():
    coverage = Coverage(BertTokenizer(ENTRIES))
    coverage.add(["The bread!", "Élan film Ünknown"])
    coverage.add(["film"])
    # the bre ##ad ! | elan [UNK] [UNK] | [UNK]: 7 words, 8 pieces, 10 + 17 + 4 characters
    assert coverage.report(unknown=2) == {
        "lines": 3,
        "characters": 31,
        "words": 7,
        "pieces": 8,
        "unknown_words": 3,
        "unknown_rate": 3 / 7,
        "pieces_per_word": 8 / 7,
        "characters_per_piece": 31 / 8,
        "most_frequent_unknown": {"film": 2, "Ünknown": 1},
    }


def test_byte_pairs_know_every_word():
    pytest.importorskip("tokenizers", reason="the peer")
    vocabulary, merges = byte_pair_peer.learned()
    tokenizer = BytePairTokenizer(vocabulary, merges, lowercase=True)
    coverage = Coverage(tokenizer)
    coverage.add(byte_pair_peer.LINES)
    report = coverage.report()
    assert (report["unknown_words"], report["most_frequent_unknown"]) == (0, {})
    assert report["pieces"] == sum(map(len, tokenizer(byte_pair_peer.LINES).to_list()))
    assert report["pieces_per_word"] == report["pieces"] / report["words"] > 1


def test_nothing_measured():
    report = Coverage(BertTokenizer(ENTRIES)).report()
    assert (report["words"], report["unknown_rate"], report["pieces_per_word"]) == (0, 0, 0)
