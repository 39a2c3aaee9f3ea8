"""Keras' HDF5 weight files: their arrays by name, of which nothing may come from elsewhere."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_bert.errors import InputError

_LARGEST = 2**40  # bytes; more than any BERT's table, and small enough to count with


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """An array of a file, not read yet.

    Attributes:
        path: The file.
        name: Its path in the file.
        shape: Its shape.
        dtype: Its dtype.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self) -> np.ndarray:
        """Reads the numbers.

        Raises:
            InputError: They are no floating-point numbers, or the file is damaged.
        """
        if self.dtype.kind != "f":
            raise InputError(f"{self.path}, {self.name}: {self.dtype}, expected floating-point weights")
        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[self.name])
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            raise _damaged(self.path, error) from None


def list_arrays(path: Path) -> list[StoredArray]:
    """Lists the arrays of a file and reads none of them.

    HDF5 can take the bytes of an array from another file (external storage, virtual arrays, links): a model from a
    stranger would then hold what lies on this machine, and give it away when it is saved. It can also say a shape
    and store next to nothing of it. Keras writes neither.

    Raises:
        InputError: The file is damaged, or an array is not stored in it in full.
    """
    arrays: list[StoredArray] = []

    seen: set[int] = set()
    try:
        with h5py.File(path, "r") as file:
            groups: list[tuple[str, Any]] = [("", file)]
            while groups:  # not h5py's `visititems`, which passes over links
                parent, group = groups.pop()
                for key in group:
                    name = f"{parent}{key}"
                    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                        raise InputError(f"{path}, {name}: a link to another place, not an array")
                    item = group[key]
                    address = h5py.h5o.get_info(item.id).addr
                    if address in seen:  # a second name of it, or a group that holds itself
                        continue
                    seen.add(address)
                    if isinstance(item, h5py.Group):
                        groups.append((f"{name}/", item))
                    elif isinstance(item, h5py.Dataset):
                        _check_stored_here(path, name, item)
                        arrays.append(StoredArray(path, name, tuple(item.shape or ()), item.dtype))
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, error) from None
    return arrays


def _check_stored_here(path: Path, name: str, dataset: Any) -> None:
    layout = dataset.id.get_create_plist()
    if layout.get_external_count() or layout.get_layout() == h5py.h5d.VIRTUAL:
        raise InputError(f"{path}, {name}: its numbers lie in another file; a model's own file must hold them")
    if layout.get_nfilters():
        # One chunk, however small the array, may unpack to 4 GiB; and a filter is code that is looked for on the disk.
        names = ", ".join(
            layout.get_filter(index)[3].decode("utf-8", "replace") for index in range(layout.get_nfilters())
        )
        raise InputError(f"{path}, {name}: is stored by way of a filter ({names}); Keras writes weights as they are")
    size = 0 if dataset.shape is None else math.prod(dataset.shape) * dataset.dtype.itemsize
    if size > _LARGEST or size > dataset.id.get_storage_size():
        raise InputError(
            f"{path}, {name}: of {size:,} bytes, which its shape needs, the file stores "
            f"{dataset.id.get_storage_size():,}; Keras writes weights in full"
        )


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: truncated or damaged ({path.stat().st_size} bytes; {error}); fetch it again")
