"""What opens of a checkpoint, and what starts afresh, in each task that reads one vector a text."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.tasks import BertClassifier, BertMultipleChoice, BertRegressor
from tests.tasks import tiny

TASKS = {
    BertClassifier: lambda: tiny.classifier(),
    BertRegressor: lambda: tiny.make(BertRegressor),
    BertMultipleChoice: lambda: tiny.make(BertMultipleChoice),
}


@pytest.mark.parametrize("task", TASKS)
def test_only_the_pooler_starts_afresh_where_it_is_asked_for(task: type, tmp_path: Path):
    model = TASKS[task]()
    model.save_preset(tmp_path / "model")
    for new_pooler in (False, True):
        again = task.from_preset(tmp_path / "model", new_pooler=new_pooler)
        assert again.pooling == "pooler"
        differing = {
            weight.name
            for weight, ours in zip(again.weights_by_name(), model.weights_by_name(), strict=True)
            if not np.array_equal(weight.read(), ours.read())
        }
        expected = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"} if new_pooler else set()
        assert differing <= expected
        assert ("bert.pooler.dense.weight" in differing) == new_pooler
