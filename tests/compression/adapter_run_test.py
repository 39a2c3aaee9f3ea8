"""A run that keeps adapters: its model is a PEFT folder, the best of its epochs comes back."""

import json
from pathlib import Path

import numpy as np

from keras_bert.checkpoints.peft_folder import is_adapter
from keras_bert.compression import AdapterRun, add_adapters
from keras_bert.tasks import open_task
from keras_bert.training import adamw
from tests.compression.adapters_test import outputs
from tests.tasks import tiny


def test_the_best_epoch_comes_back_as_adapters(tmp_path: Path):
    tiny.classifier(config=tiny.without_dropout()).save_preset(tmp_path / "base")
    model = add_adapters(open_task(tmp_path / "base"), rank=2)
    kernel = model.encoder.blocks[0].attention.qkv.kernel.numpy()
    model.compile(adamw(3e-2, steps=6))
    rows = tiny.dataset(tiny.LABELS)
    run = AdapterRun(tmp_path / "run", model, rows, rows, epochs=3, batch_size=4, plots=False, verbose=0)
    run.train()
    assert is_adapter(tmp_path / "run" / "model")
    np.testing.assert_allclose(outputs(open_task(tmp_path / "run" / "model")), outputs(model), atol=1e-5)
    np.testing.assert_array_equal(model.encoder.blocks[0].attention.qkv.kernel.numpy(), kernel)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["dev"]["accuracy"] == run.best["val_accuracy"]
