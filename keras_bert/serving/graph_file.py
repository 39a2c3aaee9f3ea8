"""The file of a graph that faiss wrote, looked through before faiss reads it.

faiss takes memory for as many numbers as a file says that it holds, and only then reads them: of a few thousand bytes
that say 2^40, what may be all the memory of the machine. All else faiss checks itself.

References:
    faiss, impl/index_write.cpp: `write_index_header`, `write_HNSW`, and `write_index` of `IndexHNSW` and `IndexFlat`.
"""

import struct
from pathlib import Path
from typing import BinaryIO

_GRAPH, _VECTORS = b"IHNf", (b"IxFI", b"IxF2", b"IxFl")
_L2 = 1  # of the metrics, those behind it have an argument
# Bytes of a number in each list of a graph: chances of a level, links up to a level, levels, begins, links.
_LISTS = (8, 4, 4, 8, 4)
_SETTINGS = struct.calcsize("<5i")  # entry point, highest level, three widths of a search


def check_graph_file(path: Path) -> None:
    """Checks that a file has the form of a graph over float32 vectors, and holds as many numbers as it says.

    Args:
        path: The file.

    Raises:
        ValueError: It has another form, ends too early, or holds more.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(4) != _GRAPH:
            raise ValueError("no graph of faiss over vectors as they are")
        _skip_header(file)
        for width in _LISTS:
            _skip_list(file, width, size)
        file.seek(_SETTINGS, 1)
        if file.read(4) not in _VECTORS:
            raise ValueError("a graph without its vectors")
        _skip_header(file)
        _skip_list(file, 4, size)
        if file.tell() != size:
            raise ValueError(f"a graph of {file.tell():,} bytes in a file of {size:,}")


def _skip_header(file: BinaryIO) -> None:
    """Passes over size, number of vectors, two numbers without meaning, a flag, the metric and its argument."""
    header = struct.Struct("<iqqq?i")
    data = file.read(header.size)
    if len(data) < header.size:
        raise ValueError("a graph that ends too early")
    if header.unpack(data)[-1] > _L2:
        file.seek(4, 1)


def _skip_list(file: BinaryIO, width: int, size: int) -> None:
    data = file.read(8)
    count = struct.unpack("<Q", data)[0] if len(data) == 8 else size
    if count * width > size - file.tell():
        raise ValueError(f"a list of {count:,} numbers in a file of {size:,} bytes")
    file.seek(count * width, 1)
