"""Beam search against every sequence counted out, and a row alone against a row in a batch."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.decoding import Constraints, Start, beam_search, greedy
from keras_bert.decoding.constraints import NEVER
from tests.decoding.toy import END, Toy, sequences

LONGEST = 4


def search(toy: Toy, beams: int, constraints: Constraints | None = None, **options):
    return beam_search(toy.step, toy.first(), constraints=constraints or Constraints(END), max_new_tokens=LONGEST,
                       num_beams=beams, **options)  # fmt: skip


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("penalty", ["power", "gnmt"])
def test_with_room_for_all_it_finds_the_best_of_all_sequences(alpha: float, penalty: str):
    toy = Toy()
    everything = toy.all_sequences(LONGEST)
    result = search(toy, 700, length_penalty=alpha, penalty=penalty, early_stopping="never")
    for row in range(3):
        sizes = {"power": lambda n: n**alpha, "gnmt": lambda n: ((5 + n) / 6) ** alpha}[penalty]
        expected = sorted((toy.log_p(row, tokens).sum() / sizes(len(tokens)), tokens) for tokens in everything)[::-1]
        assert sequences(result, row)[:50] == [tokens for _, tokens in expected[:50]]
        np.testing.assert_allclose(result["scores"][row, :50], [score for score, _ in expected[:50]], rtol=1e-4)


@pytest.mark.parametrize("early_stopping", [True, False, "never"])
def test_a_row_alone_is_the_row_in_a_batch(early_stopping: bool | str):
    """Rows end at different times, so that some leave the loop before others."""
    toy = Toy(rows=12, seed=3)
    together = search(toy, 3, early_stopping=early_stopping)
    for row in range(12):
        alone = Toy(rows=12, seed=3)
        alone.source = toy.source[row : row + 1]
        single = search(alone, 3, early_stopping=early_stopping)
        assert sequences(single, 0) == sequences(together, row)
        np.testing.assert_allclose(single["scores"][0], together["scores"][row], rtol=1e-5)


def test_what_the_bound_stops_is_what_it_cannot_better():
    """With the exact bound a search that stops early gives what one over all steps gives."""
    toy = Toy(rows=8, seed=5)
    bounded = search(toy, 4, early_stopping="never", length_penalty=0.6)
    for row in range(8):
        best = sequences(bounded, row)[0]
        assert bounded["scores"][row, 0] >= toy.log_p(row, best).sum() / len(best) ** 0.6 - 1e-5


def test_one_beam_is_greedy_where_only_one_hypothesis_is_kept():
    toy = Toy(rows=6, seed=1)
    one = search(toy, 1, early_stopping=True)
    each = greedy(toy.step, toy.first(), constraints=Constraints(END), max_new_tokens=LONGEST)
    assert [sequences(one, row) for row in range(6)] == [sequences(each, row) for row in range(6)]


def test_more_beams_than_entries_and_fewer_hypotheses_than_beams():
    toy = Toy(rows=2)
    result = search(toy, 9, Constraints(END, allowed=(0,)), early_stopping="never")
    # Only zeros and then an end, or zeros to the limit: five sequences.
    assert sorted(len(tokens) for tokens in sequences(result, 0)[:5]) == [1, 2, 3, 4, 4]
    assert (result["scores"][:, 5:].numpy() == NEVER).all()
    assert (result["lengths"][:, 5:].numpy() == 0).all()


def test_it_runs_in_a_graph_with_any_number_of_rows():
    toy = Toy(rows=4, seed=2)

    @tf.function(input_signature=[tf.TensorSpec([None, 5])])
    def found(source):
        rows = tf.shape(source)[0]
        start = tf.nest.map_structure(lambda tensor: tensor[:rows], {**toy.first()._asdict(), "growing": ()})
        return beam_search(
            toy.step, Start(**{**start, "growing": {"hidden": -1, "cache": 2}}), constraints=Constraints(END),
            max_new_tokens=LONGEST, num_beams=3,
        )  # fmt: skip

    eager = search(toy, 3)
    for rows in (4, 2):
        graph = found(toy.source[:rows])
        assert [sequences(graph, row) for row in range(rows)] == [sequences(eager, row) for row in range(rows)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": "linear"}, "penalty must be 'power' or 'gnmt'"),
        ({"early_stopping": "soon"}, "early_stopping must be"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        search(Toy(), 2, **options)
    with pytest.raises(ValueError, match="num_beams and max_new_tokens"):
        search(Toy(), 0)
