"""A file of prepared examples: arrays in the safetensors format, read where they lie."""

import io
import json
import struct

import numpy as np
import tensorflow as tf

from keras_bert.data.shards.beam_files import write_whole
from keras_bert.errors import InputError
from keras_bert.foreign_files import parse_json

SUFFIX = ".safetensors"
_MOST_HEADER = 1 << 20  # bytes; that of a shard has some hundred
_DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F32": np.float32,
}


def write_shard_file(path: str, arrays: dict[str, np.ndarray]) -> int:
    """Writes arrays, wherever Beam can; the file appears whole or not at all.

    Returns:
        Its size in bytes.
    """
    from safetensors.numpy import save

    return write_whole(path, io.BytesIO(save(arrays)))


def open_shard_file(path: str) -> dict[str, np.ndarray]:
    """Opens the arrays of a file.

    Of a file of this machine nothing is read but what is looked at (a memory map); another one is read whole.

    Raises:
        InputError: The file is gone, cut off, or none of these.
    """
    try:
        data = np.memmap(path, np.uint8, mode="r") if "://" not in path else _whole(path)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from None
    try:
        (size,) = struct.unpack("<Q", data[:8].tobytes())
        if size > _MOST_HEADER:
            raise ValueError(f"a header of {size} bytes")
        header = parse_json(data[8 : 8 + size].tobytes(), path)
        return {name: _array(data[8 + size :], entry) for name, entry in header.items() if name != "__metadata__"}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a file of prepared examples ({error}); prepare the rows again") from None


def _array(data: np.ndarray, entry: dict) -> np.ndarray:
    begin, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    if not 0 <= begin <= end <= len(data) or end - begin != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise ValueError("an array that does not lie in it")
    return data[begin:end].view(dtype).reshape(shape)


def _whole(path: str) -> np.ndarray:
    with tf.io.gfile.GFile(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8)
