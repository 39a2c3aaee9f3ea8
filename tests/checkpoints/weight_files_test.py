"""Weight files: which one is taken, and that a pickle is opened safely or not at all."""

import sys
import types
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_bert.checkpoints import open_checkpoint
from keras_bert.checkpoints.weight_files import find_weight_files, read_weights
from keras_bert.errors import InputError
from tests.checkpoints import small


def test_safetensors_come_first(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert [path.name for path in find_weight_files(tmp_path)] == ["pytorch_model.bin"]
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert [path.name for path in find_weight_files(tmp_path)] == ["model.safetensors"]


def test_no_weights_says_what_is_there(tmp_path):
    (tmp_path / "tf_model.h5").write_bytes(b"")
    with pytest.raises(InputError, match=r"no model\.safetensors .*holds: tf_model\.h5"):
        find_weight_files(tmp_path)


@pytest.mark.parametrize("size", [0, 4, 50, -1])
def test_truncated_at_any_place(tmp_path, size):
    path = tmp_path / "model.safetensors"
    save_file({"a": np.ones(100, "float32")}, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"model\.safetensors: truncated or damaged .*fetch it again") as error:
        list(read_weights(path))
    assert "\n" not in str(error.value)


def test_a_pickle_without_torch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pytorch_model\.bin: a pickle.*install torch, or save the model as"):
        list(read_weights(tmp_path / "pytorch_model.bin"))


def test_a_pickle_is_opened_with_weights_only(tmp_path, monkeypatch):
    asked = {}

    def load(path, **options):
        asked.update(options)
        raise RuntimeError("Weights only load failed.\nmore lines")

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    with pytest.raises(InputError, match=r"weights_only=True\) refuses it: Weights only load failed\.$"):
        list(read_weights(tmp_path / "pytorch_model.bin"))
    assert asked == {"map_location": "cpu", "weights_only": True}


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_pickle_read_by_torch(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    folder = small.write_hugging_face(tmp_path, small.tensors())
    (folder / "model.safetensors").unlink()
    state = {name: torch.tensor(value).to(getattr(torch, dtype)) for name, value in small.tensors().items()}
    state["bert.embeddings.position_ids"] = torch.arange(16)[None]
    torch.save(state, folder / "pytorch_model.bin")
    checkpoint = open_checkpoint(folder)
    for name, value in small.tensors().items():
        tolerance = 0 if dtype == "float32" else 2e-2
        np.testing.assert_allclose(checkpoint.tensors[name], value, atol=tolerance, rtol=tolerance)
    assert any("became float32" in note for note in checkpoint.notes) == (dtype != "float32")


@pytest.mark.parity
def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    torch = pytest.importorskip("torch")

    class Evil:
        def __reduce__(self):
            return print, ("ran",)

    folder = small.write_hugging_face(tmp_path, small.tensors())
    (folder / "model.safetensors").unlink()
    torch.save({"a": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="refuses it") as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_pickle_of_packed_parts_is_refused(way, tmp_path):
    """PyTorch never packs them, and reads them all the same: 0.8 MB became 800 MB."""
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("archive/data/0", b"\0" * 100_000)
    with pytest.raises(InputError, match=r"pytorch_model\.bin: archive/data/0 is packed or larger than the file"):
        list(read_weights(path))
    path.write_bytes(path.read_bytes()[:-30] + b"\0" * 30)
    with pytest.raises(InputError, match=r"pytorch_model\.bin: "):
        list(read_weights(path))


def test_a_list_of_parts_that_says_more_than_the_file_holds(tmp_path):
    """Many parts may share the same bytes."""
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data/0", b"\0" * 5000)
        archive.filelist += [archive.filelist[0]] * 9
    with pytest.raises(InputError, match="its list of parts is packed or larger than the file"):
        list(read_weights(path))
