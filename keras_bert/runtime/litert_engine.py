"""LiteRT: a pool of interpreters, each of one thread."""

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.errors import InputError


class LiteRTEngine:
    """Runs a `.tflite` file.

    An interpreter serves one caller at a time and does best with one thread: a text has too little work for two. So
    there are as many interpreters as callers at a time, made when they are first needed; they share the file's pages.

    Args:
        path: The file.
        threads: Interpreters at most; further callers wait.

    Raises:
        InputError: `ai_edge_litert` is not installed, or the file is none of LiteRT.
    """

    # Without neighbours there is no padding to compute, and a row costs the same alone.
    best_batch = 1

    def __init__(self, path: str | Path, threads: int = 1) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise InputError(f"{path}: needs ai_edge_litert; pip install 'bert-for-keras[litert]'") from None
        self.callers = threads
        self._make = lambda: _Runner(Interpreter(str(path), num_threads=1))
        try:
            first = self._make()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{path}: LiteRT cannot open it: {error}") from None
        self._free: queue.LifoQueue[_Runner | None] = queue.LifoQueue()
        for _ in range(threads - 1):
            self._free.put(None)  # a place for one that is not yet made
        self._free.put(first)

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the graph; see `Engine`."""
        runner = self._free.get()
        try:
            runner = runner or self._make()
            return runner(inputs)
        finally:
            self._free.put(runner)


class _Runner:
    """An interpreter, and where its inputs and outputs are."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        signature = interpreter.get_signature_runner()
        self._inputs = {name: (entry["index"], entry["dtype"]) for name, entry in signature.get_input_details().items()}
        self._outputs = {name: entry["index"] for name, entry in signature.get_output_details().items()}
        self._shape: tuple[int, ...] | None = None

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        interpreter = self._interpreter
        shape = next(iter(inputs.values())).shape
        if shape != self._shape:
            self._shape = None
            for index, _ in self._inputs.values():
                interpreter.resize_tensor_input(index, shape)
            interpreter.allocate_tensors()
            self._shape = shape
        for name, (index, dtype) in self._inputs.items():
            interpreter.set_tensor(index, np.ascontiguousarray(inputs[name], dtype))
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._outputs.items()}
