"""ONNX Runtime."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError

_NUMBERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class OnnxEngine:
    """Runs a `.onnx` file on the CPU.

    Args:
        path: The file.
        threads: Threads of an operation.

    Raises:
        InputError: `onnxruntime` is not installed, or cannot open the file.
    """

    best_batch = 32
    callers = 1  # all threads work on one batch

    def __init__(self, path: str | Path, threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise InputError(f"{path}: needs onnxruntime; pip install 'bert-for-keras[onnx]'") from None
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), session_options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 -- its errors share no other class
            raise InputError(f"{path}: ONNX Runtime cannot open it: {error}") from None
        self._inputs = {entry.name: _NUMBERS[entry.type] for entry in self._session.get_inputs()}
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the graph; see `Engine`."""
        given = {name: np.ascontiguousarray(inputs[name], dtype) for name, dtype in self._inputs.items()}
        return dict(zip(self._outputs, self._session.run(None, given), strict=True))


def session_options(threads: int = 1, processor: Path = Path("/proc/cpuinfo")) -> Any:
    """Returns the options of a session of ONNX Runtime with which what keras_bert exports is exact.

    Args:
        threads: Threads of an operation.
        processor: The file in which Linux says what the processor can do.

    Returns:
        `onnxruntime.SessionOptions`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not _multiplies_bytes_exactly(processor):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _multiplies_bytes_exactly(processor: Path) -> bool:
    """Says whether ONNX Runtime adds products of bytes with and without a sign in 32 bits here, which takes VNNI.

    Where nothing says so, the option is set, which costs time and is right everywhere.
    """
    try:
        flags = processor.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^flags\s*:.*\bavx(512)?_vnni\b", flags, re.MULTILINE) is not None
