"""Which blocks are compared, and that each side is asked for its own."""

import numpy as np
import pytest

from keras_bert.compression import DistillationSettings
from keras_bert.compression.distillation.inner_states import STUDENT, TEACHER, InnerStates
from keras_bert.compression.distillation.terms import hidden_distance
from tests.tasks import tiny


def states_of(**options) -> InnerStates:
    configs = tiny.config(num_hidden_layers=2), tiny.config(num_hidden_layers=6)
    return InnerStates.of(DistillationSettings(**options), *configs)


def test_only_what_is_compared_is_asked_for():
    states = states_of(hidden_weight=1.0)
    assert (states.hidden_of(STUDENT), states.hidden_of(TEACHER)) == ({0, 1, 2}, {0, 3, 6})
    assert states.query_key_value_of(STUDENT) == set()
    states = states_of(attention_weight=1.0, relations=("QK",), relation_layer=5)
    assert (states.query_key_value_of(STUDENT), states.query_key_value_of(TEACHER)) == ({1, 2}, {3, 5, 6})
    assert states.hidden_of(TEACHER) == set()


def test_hidden_states_are_the_mean_over_the_pairs():
    random, mask = np.random.default_rng(0), np.array([[1, 1, 0]], "int32")
    ours, theirs = (
        {f"hidden_{block}": random.normal(size=(3, 32)).astype("float32") for block in blocks}
        for blocks in ((0, 1, 2), (0, 3, 6))
    )
    names = []
    found = states_of(hidden_weight=1.0).compare(
        "hidden", ours, theirs, mask, lambda name, states: names.append(name) or 2 * states
    )
    pairs = [
        (2 * ours[f"hidden_{own}"][None], theirs[f"hidden_{other}"][None]) for own, other in ((0, 0), (1, 3), (2, 6))
    ]
    assert float(found[0]) == pytest.approx(np.mean([hidden_distance(*pair, mask) for pair in pairs]), rel=1e-5)
    assert names == ["embeddings", "hidden", "hidden"]
