"""Greedy against the largest logit each time, sampling against the probabilities."""

import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from keras_bert.decoding import Constraints, greedy, sample
from tests.decoding.toy import END, FIRST, Toy, sequences


def draw(toy: Toy, seeds, longest: int = 2, **options):
    options = {"constraints": Constraints(END), "max_new_tokens": longest, **options}
    return sample(toy.step, toy.first(), seeds=tf.constant(seeds), **options)


def test_greedy_takes_the_likeliest_token_each_time():
    toy = Toy(rows=5, seed=4)
    result = greedy(toy.step, toy.first(), constraints=Constraints(END), max_new_tokens=4)
    for row in range(5):
        tokens: tuple[int, ...] = ()
        while len(tokens) < 4 and (not tokens or tokens[-1] != END):
            tokens = (*tokens, int(np.argmax([toy.log_p(row, (*tokens, token))[-1] for token in range(6)])))
        assert sequences(result, row) == [tokens]
        np.testing.assert_allclose(result["scores"][row, 0], toy.log_p(row, tokens).mean(), rtol=1e-4)


def nucleus(p, share: float) -> float:
    """The least probability among the likeliest that add up to a share."""
    falling = np.sort(p)[::-1]
    return falling[np.searchsorted(np.cumsum(falling), share)]


@pytest.mark.parametrize(
    ("options", "filtered"),
    [
        ({}, lambda p: p),
        ({"temperature": 0.5}, lambda p: p**2),
        ({"top_k": 3}, lambda p: np.where(p >= np.sort(p)[-3], p, 0)),
        ({"top_p": 0.7}, lambda p: np.where(p >= nucleus(p, 0.7), p, 0)),
    ],
)
def test_tokens_come_as_often_as_they_are_likely(options, filtered):
    """Chi-squared over all pairs of first and second token, 20,000 draws from one row."""
    toy = Toy(rows=1, seed=9)
    toy.out *= 0.2
    result = draw(toy, [17], samples=20_000, **options)
    counts: dict[tuple[int, ...], int] = {}
    for tokens in sequences(result, 0):
        counts[tokens] = counts.get(tokens, 0) + 1

    def chances(before):
        p = np.exp([toy.log_p(0, (*before, token))[-1] for token in range(6)])
        kept = filtered(p)
        return kept / kept.sum()

    expected = {(END,): chances(())[END]}
    for one, two in itertools.product([token for token in range(6) if token != END], range(6)):
        expected[(one, two)] = chances(())[one] * chances((one,))[two]
    expected = {tokens: chance for tokens, chance in expected.items() if chance > 0}
    assert set(counts) <= set(expected)
    common = [tokens for tokens, chance in expected.items() if chance * 20_000 >= 5]
    observed = np.array([counts.get(tokens, 0) for tokens in common] + [0.0])
    wanted = np.array([expected[tokens] * 20_000 for tokens in common] + [0.0])
    observed[-1], wanted[-1] = 20_000 - observed.sum(), 20_000 - wanted.sum()
    if wanted[-1] < 5:
        observed, wanted = observed[:-1], wanted[:-1] * observed[:-1].sum() / wanted[:-1].sum()
    assert scipy.stats.chisquare(observed, wanted).pvalue > 1e-4


def test_a_row_draws_the_same_whatever_stands_beside_it():
    toy = Toy(rows=6, seed=2)
    together = draw(toy, [5, 6, 7, 8, 9, 10], longest=4, samples=3)
    for row in range(6):
        alone = Toy(rows=6, seed=2)
        alone.source = toy.source[row : row + 1]
        assert sequences(draw(alone, [5 + row], longest=4, samples=3), 0) == sequences(together, row)


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"top_k": -1}])
def test_what_cannot_be_drawn_from_is_refused(options):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        draw(Toy(), [1, 2, 3], **options)


def test_an_end_at_once_is_an_empty_sequence():
    toy = Toy(rows=2)
    result = greedy(
        toy.step, toy.first(), constraints=Constraints(END, max_length=tf.constant([0, 0])), max_new_tokens=3
    )
    assert result["lengths"].numpy().tolist() == [[0], [0]]
    assert result["ids"].numpy().tolist() == [[[END]], [[END]]]
    assert FIRST not in result["ids"].numpy()
