"""Hugging Face's weight files: safetensors and, through safe loading only, PyTorch's own."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, read_json_value

SAFETENSORS = "model.safetensors"
PYTORCH = "pytorch_model.bin"


class StoredTensor(NamedTuple):
    """A tensor of a file: its name, the dtype that it is stored in, and its numbers."""

    name: str
    dtype: str
    array: np.ndarray


def find_weight_files(folder: Path) -> list[Path]:
    """Finds the weight files of a folder, shards included; safetensors before PyTorch's.

    Raises:
        InputError: There is none, or a shard that the index names is missing.
    """
    for name in (SAFETENSORS, PYTORCH):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _shards(index)
    present = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())[:8]) or "nothing"
    raise InputError(f"{folder}: no {SAFETENSORS} (nor {PYTORCH}) there; the folder holds: {present}")


def read_weights(path: Path) -> Iterator[StoredTensor]:
    """Yields the tensors of one file.

    Raises:
        InputError: The file is truncated or damaged, or is a `.bin` that cannot be read safely here.
    """
    if path.suffix == ".safetensors":
        yield from _read_safetensors(path)
    else:
        yield from _read_pytorch(path)


def _shards(index: Path) -> list[Path]:
    fields = read_json_value(index)
    weight_map = fields.get("weight_map") if isinstance(fields, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise InputError(f"{index}: not an index of shards; expected a JSON object with weight_map")
    shards = sorted({inside(index.parent, name, index) for name in weight_map.values()})
    for shard in shards:
        if not shard.is_file():
            raise InputError(f"{index}: names {shard.relative_to(index.parent)}, which is not in the folder")
    return shards


def _read_safetensors(path: Path) -> Iterator[StoredTensor]:
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 -- no mapping
                array = file.get_tensor(name)
                yield StoredTensor(name, array.dtype.name, array)
    except SafetensorError as error:
        raise InputError(
            f"{path}: truncated or damaged ({path.stat().st_size} bytes; {error}); fetch it again"
        ) from None
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: holds a kind of number that numpy has not ({error})") from None


def _read_pytorch(path: Path) -> Iterator[StoredTensor]:
    """Reads a PyTorch file with `weights_only`, which builds tensors and runs nothing else of the pickle."""
    try:
        import torch
    except ImportError:
        raise InputError(
            f"{path}: a pickle, which may run any code, so it is read by torch.load(weights_only=True) only and "
            f"torch is not installed; install torch, or save the model as {SAFETENSORS} with transformers: "
            "AutoModel.from_pretrained(...).save_pretrained(...)"
        ) from None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: torch.load(weights_only=True) refuses it: {reason}") from None
    for name, tensor in state.items():
        if not isinstance(tensor, torch.Tensor):
            raise InputError(f"{path}: {name} is {type(tensor).__name__}; expected a file of tensors")
        dtype = str(tensor.dtype).removeprefix("torch.")
        # numpy has no bfloat16, so half precision is widened here
        yield StoredTensor(name, dtype, (tensor.float() if tensor.is_floating_point() else tensor).numpy())
