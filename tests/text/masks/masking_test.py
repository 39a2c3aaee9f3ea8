"""TokenMasker: what it takes is counted, with tolerances of four standard deviations of the binomial."""

import time

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.text.byte_level import byte_level

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"w{i}" for i in range(200)]
VOCABULARY = [*SPECIAL, *WORDS, *(f"##p{i}" for i in range(50)), *"甲乙丙丁戊己"]
TOKENIZER = BertTokenizer(VOCABULARY)
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST_PIECE = 5 + len(WORDS)


def batch(rows=256, width=128, seed=0, pieces=0.3):
    """Pairs of texts of random tokens, 30 % of them pieces that go on with a word; rows of many lengths."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(5, FIRST_PIECE, (rows, width))
    ids = np.where(rng.random((rows, width)) < pieces, rng.integers(FIRST_PIECE, FIRST_PIECE + 50, ids.shape), ids)
    ids = np.where(rng.random((rows, width)) < 0.02, UNK, ids)
    lengths = rng.integers(width // 4, width + 1, rows)
    middles = rng.integers(3, lengths - 3)
    columns = np.arange(width)
    ids[:, 0] = CLS
    ids = np.where((columns == middles[:, None]) | (columns == lengths[:, None] - 1), SEP, ids)
    real = columns < lengths[:, None]
    segments = (columns > middles[:, None]) & real
    arrays = {"token_ids": np.where(real, ids, PAD), "segment_ids": segments, "padding_mask": real}
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


def run(masker, inputs, seed=(3, 4)):
    return {name: tensor.numpy() for name, tensor in masker(inputs, seed).items()}


def taken_of(masked, inputs):
    taken = np.zeros(inputs["token_ids"].shape, bool)
    rows, slots = np.nonzero(masked["mask_weights"])
    taken[rows, masked["mask_positions"][rows, slots]] = True
    return taken


def budgets(inputs, rate=0.15):
    return np.maximum([round(rate * int(count)) for count in inputs["padding_mask"].numpy().sum(1)], 1)


def groups_of(ids, usable, goes_on):
    """The groups of one row, lists of positions."""
    groups, before = [], False
    for place, token in enumerate(ids):
        if usable[place]:
            if before and goes_on(token):
                groups[-1].append(place)
            else:
                groups.append([place])
        before = usable[place]
    return groups


def is_near(count, trials, share):
    return abs(count - trials * share) <= 4 * np.sqrt(trials * share * (1 - share))


def test_as_many_tokens_as_the_rate_says():
    inputs = batch()
    for options, expected in (
        ({}, budgets(inputs)),
        ({"rate": 0.4}, budgets(inputs, 0.4)),
        ({"max_predictions": 9}, np.minimum(budgets(inputs), 9)),
    ):
        masked = run(TokenMasker(TOKENIZER, **options), inputs)
        np.testing.assert_array_equal(masked["mask_weights"].sum(1), expected)
        assert masked["mask_positions"].shape == (256, expected.max())


def test_slots_tell_what_was_there():
    inputs = batch()
    masked = run(TokenMasker(TOKENIZER), inputs)
    ids, taken = inputs["token_ids"].numpy(), taken_of(masked, inputs)
    real = masked["mask_weights"] == 1
    assert ((masked["mask_weights"] == 0) | real).all()
    there = np.take_along_axis(ids, masked["mask_positions"], 1)
    np.testing.assert_array_equal(masked["mask_labels"], np.where(real, there, 0))
    assert not masked["mask_positions"][~real].any()
    assert (np.diff(masked["mask_positions"], axis=1)[real[:, 1:]] > 0).all()
    np.testing.assert_array_equal(masked["token_ids"][~taken], ids[~taken])
    for name in ("segment_ids", "padding_mask"):
        np.testing.assert_array_equal(masked[name], inputs[name].numpy())
    assert {str(array.dtype) for name, array in masked.items() if name != "mask_weights"} == {"int32"}


@pytest.mark.parametrize("unit", ["token", "word"])
def test_special_tokens_never(unit):
    inputs = batch()
    taken = taken_of(run(TokenMasker(TOKENIZER, unit=unit, rate=1.0), inputs), inputs)
    ids = inputs["token_ids"].numpy()
    np.testing.assert_array_equal(taken, ids > MASK)  # with a rate of 1 all others


def test_eighty_ten_ten():
    inputs = batch(rows=1024)
    ids = inputs["token_ids"].numpy()
    for shares in ((0.8, 0.1), (0.5, 0.0), (0.0, 1.0)):
        masked = run(TokenMasker(TOKENIZER, mask_share=shares[0], random_share=shares[1]), inputs)
        taken = taken_of(masked, inputs)
        before, after = ids[taken], masked["token_ids"][taken]
        hidden, kept = after == MASK, after == before
        entries = len(VOCABULARY) - len(SPECIAL)
        changed = shares[1] * (1 - 1 / entries)  # a random token is the old one now and then
        assert is_near(hidden.sum(), len(before), shares[0])
        assert is_near((~hidden & ~kept).sum(), len(before), changed)
        assert is_near(kept.sum(), len(before), 1 - shares[0] - changed)
        assert ((after >= len(SPECIAL)) | hidden).all()


def test_random_tokens_come_from_the_whole_vocabulary():
    inputs = batch(rows=1024)
    masked = run(TokenMasker(TOKENIZER, mask_share=0.0, random_share=1.0), inputs)
    counts = np.bincount(masked["token_ids"][taken_of(masked, inputs)], minlength=len(VOCABULARY))
    assert not counts[: len(SPECIAL)].any()
    entries = len(VOCABULARY) - len(SPECIAL)
    expected = counts.sum() / entries
    chi_square = ((counts[len(SPECIAL) :] - expected) ** 2 / expected).sum()
    assert abs(chi_square - (entries - 1)) < 4 * np.sqrt(2 * (entries - 1))


def test_the_share_is_per_token_not_per_word():
    inputs = batch(rows=1024, pieces=0.5)
    masked = run(TokenMasker(TOKENIZER, unit="word", mask_share=0.5, random_share=0.0), inputs)
    taken = taken_of(masked, inputs)
    goes_on = taken & (inputs["token_ids"].numpy() >= FIRST_PIECE) & np.roll(taken, 1, axis=1)
    same = (masked["token_ids"] == MASK) == np.roll(masked["token_ids"] == MASK, 1, axis=1)
    assert is_near(same[goes_on].sum(), goes_on.sum(), 0.5)


def test_every_place_is_as_likely():
    width, rows = 40, 4000
    ids = np.random.default_rng(0).integers(5, 100, (rows, width))
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}
    inputs = {name: tf.constant(array, tf.int32) for name, array in inputs.items()}
    per_place = taken_of(run(TokenMasker(TOKENIZER), inputs), inputs).sum(0)
    assert all(is_near(count, rows, 6 / 40) for count in per_place)


@pytest.mark.parametrize("rate", [0.15, 0.5])
def test_words_whole_and_as_many_as_fit(rate):
    inputs = batch(pieces=0.5)
    taken = taken_of(run(TokenMasker(TOKENIZER, unit="word", rate=rate), inputs), inputs)
    ids = inputs["token_ids"].numpy()
    sizes = set()
    for row, row_taken, budget in zip(ids, taken, budgets(inputs, rate), strict=True):
        left = budget - row_taken.sum()
        assert left >= 0
        for group in groups_of(row, row > MASK, lambda token: FIRST_PIECE <= token < FIRST_PIECE + 50):
            assert len(set(row_taken[group])) == 1
            if row_taken[group[0]]:
                sizes.add(len(group))
            else:
                assert len(group) > left  # or it would have been taken
    assert sizes >= {1, 2, 3, 4}


def test_single_pieces_would_tear_words():
    inputs = batch(pieces=0.5)
    ids, taken = inputs["token_ids"].numpy(), taken_of(run(TokenMasker(TOKENIZER), inputs), inputs)
    goes_on = (ids >= FIRST_PIECE) & (np.roll(ids, 1, axis=1) > MASK)
    assert (taken != np.roll(taken, 1, axis=1))[goes_on].mean() > 0.1


def test_phrases_whole():
    phrases = ["w1 w2 w3", "w2 w3", "w4 w5p0 w6"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([*phrases, *WORDS[:12]], 30)) for _ in range(200)]
    rows = TOKENIZER(texts)
    ids = tf.concat([tf.fill([200, 1], CLS), rows.to_tensor(PAD)], 1)
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": tf.cast(ids != PAD, tf.int32)}
    piece = VOCABULARY.index("##p0")
    taken = taken_of(run(TokenMasker(TOKENIZER, rate=0.3, unit="word", phrases=phrases), inputs), inputs)
    found = 0
    for row, row_taken in zip(ids.numpy().tolist(), taken, strict=True):
        for phrase in ((6, 7, 8), (9, 10, piece, 11)):  # w1 w2 w3; w4 w5 ##p0 w6
            for place in range(len(row) - len(phrase) + 1):
                if tuple(row[place : place + len(phrase)]) == phrase:
                    inside = row_taken[place : place + len(phrase)]
                    assert inside.all() or not inside.any()
                    found += inside.all()
    assert found > 100


def test_chinese_words_from_a_list(tmp_path):
    (tmp_path / "words.txt").write_text("甲乙\n甲乙丙\n丁戊\n己\n", encoding="utf-8")
    masker = TokenMasker(TOKENIZER, rate=0.5, phrases=tmp_path / "words.txt")
    inputs = {"token_ids": TOKENIZER(["甲乙丙丁戊己", "丙甲乙丁戊甲"]).to_tensor()}  # 甲乙丙 丁戊 己; 丙 甲乙 丁戊 甲
    inputs |= {"segment_ids": 0 * inputs["token_ids"], "padding_mask": 0 * inputs["token_ids"] + 1}
    seen = [set(), set()]
    for seed in range(40):
        for row, taken in enumerate(taken_of(run(masker, inputs, (seed, 0)), inputs).astype(int)):
            seen[row].add("".join(map(str, taken)))
    # Words that fill three tokens, or that leave no room for another.
    assert seen[0] == {"111000", "000111"}
    assert seen[1] == {"111000", "100110", "011001", "000111", "100001"}


def test_the_same_seed_the_same_masks_in_every_graph():
    inputs = batch(rows=16)
    masker = TokenMasker(TOKENIZER, unit="word")
    first, again = run(masker, inputs), run(masker, inputs)
    in_graph = run(tf.function(TokenMasker(TOKENIZER, unit="word")), inputs, tf.constant([3, 4], tf.int64))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        np.testing.assert_array_equal(first[name], in_graph[name])
    others = [taken_of(run(masker, inputs, seed), inputs) for seed in ((3, 5), (4, 4))]
    assert not any((other == taken_of(first, inputs)).all() for other in others)


def test_in_a_data_set():
    rows = tf.data.Dataset.from_tensors(batch(rows=8, width=32)).repeat(3)
    seeds = tf.data.Dataset.random(seed=1).batch(2)
    masked = list(tf.data.Dataset.zip(rows, seeds).map(TokenMasker(TOKENIZER)))
    assert len(masked) == 3
    assert any((masked[0]["token_ids"] != masked[1]["token_ids"]).numpy().ravel())


def test_rows_with_nothing_to_hide():
    ids = tf.constant([[CLS, SEP, PAD, PAD], [CLS, 5, SEP, PAD], [PAD] * 4])
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": tf.cast(ids != PAD, tf.int32)}
    masked = run(TokenMasker(TOKENIZER), inputs)
    assert masked["mask_weights"].tolist() == [[0], [1], [0]]
    assert masked["mask_labels"].tolist() == [[0], [5], [0]]
    nothing = {name: tensor[:0] for name, tensor in inputs.items()}
    assert run(TokenMasker(TOKENIZER), nothing)["mask_positions"].shape == (0, 1)


def test_a_batch_takes_milliseconds():
    """A batch of 64 x 128 takes about 3 ms on two cores; ten times that allows for a busy machine."""
    inputs = batch(rows=64)
    mask = tf.function(TokenMasker(TOKENIZER, unit="word", phrases=["w1 w2"]))
    times = []
    for seed in range(12):
        start = time.perf_counter()
        mask(inputs, tf.constant([seed, 0], tf.int64))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.03


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0}, "rate is 0"),
        ({"rate": 1.5}, "rate is 1.5"),
        ({"max_predictions": 0}, "max_predictions"),
        ({"unit": "sentence"}, "unit"),
        ({"mask_share": 0.9, "random_share": 0.2}, "shares"),
        ({"phrases": ["w1"]}, "two tokens"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        TokenMasker(TOKENIZER, **options)


def test_whole_words_of_bytes():
    """Chinese characters are words, a word takes its bytes and not its punctuation: in 50 seeds every word is taken."""
    tokenizer = byte_level("the", "bread")
    ids = [[CLS, *tokenizer("the bread, 北京上海，很好。").numpy(), SEP]]
    inputs = {"token_ids": tf.constant(ids), "segment_ids": tf.zeros_like(ids), "padding_mask": tf.ones_like(ids)}
    masker = TokenMasker(tokenizer, rate=0.15, unit="word")
    words = ["the", " bread", ",", " ", *"北京上海，很好。"]
    number = np.repeat(np.arange(len(words)), [len(tokenizer(word)) for word in words])
    ever = set()
    for seed in range(50):
        taken = taken_of(run(masker, inputs, (seed, 1)), inputs)[0, 1:-1]
        ever |= set(number[taken])
        assert set(number[taken]).isdisjoint(number[~taken]), "a word is taken whole"
    assert ever == set(range(len(words)))
