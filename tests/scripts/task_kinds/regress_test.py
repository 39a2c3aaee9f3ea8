"""`--task=regress`: numbers from the rows."""

from pathlib import Path

from tests.scripts.programs import imported, write_table


def test_the_label_is_a_number(tmp_path: Path):
    path = write_table(tmp_path / "train.tsv", ("text", "label"), [("x", "1.5"), ("y", "-2")])
    with imported("task_kinds.regress") as module:
        module.FLAGS(["finetune"])
        kind = module.Regress()
        train = kind.read(str(path))
        assert kind.labels(train) is None
        assert [float(row["label"]) for row in train] == [1.5, -2.0]
