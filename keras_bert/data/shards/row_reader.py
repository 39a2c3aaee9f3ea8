"""What `prepare_examples` asks of whoever reads rows and makes examples of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping

    import tensorflow as tf


class RowReader(Protocol):
    """Reads the rows of sources, and makes examples of them; it travels to Beam's workers."""

    @property
    def whole_blocks(self) -> bool:
        """The rows of a block are each other's context."""

    def blocks(self, source: str) -> Iterator[tf.data.Dataset]:
        """Yields the rows of a source, checked, some at a time."""

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Makes examples of a batch of rows, as a task's `features`."""

    def counts(self, rows: tf.data.Dataset) -> Counter[str]:
        """Counts the labels of rows."""
