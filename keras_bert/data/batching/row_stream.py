"""Rows that are read as they are needed, in an order that is known from any place on."""

from typing import Any, Protocol, runtime_checkable

import tensorflow as tf


@runtime_checkable
class RowStream(Protocol):
    """What `batches` takes in place of a data set of rows, to begin late in an epoch without reading what comes before.

    Attributes:
        element_spec: As that of a data set.
    """

    @property
    def element_spec(self) -> Any:
        """As that of a data set."""

    def cardinality(self) -> int:
        """Returns the number of rows."""

    def rows_from(self, begin: int, seed: int | None) -> tf.data.Dataset:
        """Returns the rows of an epoch from one on, in an order that follows from the seed; None: in their own."""
