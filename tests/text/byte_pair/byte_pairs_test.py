"""Merges are those of the `tokenizers` library's BPE model, also for rules that no trainer would write."""

import random

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pairs import BytePairs
from keras_bert.text.byte_pair.byte_words import byte_characters
from tests.text import byte_pair_peer

tokenizers = pytest.importorskip("tokenizers", reason="the peer")


def model_of(vocabulary, merges):
    ids = {token: index for index, token in enumerate(vocabulary)}
    return tokenizers.models.BPE(vocab=ids, merges=[tuple(merge.split(" ")) for merge in merges])


def theirs(model, word):
    return [token.id for token in model.tokenize("".join(byte_characters()[byte] for byte in word.encode()))]


def random_rules(chance, letters, count):
    """Rules in any order, several for one product among them."""
    tokens, rules = list(letters), []
    while len(rules) < count:
        left, right = chance.choices(tokens, k=2)
        if f"{left} {right}" not in rules and len(left + right) <= 6:
            rules.insert(chance.randint(0, len(rules)), f"{left} {right}")
            tokens.append(left + right)
    return [*byte_characters(), *sorted(set(tokens) - set(letters))], rules


def test_a_learned_vocabulary():
    vocabulary, merges = byte_pair_peer.learned()
    model, pairs = model_of(vocabulary, merges), BytePairs(vocabulary, merges)
    words = [
        "",
        "a",
        "aa",
        "aaa",
        "aaaaa",
        "今天天气",
        "今天我们不去学校",
        " other",
        "thethethe",
        "🙂🙂",
        "été",
        " " * 9,
    ]
    words += [word for line in byte_pair_peer.LINES for word in (line, line[::-1], line * 3)]
    assert pairs.encode(tf.constant(words)).to_list() == [theirs(model, word) for word in words]


@pytest.mark.parametrize("seed", range(12))
def test_random_rules_on_random_words(seed):
    chance = random.Random(seed)
    letters = "ab" if seed % 2 else "abcd"
    vocabulary, merges = random_rules(chance, letters, chance.choice([1, 5, 20, 60]))
    model, pairs = model_of(vocabulary, merges), BytePairs(vocabulary, merges)
    words = ["".join(chance.choices(letters, k=chance.randint(0, 25))) for _ in range(400)]
    assert pairs.encode(tf.constant(words)).to_list() == [theirs(model, word) for word in words]


def test_rules_where_the_order_of_the_places_counts():
    # Two rules make "abc", and what the second makes is part of an earlier one: on paper, "a bc a bc" becomes
    # "abc a bc", then "abca bc" by the earlier rule, and not "abc abc".
    vocabulary = [*byte_characters(), "ab", "bc", "abc", "abca"]
    merges = ["b c", "ab c", "abc a", "a bc"]
    encoded = BytePairs(vocabulary, merges).encode(tf.constant(["abcabc"])).to_list()
    assert [[vocabulary[index] for index in row] for row in encoded] == [["abca", "bc"]]


def test_no_rules_and_no_words():
    pairs = BytePairs(byte_characters(), [])
    assert pairs.encode(tf.constant(["az", "", "é"])).to_list() == [[97, 122], [], [0xC3, 0xA9]]
    assert pairs.encode(tf.constant([], tf.string)).to_list() == []


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (["a b"], "needs 'ab', which is not in the vocabulary"),
        (["ab"], "expected two entries with a blank between"),
        (["a "], "expected two entries"),
        (["a a a"], "expected two entries"),
        (["a a", "a a"], "rule 2: 'a a' is already rule 1"),
    ],
)
def test_broken_rules(merges, message):
    with pytest.raises(InputError, match=message):
        BytePairs([*byte_characters(), "aa"], merges)


def test_a_vocabulary_of_another_kind():
    with pytest.raises(InputError, match="no entry for 255 of the 256 bytes"):
        BytePairs(["a"], [])
