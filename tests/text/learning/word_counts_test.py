"""Words are counted as the tokenizers cut them."""

from collections import Counter

import pytest

from keras_bert.text import BertTokenizer, BytePairTokenizer
from keras_bert.text.learning.word_counts import WordCounts
from tests.text import byte_pair_peer

tokenizers = pytest.importorskip("tokenizers", reason="the peer")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES = ["The cat's [SEP] Élan, 中文 élan!", "", "cat\tcat \x00\x7f", "naïve\u2028a\u00adb x##y", "\ufdd0 \ufffe 한글"]


def peer_words(lines, lowercase, strip_accents):
    """BERT's words by the library's own normalizer and pre-tokenizer."""
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase, strip_accents=strip_accents)
    cut = tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    return Counter(word.encode() for line in lines for word, _ in cut(normalizer.normalize_str(line)))


@pytest.mark.parametrize("settings", [(True, None), (False, None), (True, False), (False, True)])
def test_words_are_those_of_the_library(settings):
    counts = WordCounts("wordpiece", *settings)
    counts.add(LINES)
    counts.add(LINES[:1])
    assert counts.words == peer_words([*LINES, LINES[0]], *settings)
    assert counts.total == sum(counts.words.values())


def test_real_text(shared_data):
    for name in ("state_union/state_union.txt", "clue_small_zh/clue_small_zh.txt"):
        lines = (shared_data / "pretraining" / name).read_text(encoding="utf-8").split("\n")[::10]
        counts = WordCounts("wordpiece", True)
        counts.add(lines)
        assert counts.words == peer_words(lines, True, None)


def test_a_vocabulary_of_the_words_counted_knows_every_word():
    counts = WordCounts("wordpiece", True)
    counts.add(LINES)
    words = [word.decode() for word in counts.words]
    tokenizer = BertTokenizer([*SPECIAL, *words])
    found = Counter(tokenizer.id_to_token(token).encode() for row in tokenizer(LINES).to_list() for token in row)
    assert found == counts.words


def test_words_of_byte_pairs():
    counts = WordCounts("bpe", False)
    counts.add(byte_pair_peer.LINES)
    vocabulary, merges = byte_pair_peer.learned()
    cut = byte_pair_peer.peer(vocabulary, merges).pre_tokenizer.pre_tokenize_str
    text_of = BytePairTokenizer(vocabulary, merges).text_of
    assert counts.words == Counter(text_of(word) for line in byte_pair_peer.LINES for word, _ in cut(line))
    lower = WordCounts("bpe", True)
    lower.add(["THE É\tx"])
    assert lower.words == {b"the": 1, b" e": 1, b" x": 1}


def test_rare_words_are_let_go_when_there_are_too_many():
    counts = WordCounts("wordpiece", True, most_words=10)
    for number in range(100):
        counts.add([f"often often rare{number}a"])
    assert len(counts.words) <= 10
    assert counts.words[b"often"] == 200
    assert counts.total == 300
    assert 9 <= counts.let_go <= 11
