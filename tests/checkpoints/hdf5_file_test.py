"""Nothing of an HDF5 file comes from elsewhere, and no shape is believed before it is checked."""

import time

import h5py
import numpy as np
import pytest

from keras_bert.checkpoints.hdf5_file import list_arrays
from keras_bert.errors import InputError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


def test_arrays_are_listed_and_read(path):
    values = np.arange(6, dtype="float16").reshape(2, 3)
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = values
        file["optimizer/vars/0"] = np.int64(3)
    by_name = {array.name: array for array in list_arrays(path)}
    array = by_name["layers/dense/vars/0"]
    assert (array.shape, array.dtype) == ((2, 3), np.float16)
    np.testing.assert_array_equal(array.read(), values)
    with pytest.raises(InputError, match=r"optimizer/vars/0: int64, expected floating-point"):
        by_name["optimizer/vars/0"].read()


def write_external(file, secret):
    file.create_dataset("layers/dense/vars/0", (8,), "float32", external=[(str(secret), 0, 32)])


def write_virtual(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["a"] = np.ones(8, "float32")
    layout = h5py.VirtualLayout((8,), "float32")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "a", (8,))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def write_external_link(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["a"] = np.ones(8, "float32")
    file["layers/dense/vars/0"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "a")


def write_soft_link(file, secret):
    file["a"] = np.ones(8, "float32")
    file["layers/dense/vars/0"] = h5py.SoftLink("/a")


@pytest.mark.parametrize("write", [write_external, write_virtual, write_external_link, write_soft_link])
def test_what_lies_elsewhere_is_refused(path, tmp_path, write):
    secret = tmp_path / "secret"
    secret.write_bytes(b"password" * 4)
    with h5py.File(path, "w") as file:
        write(file, secret)
    with pytest.raises(InputError, match=r"model\.weights\.h5, layers/dense/vars/0: (its numbers lie in|a link to)"):
        list_arrays(path)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (2**20, 2**20)},
        {"shape": (2**40,), "chunks": (1024,)},
    ],
)
def test_shapes_that_lie_are_refused_at_once(path, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", dtype="float32", **options)
    assert path.stat().st_size < 100_000
    began = time.perf_counter()
    with pytest.raises(
        InputError, match=r"layers/dense/vars/0: of [\d,]+ bytes, which its shape needs, the file stores"
    ):
        list_arrays(path)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (2**20,), "compression": "gzip"},
        {"chunks": (4,), "fletcher32": True},
        {"chunks": (4,), "shuffle": True},
        {"chunks": (4,), "compression": "lzf"},
    ],
)
def test_filters_are_refused(path, options):
    """A chunk may be much larger than its array: 1 MB of one has 1 GiB unpacked."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", dtype="float32", maxshape=(None,), data=np.ones(4, "float32"), **options)
    with pytest.raises(InputError, match=r"model\.weights\.h5, a: is stored by way of a filter \(\w+\)"):
        list_arrays(path)


def test_odd_files(path):
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"model\.weights\.h5: truncated or damaged \(7 bytes"):
        list_arrays(path)
    with h5py.File(path, "w") as file:
        file["a"] = file  # a group that holds itself
        file["b"] = h5py.Empty("float32")
        file["c"] = "text"
    arrays = {array.name: array for array in list_arrays(path)}
    assert set(arrays) == {"b", "c"}
    with pytest.raises(InputError, match="truncated or damaged"):
        arrays["b"].read()
    with pytest.raises(InputError, match="c: object, expected floating-point"):
        arrays["c"].read()
