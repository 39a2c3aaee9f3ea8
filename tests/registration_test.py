"""Saved models open after `import keras_bert` alone, whichever of it and Keras is imported first."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_bert.encoder import BertEncoder
from keras_bert.registration import MODULES, PACKAGE, _KerasFinder, register
from tests.forked_process import run_forked
from tests.tasks import tiny

ROOT = Path(__file__).resolve().parents[1]
WRITTEN_EARLIER = Path(__file__).parent / "tasks" / "written_earlier"

# Opens models in a process that has imported no class of the package, and says what they give.
OPEN = """
import sys
{imports}
assert not [name for name in sys.modules if name.startswith("keras_bert.") and name.count(".") > 1]
import json, numpy
model = keras.saving.load_model(sys.argv[1])
ids = numpy.array([[2, 6, 7, 3]], "int32")
inputs = {{"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}}
print(json.dumps(numpy.asarray(model(inputs)).tolist()), model.optimizer.__class__.__name__)
print(keras.saving.load_model(sys.argv[2]).answer(["good film"])[0]["label"])
"""


@pytest.fixture(scope="module")
def own_model(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A model of the user's own around the encoder, compiled with the package's optimizer, and what it gives."""
    encoder = BertEncoder(tiny.config(), name="bert")
    encoder.blocks[1].attention.trainable = False
    outputs = keras.layers.Dense(2, name="own")(encoder(encoder.input)["pooled_output"])
    model = keras.Model(encoder.input, outputs)
    from keras_bert.training import adamw

    model.compile(adamw(1e-3, steps=10), loss="mse")
    path = tmp_path_factory.mktemp("own") / "own.keras"
    model.save(path)
    ids = np.array([[2, 6, 7, 3]], "int32")
    return path, np.asarray(model({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1}))


@pytest.mark.parametrize("imports", ["import keras, keras_bert", "import keras_bert, keras"])
def test_a_saved_model_opens_in_a_new_process(own_model, imports):
    path, expected = own_model
    script, files = OPEN.format(imports=imports), [path, WRITTEN_EARLIER / "classifier.keras"]
    if imports == "import keras_bert, keras":  # TensorFlow imports Keras: nothing is imported here
        done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, cwd=ROOT)
    else:
        done = run_forked(script, *files)
    assert done.returncode == 0, done.stderr[-2000:]
    first, label = done.stdout.strip().splitlines()[-2:]
    values, optimizer = first.rsplit(" ", 1)
    np.testing.assert_allclose(np.array(json.loads(values)), expected, atol=1e-6)
    assert optimizer == "AdamW"
    assert label in ("negative", "neutral", "positive")


def test_stand_ins_are_registered_and_give_way_to_the_classes():
    found = keras.saving.get_custom_objects()
    assert {f"{PACKAGE}>{name}" for name in MODULES} <= set(found)
    assert found["keras_bert>BertEncoder"] is BertEncoder


def test_importing_twice_watches_once(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    register()
    register()
    assert sum(isinstance(finder, _KerasFinder) for finder in sys.meta_path) == 1


def test_looking_for_keras_without_importing_it_changes_nothing(tmp_path):
    """Packages ask `find_spec("keras")` to learn whether it is installed; the import comes later."""
    (tmp_path / "keras.py").write_text(
        "import types\nobjects = {}\nsaving = types.SimpleNamespace(get_custom_objects=lambda: objects)\n"
    )
    code = (
        "import importlib.util, sys, keras_bert\n"
        "assert 'keras' not in sys.modules\n"
        "assert importlib.util.find_spec('keras') and importlib.util.find_spec('json')\n"
        "import keras\n"
        "print(len(keras.objects), any(type(finder).__name__ == '_KerasFinder' for finder in sys.meta_path))\n"
        "print(type(keras.__loader__).__name__, 'exec_module' in vars(keras.__loader__))\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(MODULES)), "False", "SourceFileLoader", "False"]


def test_without_keras_the_import_fails_as_ever(monkeypatch):
    finder = _KerasFinder()
    monkeypatch.setattr(sys, "meta_path", [finder])
    assert finder.find_spec("keras") is None
    assert finder.find_spec("numpy") is None


def test_freezing_inside_layers_and_heads_is_kept(tmp_path):
    model = tiny.classifier()
    model.encoder.blocks[0].attention.qkv.trainable = False
    model.encoder.embeddings.trainable = False
    model.classifier.bias.trainable = False
    model.encoder.pooler.trainable = False
    model.compile(keras.optimizers.SGD(0.1))
    path = tmp_path / "frozen.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)

    def state(task) -> dict[str, bool]:
        return {weight.path.split("/", 1)[-1]: weight.trainable for weight in task.weights}

    assert state(loaded) == state(model)
    assert len(loaded.trainable_weights) == len(model.trainable_weights) < len(model.weights)
    assert not loaded.encoder.blocks[0].attention.qkv.trainable
    assert not loaded.encoder.embeddings.trainable
    assert loaded.encoder.blocks[0].trainable
    assert loaded.trainable
