"""What runs a graph: numbers in, numbers out."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Engine(Protocol):
    """A graph that is loaded; may be called from several threads at a time.

    Attributes:
        best_batch: Rows that run fastest together.
        callers: Calls that run side by side; one more waits.
    """

    best_batch: int
    callers: int

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the graph.

        Args:
            inputs: int32 (rows, tokens), by name.

        Returns:
            float32 outputs by name.
        """
