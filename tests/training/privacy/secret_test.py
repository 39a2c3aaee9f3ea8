"""Keys that a run keeps while it can go on, and nobody else has."""

import pytest

from keras_bert.errors import InputError
from keras_bert.training.privacy.secret import Secret


def test_all_random_numbers_follow_from_the_key():
    one, same, other = Secret("ab" * 16), Secret("ab" * 16), Secret()
    assert one.seed("noise").tolist() == same.seed("noise").tolist()
    assert one.seed("noise").tolist() != other.seed("noise").tolist()
    assert one.seed("rows", 0, 1).tolist() != one.seed("rows", 1, 0).tolist()
    assert Secret().seed("noise").tolist() != other.seed("noise").tolist()


def test_a_run_that_goes_on_has_the_key_of_its_checkpoint():
    place: dict = {"steps": 0}
    first = Secret()
    first.keep_in(place)
    again = Secret()
    again.keep_in({**place, "steps": 7})
    assert again.seed("rows", 3).tolist() == first.seed("rows", 3).tolist()
    assert again.noise_seed.numpy().tolist() == first.noise_seed.numpy().tolist() == first.seed("noise").tolist()


def test_a_run_that_began_without_a_budget_cannot_have_one():
    with pytest.raises(InputError, match="the run began without a budget of privacy"):
        Secret().keep_in({"steps": 7})
