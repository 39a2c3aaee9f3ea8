"""Learning: worked out on paper, the same each time, the size asked for, and every piece one that tokenization uses."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.text import BertTokenizer, BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.learning.learn_vocabulary import learn_byte_pairs, learn_word_pieces
from keras_bert.text.learning.word_counts import WordCounts
from tests.forked_process import run_forked

pytest.importorskip("tokenizers", reason="the trainer")
ROOT = Path(__file__).resolve().parents[3]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Pairs: a ##b 5 + 3 (ab, abc), then "ab" ##c 3, and x ##y twice.
WORDS = {b"ab": 5, b"abc": 3, b"xy": 2}


def count_files(paths, algorithm, lowercase):
    counts = WordCounts(algorithm, lowercase)
    for path in paths:
        lines = path.read_bytes().split(b"\n")
        for start in range(0, len(lines), 2048):
            counts.add(lines[start : start + 2048])
    return counts.words


def test_word_pieces_by_hand():
    learned = learn_word_pieces(WORDS, 100)
    characters = ["a", "b", "c", "x", "y"]
    inside = ["##b", "##c", "##y"]
    assert learned.tokens == [*SPECIAL, *characters, *inside, "ab", "abc", "xy"]
    assert learned.merges is None
    assert learned.notes == ["16 entries and not 100: the text has no further pair of pieces that occurs 2 times"]
    assert learn_word_pieces(WORDS, 15).tokens == learned.tokens[:15]
    assert learn_word_pieces(WORDS, 15).notes == []


def test_a_pair_must_occur_often_enough():
    tokens = learn_word_pieces(WORDS, 100, min_frequency=3).tokens
    assert "abc" in tokens
    assert "xy" not in tokens


def test_rare_characters_take_what_room_is_left():
    words = {b"ab": 5, "né".encode(): 1, "ç".encode(): 1, b"n": 1}
    learned = learn_word_pieces(words, 100)
    # n occurs twice, once in a word of which the rest is rare; é and ç once, so they come behind the pieces, each in
    # the form that the text has.
    assert learned.tokens == [*SPECIAL, "a", "b", "n", "##b", "ab", "ç", "##é"]
    assert learned.rare_characters == {}
    tight = learn_word_pieces(words, 11)
    assert tight.tokens == learned.tokens[:11]
    assert tight.rare_characters == {"é": 1}
    assert tight.notes == ["1 characters that occur less than 2 times are left out, for want of room"]


def test_byte_pairs_by_hand():
    learned = learn_byte_pairs({b"ab": 5, b" ab": 3, "é".encode(): 2}, 300)
    alphabet = sorted(byte_characters())
    assert learned.tokens == [*SPECIAL, *alphabet, "ab", "Ġab", "Ã©"]
    assert learned.merges == ["a b", "Ġ ab", "Ã ©"]
    assert "264 entries and not 300" in learned.notes[0]
    tokenizer = BytePairTokenizer(learned.tokens, learned.merges)
    assert [tokenizer.id_to_token(token) for token in tokenizer("ab abé").numpy()] == ["ab", "Ġab", "Ã©"]


@pytest.mark.parametrize(
    ("words", "size", "message"),
    [
        (
            WORDS,
            12,
            "size 12 is smaller than the alphabet: 5 special tokens, 5 characters and 3 of them inside",
        ),
        (WORDS, 0, "size is 0"),
        ({}, 100, "too little text"),
        ({b"abc": 1}, 100, "too little text"),
        ({b"\xff": 9}, 100, "too little text"),
    ],
)
def test_bad_word_pieces(words, size, message):
    with pytest.raises(InputError, match=message):
        learn_word_pieces(words, size)


def test_bad_byte_pairs():
    with pytest.raises(InputError, match="5 special tokens and 256 bytes need 261"):
        learn_byte_pairs({b"a": 9}, 260)
    with pytest.raises(InputError, match="too little text"):
        learn_byte_pairs({}, 300)
    with pytest.raises(InputError, match="min_frequency is 0"):
        learn_byte_pairs({b"a": 9}, 300, 0)


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"pip install 'bert-for-keras\[pretrain\]'"):
        learn_word_pieces(WORDS, 100)


def test_long_words_are_no_entries():
    learned = learn_word_pieces({b"a" * 300: 50, b"ab": 9}, 100)
    assert max(map(len, learned.tokens)) < 10
    assert len(learn_byte_pairs({b"a" * 2000: 50, b"ab": 9}, 300).tokens) == 262


_SCRIPT = """
import hashlib, json, sys
from keras_bert.text.learning.learn_vocabulary import learn_byte_pairs, learn_word_pieces
words = {f"{a}{b}{c}".encode(): 3 for a in "abcdefgh" for b in "ijklmnop" for c in "abcdqrstu"}
made = [learn(words, 600) for learn in (learn_word_pieces, learn_byte_pairs)]
print(hashlib.sha256(json.dumps([[m.tokens, m.merges] for m in made]).encode()).hexdigest())
"""


@pytest.mark.slow
def test_every_process_learns_the_same():
    # All pairs occur equally often, so ties decide, and the trainer's hash tables are others in each process.
    fresh = subprocess.check_output([sys.executable, "-c", _SCRIPT], cwd=ROOT, text=True)
    forked = run_forked(_SCRIPT)
    assert forked.stdout == fresh, forked.stderr


@pytest.mark.parametrize(
    ("name", "lowercase", "size"),
    [("state_union/state_union.txt", True, 4000), ("clue_small_zh/clue_small_zh.txt", False, 5500)],
)
def test_real_text(shared_data, name, lowercase, size):
    words = count_files([shared_data / "pretraining" / name], "wordpiece", lowercase)
    learned = learn_word_pieces(words, size)
    assert len(learned.tokens) == len(set(learned.tokens)) == size
    assert learned.tokens[:5] == SPECIAL
    tokenizer = BertTokenizer(learned.tokens, lowercase)
    # What was learned from is covered: [UNK] only for words with a character that was left out.
    texts = sorted(words)
    unknown = [
        word for word, row in zip(texts, tokenizer(texts).to_list(), strict=True) if tokenizer.unk_token_id in row
    ]
    assert all(set(word.decode()) & set(learned.rare_characters) for word in unknown)
    assert sum(words[word] for word in unknown) < 0.002 * sum(words.values())
    # Frequent words are whole.
    frequent = [word.decode() for word, _ in Counter(words).most_common(100)]
    assert set(frequent) <= set(learned.tokens)


def test_real_byte_pairs(shared_data):
    path = shared_data / "pretraining" / "state_union" / "state_union.txt"
    words = count_files([path], "bpe", False)
    learned = learn_byte_pairs(words, 4000)
    assert len(learned.tokens) == 4000
    tokenizer = BytePairTokenizer(learned.tokens, learned.merges)
    frequent = [word for word, _ in Counter(words).most_common(100)]
    assert set(tokenizer(frequent).row_lengths().numpy()) == {1}
