"""The index of a TensorFlow checkpoint, checked entry by entry before TensorFlow opens it.

TensorFlow ends the whole process on an entry that cannot be, such as a negative dimension: what a stranger's file of
a few hundred bytes may hold. So the file is read here first, a sorted table of protocol buffers.

References:
    tensorflow/core/lib/io/format.h and table_format.txt (the table), tensorflow/core/protobuf/tensor_bundle.proto (its
    entries), tensorflow/core/util/tensor_bundle/naming.h (the names of the files).
"""

import dataclasses
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import tensor_bundle_pb2

from keras_bert.errors import InputError
from keras_bert.foreign_files import check_regular

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5  # behind each block: how it is compressed, and a checksum
_LARGEST = 64 * 2**20
_MOST_DIMENSIONS = 254
_MOST_SHARDS = 10_000
_MOST_ELEMENTS = 2**48
_FIRST_REFERENCE = 100  # dtypes from here on are of variables in a graph, not of numbers in a file


@dataclasses.dataclass(frozen=True)
class Entry:
    """What an index says of a variable.

    Attributes:
        dtype: Its dtype.
        shape: Its shape.
    """

    dtype: tf.DType
    shape: tuple[int, ...]


def read_index(prefix: Path) -> dict[str, Entry]:
    """Reads the index of a checkpoint and checks each entry against the data files.

    Args:
        prefix: The checkpoint's path without `.index`.

    Returns:
        The variables by name.

    Raises:
        InputError: The index is damaged, or an entry says what cannot be or what the data files do not hold.
    """
    path = Path(f"{prefix}.index")
    try:
        check_regular(path)
        size = path.stat().st_size
        if size > _LARGEST:
            raise InputError(f"{path}: has {size:,} bytes; the index of a BERT has a few thousand")
        table = dict(_table(path.read_bytes()))
        header = tensor_bundle_pb2.BundleHeaderProto.FromString(table.pop(b""))
        # Slices of variables have keys that are no text.
        names = {key: key.decode("utf-8", "backslashreplace") for key in table}
        entries = {names[key]: tensor_bundle_pb2.BundleEntryProto.FromString(data) for key, data in table.items()}
    except OSError as error:
        raise InputError(f"{path}: not a readable TensorFlow checkpoint: {error.strerror}") from None
    except (DecodeError, KeyError, ValueError, IndexError, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable TensorFlow checkpoint: its table is damaged ({error})") from None
    if not 1 <= header.num_shards <= _MOST_SHARDS or header.endianness != header.LITTLE:
        raise InputError(f"{path}: not a readable TensorFlow checkpoint: {header.num_shards} shards or big-endian data")
    sizes: dict[int, int] = {}
    return {name: _checked(name, entry, prefix, header.num_shards, sizes) for name, entry in entries.items()}


def _checked(
    name: str, entry: tensor_bundle_pb2.BundleEntryProto, prefix: Path, shards: int, sizes: dict[int, int]
) -> Entry:
    """Checks one entry; `sizes` keeps the bytes of the data files that were looked at."""
    where = f"{prefix}.index: {name!r:.200}"
    shape = tuple(dimension.size for dimension in entry.shape.dim)
    # The product is counted without zeros: TensorFlow multiplies one after the other.
    possible = all(size >= 0 for size in shape) and math.prod(max(size, 1) for size in shape) < _MOST_ELEMENTS
    if entry.shape.unknown_rank or len(shape) > _MOST_DIMENSIONS or not possible:
        raise InputError(f"{where} has a shape that cannot be: {len(shape)} dimensions, {shape!s:.80}")
    try:
        dtype = tf.dtypes.as_dtype(entry.dtype) if entry.dtype < _FIRST_REFERENCE else None
    except TypeError:
        dtype = None
    if dtype is None:
        raise InputError(f"{where} is of the unknown dtype {entry.dtype}")
    if entry.slices:
        raise InputError(f"{where} is stored in slices, which are not read; save the checkpoint without a partitioner")
    if not 0 <= entry.shard_id < shards:
        raise InputError(f"{where} lies in data file {entry.shard_id} of {shards}")
    if entry.shard_id not in sizes:
        data = Path(f"{prefix}.data-{entry.shard_id:05d}-of-{shards:05d}")
        if not data.is_file():
            raise InputError(f"{prefix}.index: {data.name}, where its numbers are, is not beside it")
        sizes[entry.shard_id] = data.stat().st_size
    fixed = dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype.is_complex
    needed = math.prod(shape) * dtype.size if fixed else entry.size
    if needed != entry.size or entry.offset < 0 or not 0 <= entry.size <= sizes[entry.shard_id] - entry.offset:
        raise InputError(
            f"{where} has the shape {shape!s:.80}, {needed:,} bytes, and the index gives it {entry.size:,} from byte "
            f"{entry.offset:,} of a data file of {sizes[entry.shard_id]:,}: truncated or damaged"
        )
    return Entry(dtype, shape)


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a sorted table."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise ValueError("no sorted table")
    place = len(data) - _FOOTER
    for _ in range(2):  # of the block of further facts, which is not needed, and of the block of blocks
        offset, place = _varint(data, place)
        size, place = _varint(data, place)
    for _, handle in _block(data, offset, size):
        start, after = _varint(handle, 0)
        yield from _block(data, start, _varint(handle, after)[0])


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields the entries of a block; a key has what it shares with the one before it left out."""
    block = data[offset : offset + size]
    if len(block) < size or size < 4 or offset + size + _TRAILER > len(data):
        raise ValueError("a block beyond the end")
    if data[offset + size]:
        raise ValueError("a compressed block, which TensorFlow does not write")
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        added, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key) or place + added + length > end:
            raise ValueError("an entry beyond the end of its block")
        key = key[:shared] + block[place : place + added]
        place += added
        yield key, block[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Reads a number of 7 bits a byte, the lowest first; returns it and the place behind it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number of more than 64 bits")
