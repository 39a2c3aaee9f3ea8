"""More positions than a table has: the formula, and the first rows to the last bit."""

import dataclasses

import numpy as np
import pytest

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.hierarchical_positions import longer_positions, with_positions
from keras_bert.checkpoints.names import POSITION_EMBEDDINGS
from keras_bert.errors import InputError
from tests.tasks import tiny

ROWS = 6
TABLE = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")


def checkpoint(**changes: object) -> Checkpoint:
    config = tiny.config(max_position_embeddings=ROWS, **changes)
    return Checkpoint(config, {POSITION_EMBEDDINGS: TABLE}, "here")


def test_each_place_is_a_mixture_of_two_rows():
    longer = longer_positions(checkpoint(), ROWS**2)
    table = longer.tensors[POSITION_EMBEDDINGS]
    np.testing.assert_array_equal(table[:ROWS], TABLE)
    parts = [(row - 0.4 * TABLE[0]) / 0.6 for row in TABLE]
    for i in range(ROWS):
        for j in range(ROWS):
            np.testing.assert_allclose(table[i * ROWS + j], 0.4 * parts[i] + 0.6 * parts[j], rtol=1e-5, atol=1e-6)
    assert (longer.config.max_position_embeddings, table.dtype) == (36, np.float32)
    assert "hierarchical" in longer.notes[-1]


def test_a_table_that_is_long_enough_stays():
    opened = checkpoint()
    assert longer_positions(opened, ROWS) is opened
    assert with_positions(opened, "trained", 20) is opened


def test_a_bare_config_starts_with_a_longer_table():
    bare = dataclasses.replace(checkpoint(), tensors={})
    longer = longer_positions(bare, 10)
    assert (longer.config.max_position_embeddings, longer.tensors) == (10, {})


@pytest.mark.parametrize(
    ("changes", "positions", "length", "message"),
    [
        ({}, "hierarchical", ROWS**2 + 1, "37 positions are more than the square of the 6 rows"),
        ({}, "rotary", 8, "positions must be one of trained, hierarchical"),
        ({}, "hierarchical", None, "say how many"),
        ({"position_embedding_type": "sinusoidal"}, "hierarchical", 8, "without a table"),
    ],
    ids=["too many", "another", "no length", "no table"],
)
def test_what_cannot_be_is_refused(changes: dict, positions: str, length: int | None, message: str):
    with pytest.raises(InputError, match=message):
        with_positions(checkpoint(**changes), positions, length)
