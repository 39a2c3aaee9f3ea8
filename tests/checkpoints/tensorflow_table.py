"""Writes the index of a TensorFlow checkpoint by hand, checksums included, with whatever entries a test wants."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import tensor_bundle_pb2

MAGIC = 0xDB4775248B80FB57


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def masked_crc(data: bytes) -> int:
    """CRC-32C, masked as LevelDB's tables have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def block(entries: Mapping[bytes, bytes]) -> bytes:
    """A block with its trailer; no key shares anything with the one before."""
    data = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in sorted(entries.items())
    )
    data += struct.pack("<II", 0, 1)
    return data + b"\0" + struct.pack("<I", masked_crc(data + b"\0"))


def table(entries: Mapping[bytes, bytes]) -> bytes:
    """A table of one block."""
    blocks, handles = b"", []
    for content in (entries, {}):
        made = block(content)
        handles.append(varint(len(blocks)) + varint(len(made) - 5))
        blocks += made
    made = block({max(entries): handles[0]})
    footer = (handles[1] + varint(len(blocks)) + varint(len(made) - 5)).ljust(40, b"\0")
    return blocks + made + footer + struct.pack("<Q", MAGIC)


def header(shards: int = 1) -> bytes:
    proto = tensor_bundle_pb2.BundleHeaderProto(num_shards=shards)
    proto.version.producer = 1
    return proto.SerializeToString()


def entry(shape: tuple[int, ...] = (2, 3), dtype: int = 1, size: int | None = None, **fields: Any) -> bytes:
    """An entry; dtype 1 is float32."""
    proto = tensor_bundle_pb2.BundleEntryProto(dtype=dtype, size=24 if size is None else size, **fields)
    for dimension in shape:
        proto.shape.dim.add(size=dimension)
    return proto.SerializeToString()


def write_checkpoint(prefix: Path, entries: Mapping[str, bytes], data: bytes = bytes(24)) -> Path:
    """Writes an index with a header and a data file; returns the prefix."""
    Path(f"{prefix}.index").write_bytes(
        table({b"": header(), **{key.encode(): value for key, value in entries.items()}})
    )
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
    return prefix
