"""Each rule beside a filter over every sequence counted out."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.decoding import Constraints, beam_search
from tests.decoding.toy import END, Toy, sequences

LONGEST = 4
Tokens = tuple[int, ...]


def grams(tokens: Tokens, size: int) -> list[Tokens]:
    return [tokens[at : at + size] for at in range(len(tokens) - size + 1)]


RULES: dict[str, tuple[Constraints, Callable[[int, Tokens], bool]]] = {
    "shortest": (Constraints(END, min_length=2), lambda row, tokens: len(tokens) > 2),
    "shortest of each row": (
        Constraints(END, min_length=tf.constant([0, 1, 3])),
        lambda row, tokens: len(tokens) > (0, 1, 3)[row],
    ),
    "exactly as long": (
        Constraints(END, min_length=tf.constant([1, 2, 3]), max_length=tf.constant([1, 2, 3])),
        lambda row, tokens: tokens[-1] == END and len(tokens) == row + 2,
    ),
    "forbidden": (Constraints(END, forbidden=(0, 4)), lambda row, tokens: not {0, 4} & set(tokens)),
    "forbidden words": (
        Constraints(END, forbidden=(0, (3, 4), (5, 5, 1))),
        lambda row, tokens: 0 not in tokens and (3, 4) not in grams(tokens, 2) and (5, 5, 1) not in grams(tokens, 3),
    ),
    "prefix whatever is forbidden": (
        Constraints(END, forbidden=(3, 4), prefix=tf.constant([[3, 4], [5, 3], [-1, -1]])),
        lambda row, tokens: (
            tokens[: (2, 2, 0)[row]] == ((3, 4), (5, 3), ())[row] and not {3, 4} & set(tokens[(2, 2, 0)[row] :])
        ),
    ),
    "allowed": (Constraints(END, allowed=(3, 5)), lambda row, tokens: set(tokens) <= {3, 5, END}),
    "no repeated pair": (
        Constraints(END, no_repeat_ngram=2),
        lambda row, tokens: len(set(grams(tokens, 2))) == len(grams(tokens, 2)),
    ),
    "no repeated word": (Constraints(END, no_repeat_ngram=1), lambda row, tokens: len(set(tokens)) == len(tokens)),
    "prefix": (
        Constraints(END, prefix=tf.constant([[3, 4], [5, -1], [-1, -1]])),
        lambda row, tokens: tokens[: (2, 1, 0)[row]] == ((3, 4), (5,), ())[row],
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_found_is_the_best_of_what_is_allowed(rule: str):
    constraints, allowed = RULES[rule]
    toy = Toy(seed=7)
    result = beam_search(
        toy.step, toy.first(), constraints=constraints, max_new_tokens=LONGEST, num_beams=700,
        early_stopping="never", length_penalty=0.0,
    )  # fmt: skip
    for row in range(3):
        expected = [
            (toy.log_p(row, tokens).sum(), tokens) for tokens in toy.all_sequences(LONGEST) if allowed(row, tokens)
        ]
        expected = sorted(expected, reverse=True)[:20]
        assert sequences(result, row)[: len(expected)] == [tokens for _, tokens in expected]
        np.testing.assert_allclose(result["scores"][row, : len(expected)], [score for score, _ in expected], rtol=1e-4)


def test_repetition_lowers_the_logits_of_what_was_said():
    """Values by hand: a positive logit is divided by the penalty, a negative one multiplied."""
    logits = tf.constant([[[2.0, -1.0, 3.0, 0.5]]])
    penalised = Constraints(3, repetition_penalty=2.0).apply(logits, tf.constant([[[0, 1, 0]]]))
    np.testing.assert_allclose(penalised[0, 0], [1.0, -2.0, 3.0, 0.5])
