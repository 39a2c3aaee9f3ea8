"""Shapley values beside the sum over all subsets; occlusion beside texts with a word less."""

import itertools
import math

import numpy as np
import pytest

from keras_bert.tasks import BertClassifier
from keras_bert.trust.explain.readers.pooled import read_pooled
from keras_bert.trust.explain.replacing import Game, game_of, occlusion, shapley, shapley_values
from keras_bert.trust.explain.scorer import Scorer


def brute_force(game: Game, players: int) -> np.ndarray:
    """The definition: what a player adds to each subset of the others, weighted by the orders that have it."""
    subsets = np.array(list(itertools.product([False, True], repeat=players)))
    worth = dict(zip(map(tuple, subsets), game(subsets), strict=True))
    values = np.zeros(players)
    for subset in map(list, subsets):
        for player in np.flatnonzero(np.logical_not(subset)):
            size = sum(subset)
            weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
            joined = [there or place == player for place, there in enumerate(subset)]
            values[player] += weight * (worth[tuple(joined)] - worth[tuple(subset)])
    return values


def table_game(players: int, seed: int) -> Game:
    table = np.random.default_rng(seed).normal(size=2**players)
    return lambda is_there: table[is_there.astype(int) @ (1 << np.arange(players))]


@pytest.mark.parametrize("players", [1, 2, 5, 8])
def test_all_orders_give_the_values_of_the_definition(players: int):
    game = table_game(players, players)
    orders = np.array(list(itertools.permutations(range(players))))
    values, errors, (nobody, everybody) = shapley_values(game, orders)
    np.testing.assert_allclose(values, brute_force(game, players), atol=1e-12)
    assert values.sum() == pytest.approx(everybody - nobody)
    assert len(errors) == players


def test_a_few_orders_add_up_too_and_their_errors_say_how_far_they_are():
    players = 8
    game, truth = table_game(players, 0), brute_force(table_game(players, 0), players)
    misses = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        orders = np.array([random.permutation(players) for _ in range(30)])
        values, errors, (nobody, everybody) = shapley_values(game, orders)
        assert values.sum() == pytest.approx(everybody - nobody)
        misses += list((values - truth) / errors)
    assert np.std(misses) == pytest.approx(1.0, abs=0.25)
    assert abs(np.mean(misses)) < 0.25


def reading_of(model: BertClassifier, text: str):
    (answer,) = model.answer([text], scores=True)
    return read_pooled(model, {"text": text.encode()}, answer, "negative")


def test_the_words_of_a_text_are_the_players(model: BertClassifier, scorer: Scorer):
    """Eight words, one of them of two pieces; 2000 orders beside all 256 subsets."""
    text = "the books was not so good but fine"
    reading = reading_of(model, text)
    game = game_of(scorer, reading, "[MASK]")
    found = shapley(scorer, reading, "[MASK]", 60, seed=3)
    truth = brute_force(game, 8)
    assert found.errors is not None
    assert (np.abs(found.values - truth) < 4.5 * found.errors + 1e-6).all()
    assert found.values.sum() == pytest.approx(found.score - found.baseline_score)
    assert found.gap == pytest.approx(0, abs=1e-6)
    again = shapley(scorer, reading, "[MASK]", 60, seed=3)
    np.testing.assert_array_equal(found.values, again.values)


def test_occlusion_is_a_text_with_a_word_less(model: BertClassifier, scorer: Scorer):
    text = "the books was bad"
    found = occlusion(scorer, reading_of(model, text), "[MASK]")
    inputs = {name: tensor.numpy() for name, tensor in model.preprocessor([text]).items()}
    full = model(inputs).numpy()[0, 0]
    assert found.score == pytest.approx(full, abs=1e-5)
    for value, places in zip(found.values, ([1], [2, 3], [4], [5]), strict=True):
        replaced = inputs["token_ids"].copy()
        replaced[0, places] = model.tokenizer.mask_token_id
        assert value == pytest.approx(full - model({**inputs, "token_ids": replaced}).numpy()[0, 0], abs=1e-5)
