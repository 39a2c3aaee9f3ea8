"""`--task=classify`: classes, and their weights, from the rows."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_bert.data import read
from tests.scripts.programs import imported, write_table


def test_balanced_class_weights_are_those_of_scikit_learn(tmp_path: Path):
    labels = ["a"] * 5 + ["b"] * 2 + ["c"]
    path = write_table(tmp_path / "train.tsv", ("text", "label"), [("x", label) for label in labels])
    with imported("task_kinds.classify") as module:
        module.FLAGS(["finetune", "--class_weights=balanced"])
        weights = module.class_weights(read(path, label="label"), ["a", "b", "c", "none"])
    expected = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=labels) * 3 / 4
    assert weights == pytest.approx(dict(zip("abc", expected, strict=True)))


def test_the_classes_are_those_of_the_rows_sorted(tmp_path: Path):
    path = write_table(tmp_path / "train.tsv", ("text", "label"), [("x", "b"), ("y", "a"), ("z", "b")])
    with imported("task_kinds.classify") as module:
        module.FLAGS(["finetune"])
        kind = module.Classify()
        train = kind.read(str(path))
        assert kind.labels(train) == ["a", "b"]
        assert sorted(row["label"] for row in train.as_numpy_iterator()) == [b"a", b"b", b"b"]
