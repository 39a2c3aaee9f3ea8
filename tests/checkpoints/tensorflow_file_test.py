"""Which checkpoint of a folder is meant."""

import gc
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.checkpoints.tensorflow_file import Variables, find_prefix
from keras_bert.errors import InputError


def write(prefix, **values):
    prefix.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )


def test_one_of_several(tmp_path):
    with pytest.raises(InputError, match=r"expected bert_model\.ckpt\.index"):
        find_prefix(tmp_path)
    write(tmp_path / "model.ckpt-10", a=1.0)
    assert find_prefix(tmp_path) == tmp_path / "model.ckpt-10"
    write(tmp_path / "model.ckpt-20", a=2.0)
    with pytest.raises(InputError, match=r"several checkpoints .* name one: .*model\.ckpt-10, .*model\.ckpt-20"):
        find_prefix(tmp_path)
    assert find_prefix(tmp_path / "model.ckpt-10") == tmp_path / "model.ckpt-10"
    # as TensorFlow writes it, with the path of the machine where it was trained
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/gone/model.ckpt-20"\n')
    assert find_prefix(tmp_path) == tmp_path / "model.ckpt-20"


def test_variables(tmp_path):
    half = np.array([1.5, 2.5], "float16")
    write(tmp_path / "model.ckpt", weight=np.ones((2, 3), "float32"), half=half, step=np.int64(3))
    variables = Variables(tmp_path / "model.ckpt")
    assert list(variables) == ["half", "step", "weight"]
    assert "weight" in variables
    assert "other" not in variables
    assert variables.read("half").dtype == np.float32
    np.testing.assert_array_equal(variables.read("half"), half)
    assert variables.half_precision == ["half"]
    with pytest.raises(InputError, match="step is int64, expected floating-point"):
        variables.read("step")


@pytest.mark.parametrize(
    "place", ["b[1]/model.ckpt", "b*/model.ckpt", "b?/a b/model.ckpt", "model[1].ckpt", "中 b/model"]
)
def test_a_path_that_tensorflow_takes_for_a_pattern(tmp_path, monkeypatch, place):
    """Read all the same, and not what the pattern leads to."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "links"))
    (tmp_path / "links").mkdir()
    write(tmp_path / "b1" / "model.ckpt", a=np.float32(1.0))
    # Written elsewhere, as it was where it came from.
    write(tmp_path / "source" / "model", a=np.float32(2.0))
    target = tmp_path / place
    target.parent.mkdir(parents=True, exist_ok=True)
    for part in (tmp_path / "source").glob("model.*"):
        part.rename(target.parent / (target.name + part.name.removeprefix("model")))
    variables = Variables(find_prefix(target))
    assert variables.read("a") == 2.0
    del variables
    gc.collect()
    assert list((tmp_path / "links").iterdir()) == []


def test_files_that_cannot_be_read(tmp_path):
    write(tmp_path / "model.ckpt", weight=np.ones((2, 3), "float32"))
    (tmp_path / "model.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match=r"model\.ckpt") as error:
        Variables(tmp_path / "model.ckpt").read("weight")
    assert "\n" not in str(error.value)
    (tmp_path / "model.ckpt.index").write_bytes(b"no table")
    with pytest.raises(InputError, match="not a readable TensorFlow checkpoint"):
        Variables(tmp_path / "model.ckpt")
