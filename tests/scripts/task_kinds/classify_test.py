"""`--task=classify`: classes, and their weights, from the rows."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_bert.checkpoints import open_checkpoint
from keras_bert.data import read
from keras_bert.data.sources.labels import label_counts
from tests.scripts.programs import imported, run_program, save_classifier, write_table


def test_balanced_class_weights_are_those_of_scikit_learn(tmp_path: Path):
    labels = ["a"] * 5 + ["b"] * 2 + ["c"]
    path = write_table(tmp_path / "train.tsv", ("text", "label"), [("x", label) for label in labels])
    with imported("task_kinds.classify") as module:
        module.FLAGS(["finetune", "--class_weights=balanced"])
        weights = module.class_weights(label_counts(read(path, label="label")), ["a", "b", "c", "none"])
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


def test_training_goes_on_without_the_calibration_of_its_preset(tmp_path: Path):
    preset = save_classifier(tmp_path / "model", temperature=2.0, abstain_below=0.9)
    path = write_table(tmp_path / "train.tsv", ("text", "label"), [("film", "bad"), ("food", "good")])
    with imported("finetune") as module:
        module.FLAGS(["finetune", "--max_length=24"])
        kind = module.KINDS["classify"]
        task = kind.build(open_checkpoint(str(preset)), kind.read(str(path)), ["bad", "good"])
    assert (task.temperature, task.abstain_below) == (1, 0)


def test_rows_without_the_markers_of_relations_are_named(encoder: Path, tmp_path: Path):
    lines = [("<e1>film</e1> was <e2>good</e2>", "A(e1,e2)"), ("<e2>film</e2> was good", "Other")]
    path = write_table(tmp_path / "rows.tsv", ("text", "label"), lines)
    flags = ["--task=classify", "--pooling=markers", f"--preset={encoder}", f"--output={tmp_path}/run", "--noplots"]
    error = run_program("finetune", *flags, f"--train={path}", "--max_length=32").error
    assert "rows.tsv, row 2: mark both entities, <e1>...</e1> and <e2>...</e2>; the text is: <e2>film" in error
    write_table(path, ("text", "label"), [lines[0], (f"<e1>film</e1>{' very' * 20} <e2>good</e2>", "Other")])
    error = run_program("finetune", *flags, f"--train={path}", "--max_length=16").error
    assert "rows.tsv, row 2: a marker is beyond the first 16 tokens; raise --max_length" in error
