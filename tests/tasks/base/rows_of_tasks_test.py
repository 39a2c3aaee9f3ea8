"""Tasks take rows as people have them, and weigh and name them alike."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import rows
from keras_bert.errors import InputError
from keras_bert.tasks.pooled.classifier import MULTI_LABEL
from tests.data.memory.rows_test import Frame
from tests.tasks import tiny

TEXTS, LABELS = tiny.TEXTS, tiny.LABELS
NUMBERS = [["negative", "neutral", "positive"].index(label) for label in LABELS]


@pytest.fixture(scope="module")
def model():
    return tiny.classifier()


def targets_of(model, given) -> list:
    return [np.asarray(part).tolist() for part in next(iter(model.batches(given, 8, keep_order=True)))[1:]]


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array(NUMBERS),
        [float(number) for number in NUMBERS],
        np.eye(3)[NUMBERS],
        np.eye(3, dtype=int)[NUMBERS],
    ],
    ids=["names", "integers", "floats", "one-hot", "one-hot integers"],
)
def test_labels_of_every_kind_are_the_same_classes(model, labels):
    assert targets_of(model, rows(TEXTS, labels)) == [NUMBERS]


@pytest.mark.parametrize("table", [dict, Frame])
def test_tables_and_data_sets_are_rows(model, table):
    assert targets_of(model, table({"text": TEXTS, "label": LABELS})) == [NUMBERS]
    assert targets_of(model, tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(3)) == [NUMBERS]
    assert model.evaluate_rows(table({"text": TEXTS, "label": LABELS})) == model.evaluate_rows(tiny.dataset(LABELS))


def test_answers_of_tables_arrays_and_tensors(model):
    expected = model.answer(TEXTS)
    for given in (np.array(TEXTS), tf.constant(TEXTS), Frame({"text": TEXTS}), {"text": TEXTS}, tiny.dataset(LABELS)):
        assert model.answer(given) == expected


def test_weights_weigh_rows():
    weights = [1.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    table = {"text": TEXTS, "label": LABELS, "weight": weights}
    assert targets_of(tiny.classifier(), table) == [NUMBERS, weights]
    weighted = tiny.classifier(class_weights={"negative": 2})
    factors = [2.0 if label == "negative" else 1.0 for label in LABELS]
    assert targets_of(weighted, table) == [NUMBERS, (np.array(weights) * factors).tolist()]
    # A row of weight 0 changes nothing, one of weight 2 counts as two.
    model = tiny.classifier(config=tiny.without_dropout())
    model.compile("sgd")
    inputs, targets, sample_weight = next(iter(model.batches(table, 8, keep_order=True)))
    chosen = [0, 2, 2, 3, 4, 5, 6]
    kept = {name: tf.gather(tensor, chosen) for name, tensor in inputs.items()}
    some = tf.constant([1.0] * 7)
    tail = sample_weight[:7]  # without the last row, whose weight is a half
    head = {name: tensor[:7] for name, tensor in inputs.items()}
    loss = model.compute_loss(y=targets[:7], y_pred=model(head), sample_weight=tail, training=False)
    same = model.compute_loss(y=tf.gather(targets, chosen), y_pred=model(kept), sample_weight=some, training=False)
    np.testing.assert_allclose(float(loss), float(same), rtol=1e-5)


def test_labels_and_weights_are_named_alike():
    model = tiny.classifier(labels=[1, 2.0, "3.0"], class_weights={3: 5})
    assert model.labels == ("1", "2", "3")
    assert model.class_weights == {"3": 5.0}
    assert targets_of(model, rows(TEXTS[:3], ["3", "1.0", " 2"])) == [[2, 0, 1], [5.0, 1.0, 1.0]]
    with pytest.raises(InputError, match="labels is one string, 'neg'; pass a list"):
        tiny.classifier(labels="neg")


def test_several_labels_as_lists_or_as_zeros_and_ones():
    model = tiny.classifier(problem_type=MULTI_LABEL)
    expected = [[[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]
    assert targets_of(model, rows(TEXTS[:2], [["positive", "negative"], []])) == expected
    assert targets_of(model, rows(TEXTS[:2], [[1, 0, 1], [0, 0, 0]])) == expected
    with pytest.raises(InputError, match="the label of a row is a list of names"):
        targets_of(model, rows(TEXTS[:2], ["positive", "negative"]))


def test_what_a_task_cannot_learn_from_gets_one_line(model):
    with pytest.raises(InputError, match="rows have several labels"):
        targets_of(model, rows(TEXTS[:2], [["positive"], []]))
    with pytest.raises(InputError, match="a number to predict"):
        targets_of(tiny.regressor(), rows(TEXTS, LABELS))
    with pytest.raises(InputError, match="leave out the column 'weight'"):
        tiny.embedder().batches({"text": TEXTS, "text_pair": tiny.PAIRS, "weight": [1.0] * 8})
    for wrong in (TEXTS, rows(TEXTS, LABELS), Frame({"text": TEXTS})):
        with pytest.raises(InputError, match="fit, evaluate and predict take batches of numbers"):
            model.fit(wrong)
        with pytest.raises(InputError, match="fit, evaluate and predict take batches of numbers"):
            model.predict(wrong)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["positive", "positiv", "neutral"], {}, "row 1: unknown label 'positiv'; expected one of negative, neutral"),
        ([0, 1, 3], {}, "row 2: unknown label 3; expected one of .* or its number, 0 to 2"),
        ([0, -1, 3], {}, "row 1: unknown label -1"),
        ([0.0, 1.0, 0.5], {}, "row 2: unknown label 0.5"),
        ([[0, 1, 0], [1, 1, 0], [0, 0, 0]], {}, r"row 1: unknown label \[1.0, 1.0, 0.0\]; .* and a single 1"),
        ([["positive"], [], ["neutral", "odd"]], {"problem_type": MULTI_LABEL}, "row 2: unknown label 'odd'"),
        ([[0, 1, 0], [1, 0.5, 0], [0, 0, 0]], {"problem_type": MULTI_LABEL}, r"row 1: unknown label \[1.0, 0.5, 0.0\]"),
    ],
)
def test_an_unknown_label_is_named_with_its_row(labels, options, message):
    model = tiny.classifier(**options)
    for call in (model.batches, model.evaluate_rows):
        with pytest.raises(InputError, match=message) as error:
            call({"text": TEXTS[:3], "label": labels})
        assert "\n" not in str(error.value)


def test_what_fit_would_pass_over_is_refused(model):
    model.compile()
    with pytest.raises(InputError, match=r"does nothing with shuffle=; .* model.batches\(rows, shuffle=True\)"):
        model.fit(model.batches(tiny.dataset(LABELS)), shuffle=True)
    with pytest.raises(InputError, match=r"model.batches\(rows, batch_size=4\)"):
        model.fit(model.batches(tiny.dataset(LABELS)), batch_size=4)
    with pytest.raises(InputError, match="these batches have no targets"):
        model.fit(model.batches(TEXTS))


def test_what_a_call_would_pass_over_is_refused(model):
    inputs = model.preprocessor(TEXTS[:1])
    more = {**inputs, "position_ids": inputs["segment_ids"]}
    for part in (model, model.encoder):
        with pytest.raises(InputError, match=r"Bert\w+ has no input 'position_ids'; its inputs are: .*token_ids"):
            part(more)
        with pytest.raises(InputError, match=r"a call of Bert\w+ takes no argument 'trainin'; did you mean 'training'"):
            part(inputs, trainin=True)
    with pytest.raises(InputError, match="no input 'attention_mask'"):
        model({**inputs, "attention_mask": inputs["padding_mask"]})
    with pytest.raises(InputError, match="a call of BertPreprocessor takes no argument 'max_length'"):
        model.preprocessor(TEXTS, max_length=3)
    with pytest.raises(InputError, match="a call of BertTokenizer takes no argument 'lowercase'"):
        model.tokenizer(TEXTS, lowercase=False)
    with pytest.raises(InputError, match="take batches of numbers"):
        model(TEXTS)


@pytest.mark.parametrize("size", [0, -1, 2.5, "32", None, True])
def test_batches_of_no_size(model, size):
    for call in (model.batches, model.evaluate_rows):
        with pytest.raises(InputError, match=r"batch_size .*: expected a whole number of 1 or more"):
            call(tiny.dataset(LABELS), size)
    with pytest.raises(InputError, match=r"batch_size .*: expected a whole number of 1 or more"):
        model.answer(TEXTS, size)


def test_an_embedder_learns_from_pairs_in_any_form():
    model = tiny.embedder()
    pairs = list(zip(TEXTS, tiny.PAIRS, strict=True))
    first = model.evaluate_rows(pairs)
    assert first == model.evaluate_rows(rows(TEXTS, text_pairs=tiny.PAIRS))
    np.testing.assert_array_equal(model.embed(np.array(TEXTS)), model.embed(TEXTS))
