"""Hugging Face's weight files: safetensors and, through safe loading only, PyTorch's own."""

import functools
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from keras_bert.errors import InputError
from keras_bert.foreign_files import inside, read_json_value

SAFETENSORS = "model.safetensors"
PYTORCH = "pytorch_model.bin"

# safetensors' words for the dtypes that numpy (with ml_dtypes) has; others stay as they are.
_SAFETENSORS_DTYPES = {"BF16": "bfloat16", "BOOL": "bool"} | {
    f"{letter}{bits}": f"{kind}{bits}"
    for letter, kind in (("F", "float"), ("I", "int"), ("U", "uint"))
    for bits in (8, 16, 32, 64)
    if (letter, bits) != ("F", 8)
}


class StoredTensor(NamedTuple):
    """A tensor of a file, not read yet.

    Attributes:
        name: Its name in the file.
        dtype: The dtype that it is stored in, in numpy's words; one that numpy has not in the file's.
        shape: Its shape.
        read: Gives its numbers; bfloat16 may have become float32.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]


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
    """Yields the tensors of one file by name, dtype and shape; the numbers are read on demand.

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
        file = safe_open(path, framework="numpy")
        for name in file.keys():  # noqa: SIM118 -- no mapping
            part = file.get_slice(name)
            kind = part.get_dtype()
            yield StoredTensor(
                name,
                _SAFETENSORS_DTYPES.get(kind, kind),
                tuple(part.get_shape()),
                functools.partial(_read_one, file, name, path),
            )
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: truncated or damaged ({path.stat().st_size} bytes; {error}); fetch it again"
        ) from None


def _read_one(file: Any, name: str, path: Path) -> np.ndarray:
    try:
        return file.get_tensor(name)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: {name} cannot be read ({error}); fetch it again") from None


def _read_pytorch(path: Path) -> Iterator[StoredTensor]:
    """Reads a PyTorch file with `weights_only`, which builds tensors and runs nothing else of the pickle."""
    _check_not_packed(path)
    try:
        import torch
    except ImportError:
        raise InputError(
            f"{path}: a pickle, which may run any code, so it is read by torch.load(weights_only=True) only and "
            f"torch is not installed; install torch, or save the model as {SAFETENSORS} with transformers: "
            "AutoModel.from_pretrained(...).save_pretrained(...)"
        ) from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 -- a damaged pickle makes torch stumble in many ways
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: torch.load(weights_only=True) refuses it: {reason}") from None
    if not isinstance(state, Mapping):
        raise InputError(f"{path}: holds a {type(state).__name__}; expected a file of tensors by their names")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            way_out = f"; a checkpoint of a training: save its {name!r} alone" if isinstance(tensor, Mapping) else ""
            raise InputError(f"{path}: {name!r} is {type(tensor).__name__}; expected a file of tensors{way_out}")
        dtype, shape = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
        # A stride of 0 shows one number as a table of any size.
        stored = tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_quantized
        if not stored or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
            raise InputError(f"{path}: {name} does not hold a number for each place of its shape {shape}")
        yield StoredTensor(name, dtype, shape, functools.partial(_numbers, tensor))


def _check_not_packed(path: Path) -> None:
    """Refuses a zip file whose parts are packed: PyTorch stores them as they are, and 1 MB may unpack to any size."""
    if not zipfile.is_zipfile(path):
        return  # of before PyTorch 1.6, or none of its files, as it will say
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise InputError(f"{path}: a damaged zip file ({error}); fetch it again") from None
    packed = [part.filename for part in parts if part.compress_type != zipfile.ZIP_STORED]
    if packed or sum(part.file_size for part in parts) > path.stat().st_size:
        name = packed[0] if packed else "its list of parts"
        raise InputError(f"{path}: {name:.120} is packed or larger than the file; PyTorch stores weights as they are")


def _numbers(tensor: Any) -> np.ndarray:
    # numpy has no bfloat16, so half precision is widened here
    return (tensor.float() if tensor.is_floating_point() else tensor).detach().numpy()
