"""Explanations by taking words away: occlusion, and Shapley values by permutations."""

from collections.abc import Callable

import numpy as np

from keras_bert.trust.explain.attribution import Attribution, completeness_gap, sides_of
from keras_bert.trust.explain.reading import Reading
from keras_bert.trust.explain.scorer import Scorer

Game = Callable[[np.ndarray], np.ndarray]
"""From bool (versions, players), who is there, to float64 (versions,), what they are worth together."""


def occlusion(scorer: Scorer, reading: Reading, baseline: str) -> Attribution:
    """Explains a text by what changes when each word by itself is replaced by the baseline.

    Args:
        scorer: That of the task.
        reading: The text.
        baseline: One of `BASELINES`.

    Returns:
        Values, f(text) - f(text without the word), and the score.

    References:
        Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2; Li et al. 2016, arXiv:1612.08220.
    """
    words = len(reading.words)
    is_there = np.concatenate([np.ones((1, words), bool), ~np.eye(words, dtype=bool)])
    worth = game_of(scorer, reading, baseline)(is_there)
    return Attribution(worth[0] - worth[1:], score=float(worth[0]))


def shapley(scorer: Scorer, reading: Reading, baseline: str, permutations: int, seed: int) -> Attribution:
    """Explains a text by Shapley values, estimated by orders in which the words come.

    In each order a word has what it adds to those before it; its value is the mean over the orders. The values of an
    order add up to f(text) - f(baseline), so those of any number of orders do.

    Of two texts that are compared the words of each come while the other text stays, and count a half.

    Args:
        scorer: That of the task.
        reading: The text.
        baseline: One of `BASELINES`, what stands for words that have not come yet.
        permutations: Orders.
        seed: They follow from it and the number of words alone.

    Returns:
        Values, their standard errors, scores, gap, permutations.

    References:
        Castro et al. 2009, doi:10.1016/j.cor.2008.04.004; Štrumbelj and Kononenko 2010, JMLR 11.
    """
    words, sides = len(reading.words), sides_of(reading)
    values, errors, ends = np.zeros(words), np.zeros(words), []
    game = game_of(scorer, reading, baseline)
    for moves in sides:
        players = np.unique(reading.owner[moves][reading.owner[moves] >= 0])
        random = np.random.default_rng(seed)
        orders = np.array([random.permutation(len(players)) for _ in range(permutations)]).reshape(permutations, -1)

        def of_side(is_there: np.ndarray, players: np.ndarray = players) -> np.ndarray:
            everyone = np.ones((len(is_there), words), bool)
            everyone[:, players] = is_there
            return game(everyone)

        found, spread, (nobody, everybody) = shapley_values(of_side, orders)
        values[players] = found / len(sides)
        errors[players] = spread / len(sides)
        ends.append((nobody, everybody))
    baseline_score, score = (float(value) for value in np.mean(ends, axis=0))
    gap = completeness_gap(float(values.sum()), score, baseline_score)
    return Attribution(values, 0.0, score, baseline_score, gap, permutations, errors)


def shapley_values(game: Game, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Estimates the Shapley values of a game by orders of its players.

    Args:
        game: What players are worth together.
        orders: int (orders, players), each a permutation.

    Returns:
        float64 (players,), the values; likewise their standard errors; and what nobody and everybody is worth.

    Example:
        >>> game = lambda is_there: is_there @ np.array([1.0, 3.0]) + 2.0 * is_there.all(1)
        >>> shapley_values(game, np.array([[0, 1], [1, 0]]))[0].tolist()
        [2.0, 4.0]
    """
    count, players = orders.shape
    if not players:
        (worth,) = game(np.zeros((1, 0), bool)).tolist()
        return np.zeros(0), np.zeros(0), (worth, worth)
    place = np.argsort(orders, axis=1)
    # Who is there when 1, 2, ... players have come; nobody and everybody are the same in every order.
    come = np.arange(1, players)
    between = place[:, None, :] < come[:, None]  # (orders, players - 1, players)
    ends = np.stack([np.zeros(players, bool), np.ones(players, bool)])
    worth = game(np.concatenate([ends, between.reshape(-1, players)]))
    nobody, everybody = float(worth[0]), float(worth[1])
    inner = worth[2:].reshape(count, players - 1)
    line = np.concatenate([np.full((count, 1), nobody), inner, np.full((count, 1), everybody)], axis=1)
    adds = np.take_along_axis(np.diff(line, axis=1), place, axis=1)  # (orders, players)
    errors = adds.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(players, np.nan)
    return adds.mean(axis=0), errors, (nobody, everybody)


def game_of(scorer: Scorer, reading: Reading, baseline: str) -> Game:
    """Makes a game of a text: its words are the players, and the explained number is what they are worth.

    Args:
        scorer: That of the task.
        reading: The text.
        baseline: What stands for a word that is not there.
    """
    text, base = scorer.vectors(reading.inputs), scorer.baseline_vectors(reading, baseline)

    def worth(is_there: np.ndarray) -> np.ndarray:
        # What is of no word is always there.
        columns = np.concatenate([is_there, np.ones((len(is_there), 1), bool)], axis=1)
        return scorer.values(reading, text, base, columns[:, reading.owner])

    return worth
