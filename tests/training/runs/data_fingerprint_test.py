"""Equal rows have the same fingerprint in every process; any change of them has another."""

import types

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import RunState, data_fingerprint
from keras_bert.training.runs.data_fingerprint import arrays_fingerprint, check_facts, labels_of

TEXTS = [f"text {index}" for index in range(5000)]


def rows(texts: list[str] = TEXTS, labels: list[int] | None = None) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices({"text": texts, "label": labels or [0] * len(texts)})


def test_it_is_the_same_for_the_same_rows_in_every_process():
    assert data_fingerprint(rows()) == data_fingerprint(rows())
    assert data_fingerprint(rows(["a", "b"])) == "2 rows, 97e3663d833b3694"
    assert arrays_fingerprint([[np.array([1, 2]), np.array([3])]]) == "1 documents, dbed236f136f4bf2"


@pytest.mark.parametrize(
    "changed",
    [
        TEXTS[:-1],
        [*TEXTS, "one more"],
        [TEXTS[1], TEXTS[0], *TEXTS[2:]],
        [*TEXTS[:4095], TEXTS[4096], TEXTS[4095], *TEXTS[4097:]],  # on both sides of a batch
        [*TEXTS[:-1], "edited"],
        [*TEXTS[:4096][::-1], *TEXTS[4096:]],
    ],
)
def test_other_rows_have_another_one(changed: list[str]):
    assert data_fingerprint(rows(changed)) != data_fingerprint(rows())


def test_labels_count():
    assert data_fingerprint(rows(labels=[0] * 4999 + [1])) != data_fingerprint(rows())


def test_ragged_rows_numbers_and_truth_values():
    def made(words: list[list[str]], numbers: list[float]) -> str:
        ragged = {"words": tf.ragged.constant(words), "number": numbers, "is_new": [True] * len(numbers)}
        return data_fingerprint(tf.data.Dataset.from_tensor_slices(ragged))

    first = made([["a", "b"], ["c"]], [0.5, 1.5])
    assert first == made([["a", "b"], ["c"]], [0.5, 1.5])
    assert len({first, made([["a"], ["b", "c"]], [0.5, 1.5]), made([["a", "b"], ["c"]], [0.5, 1.25])}) == 3


def test_arrays():
    documents = [[np.array([1, 2]), np.array([3])], [np.array([4])]]
    others = ([[np.array([1, 2, 3])], [np.array([4])]], [documents[1], documents[0]], documents[:1])
    assert len({arrays_fingerprint(each) for each in (documents, *others)}) == 4


def test_changed_facts_are_named_and_gone_on_with_if_asked(tmp_path):
    state = RunState(tmp_path)
    state.place.update(step=6, data={"rows": "8 rows, aa", "batch_size": 16, "seed": 0})
    now = {"rows": "9 rows, ab", "batch_size": 32, "seed": 0}
    message = "rows: 8 rows, aa then, 9 rows, ab now; batch_size: 16 then, 32 now.*--resume=changed"
    with pytest.raises(InputError, match=message):
        check_facts(state, now, "auto", tmp_path)
    assert state.place["step"] == 6
    check_facts(state, now, "changed", tmp_path)
    assert state.place["step"] == 3
    check_facts(state, state.place["data"], "auto", tmp_path)


@pytest.mark.parametrize("count", [2, 30])
def test_other_labels_or_another_order_are_refused_in_any_case(count, tmp_path):
    labels = [f"class {index}" for index in range(count)]
    model, other = types.SimpleNamespace(labels=labels), types.SimpleNamespace(labels=labels[::-1])
    state = RunState(tmp_path)
    state.place["data"] = {"seed": 0, **labels_of(model)}
    check_facts(state, {"seed": 0, **labels_of(model)}, "auto", tmp_path)
    for resume in ("auto", "changed"):
        with pytest.raises(InputError, match=r"stand for other labels: .* then, .* now\. .*--labels"):
            check_facts(state, {"seed": 0, **labels_of(other)}, resume, tmp_path)
    state.place["data"] = {"seed": 0}  # as an earlier version kept it
    check_facts(state, {"seed": 0, **labels_of(model)}, "auto", tmp_path)
    assert labels_of(object()) == {}
