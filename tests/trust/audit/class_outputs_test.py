"""Outputs come in the order of the rows, whatever their lengths; other tasks are refused by name."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.pooled.head import MULTI_LABEL
from keras_bert.trust.audit.class_outputs import check_classifier, class_outputs
from tests.tasks import tiny


def test_the_order_is_that_of_the_rows():
    task = tiny.classifier(config=tiny.config(num_hidden_layers=1))
    found = class_outputs(task, tiny.dataset(tiny.LABELS), batch_size=3)
    expected = task(task.preprocessor(tf.constant(tiny.TEXTS))).numpy()
    assert found.logits == pytest.approx(expected, abs=1e-5)
    assert [task.labels[number] for number in found.targets] == tiny.LABELS
    assert [text for (text,) in found.texts] == tiny.TEXTS
    assert found.predicted.tolist() == expected.argmax(axis=1).tolist()


def test_pairs_with_several_labels():
    task = tiny.classifier(problem_type=MULTI_LABEL, text_pair=True, config=tiny.config(num_hidden_layers=1))
    labels = [["positive"], [], ["neutral", "negative"], ["positive"]] * 2
    found = class_outputs(task, tiny.dataset(labels, tiny.PAIRS), batch_size=3)
    assert found.targets.tolist() == np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0], [0, 0, 1]] * 2).tolist()
    assert found.texts[1] == (tiny.TEXTS[1], tiny.PAIRS[1])
    with pytest.raises(InputError, match="'labels' is for rows with one label each"):
        check_classifier(task, "labels", several=False)


def test_what_is_refused():
    with pytest.raises(InputError, match="'groups' is for classifiers; this model is a BertRegressor"):
        check_classifier(tiny.regressor(config=tiny.config(num_hidden_layers=1)), "groups")
    task = tiny.classifier(config=tiny.config(num_hidden_layers=1))
    with pytest.raises(InputError, match="the rows have no label"):
        class_outputs(task, tiny.dataset())
    with pytest.raises(InputError, match="there are no rows"):
        class_outputs(task, tiny.dataset(tiny.LABELS).take(0))
