"""Importance: the gradient of a factor before each head and column, and what cannot matter has none."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.compression import measure_importance
from keras_bert.errors import InputError
from tests.tasks import tiny

ROWS = tiny.dataset(tiny.LABELS)


def loss_of(task, batch) -> float:
    x, y = batch
    return float(task.compute_loss(x, y, task(x, training=False), training=False))


def test_it_is_how_the_loss_changes():
    task = tiny.classifier(config=tiny.config(num_hidden_layers=1))
    found = measure_importance(task, ROWS, batch_size=8)
    assert (found.columns.shape, found.heads.shape, found.rows) == ((1, 64), (1, 4), 8)
    batch = next(iter(task.batches(ROWS, 8)))
    block = task.encoder.blocks[0]
    for layer, rows, value in (
        (block.output_dense, slice(5, 6), found.columns[0, 5]),
        (block.attention.output_dense, slice(8, 16), found.heads[0, 1]),
    ):
        kernel = layer.kernel.numpy()
        losses = []
        for factor in (0.98, 1.02):
            changed = kernel.copy()
            changed[rows] *= factor
            layer.kernel.assign(changed)
            losses.append(loss_of(task, batch))
        layer.kernel.assign(kernel)
        assert value / 8 == pytest.approx(abs(losses[1] - losses[0]) / 0.04, rel=2e-2, abs=1e-4)


def test_columns_that_nothing_reads_have_none(tmp_path: Path):
    task = tiny.classifier(config=tiny.config(num_hidden_layers=1))
    kernel = task.encoder.blocks[0].output_dense.kernel
    kernel.assign(np.where(np.arange(64)[:, None] < 32, 0, kernel.numpy()))
    found = measure_importance(task, ROWS, batch_size=3)
    assert not found.columns[0, :32].any()
    assert (found.columns[0, 32:] > 0).sum() > 28
    found.plot(tmp_path / "importance.png")
    assert (tmp_path / "importance.png").read_bytes().startswith(b"\x89PNG")


def test_no_rows_and_no_task():
    task = tiny.classifier()
    with pytest.raises(InputError, match="there are no rows"):
        measure_importance(task, ROWS.take(0))
    with pytest.raises(InputError, match="which BertEncoder has not"):
        measure_importance(task.encoder, ROWS)
