"""The norm of each example's gradient, without the gradient of each example.

A layer that takes part taps its outputs: the tap is the identity, and in the backward pass it adds, to the "gradient"
of a dummy with one number an example, the squared norm of each example's gradient by the layer's weights. What it needs
for that, the layer's inputs and the gradient of its outputs, is there anyway. N examples, T rows of a tensor for each.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras import ops

from keras_bert.layers.wide import wide


class ExampleNorms:
    """Watches a pass, and is told the squared norms in its backward pass.

    Args:
        probe: float32 (N,), zeros, which a tape watches; its gradient are the sums of the squared norms.
        variables: The weights whose gradients count.

    Attributes:
        passed: The watched weights of each tap that a backward pass went through, in the order of it.

    References:
        Goodfellow 2015, arXiv:1510.01799; for rows of several tokens Li et al. 2021, arXiv:2110.05679, section 4.
    """

    def __init__(self, probe: Any, variables: Sequence[Any]) -> None:
        self.probe = probe
        self._ids = {id(variable) for variable in variables}
        self.passed: list[Any] = []

    def counts(self, variable: Any) -> bool:
        """Tells whether the gradient of a weight counts; None is no weight."""
        return id(variable) in self._ids

    def tap(self, outputs: Any, weights: Sequence[Any], squares: Callable[[Any, Any], Any]) -> Any:
        """Returns the outputs, through the tap; see `tapped`."""
        watched = [weight for weight in weights if self.counts(weight)]

        @ops.custom_gradient
        def identity(outputs: Any, probe: Any) -> Any:
            def gradient(*arguments: Any, upstream: Any = None) -> Any:
                if upstream is None:
                    (upstream,) = arguments
                self.passed += watched
                return upstream, ops.cast(squares(wide(upstream), ops.shape(probe)[0]), probe.dtype)

            return ops.copy(outputs), gradient

        return identity(outputs, self.probe) if watched else outputs


_WATCH: contextvars.ContextVar[ExampleNorms | None] = contextvars.ContextVar("who is told norms", default=None)


@contextlib.contextmanager
def watched_by(watch: ExampleNorms) -> Iterator[None]:
    """Lets `Linear`, `LayerNorm` and `BertEmbeddings` that are called inside tell the norms of their gradients."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tapped(outputs: Any, weights: Sequence[Any], squares: Callable[..., Any]) -> Any:
    """Taps the outputs of a layer, where somebody watches.

    Args:
        outputs: float (N · T, ...) or (N, T, ...).
        weights: Those of the layer, None for one that it lacks.
        squares: From the gradient of the outputs, in float32 at least, N, and for each weight whether it counts, to
            float32 (N,), the squared norm of each example's gradient.
    """
    watch = _WATCH.get()
    if watch is None:
        return outputs
    counts = [watch.counts(weight) for weight in weights]
    return watch.tap(outputs, weights, lambda upstream, examples: squares(upstream, examples, *counts))


def dense_squares(inputs: Any, upstream: Any, examples: Any, kernel: bool = True, bias: bool = True) -> Any:
    """Gives the squared norms of the gradients of a dense layer.

    An example's gradient of the kernel is Xᵀ D, with X (T, size) and D (T, units); ‖Xᵀ D‖² = Σ (X Xᵀ) ∘ (D Dᵀ), which
    takes T² numbers in place of size · units. That of the bias is the sum of the rows of D.

    Args:
        inputs: float (N · T, size), or with more axes.
        upstream: float32, the gradient of the outputs, the same rows.
        examples: N.
        kernel: Whether that of the kernel counts.
        bias: Whether that of the bias counts.

    Returns:
        float32 (N,).

    Example:
        >>> inputs, upstream = ops.array([[1.0, 2.0], [0.0, 1.0]]), ops.array([[3.0], [1.0]])
        >>> dense_squares(inputs, upstream, 1, bias=False).numpy().tolist()  # (3, 6) + (0, 1)
        [58.0]
    """
    upstream = by_example(upstream, examples)
    total = ops.zeros((examples,), upstream.dtype)
    if kernel:
        inputs = by_example(wide(inputs), examples)
        total = total + ops.sum(_products(inputs) * _products(upstream), axis=(1, 2))
    if bias:
        total = total + ops.sum(ops.square(ops.sum(upstream, axis=1)), axis=-1)
    return total


def table_squares(ids: Sequence[Any], upstream: Any, examples: Any) -> Any:
    """Gives the squared norms of the gradients of tables, of which rows were added up.

    What one row of a table gets is the sum over the tokens that took it: Σ over pairs of such tokens of their products.

    Args:
        ids: For each table the rows that were taken, int32 (N, T).
        upstream: float32 (N · T, size), or with more axes.
        examples: N.

    Returns:
        float32 (N,).
    """
    products = _products(by_example(upstream, examples))
    total = ops.zeros((examples,), products.dtype)
    for rows in ids:
        same = ops.cast(ops.expand_dims(rows, 2) == ops.expand_dims(rows, 1), products.dtype)
        total = total + ops.sum(products * same, axis=(1, 2))
    return total


def sum_squares(values: Any, examples: Any) -> Any:
    """Gives ‖Σ over an example's rows‖²: float (N · T, size), or with more axes, to (N,)."""
    return ops.sum(ops.square(ops.sum(by_example(values, examples), axis=1)), axis=-1)


def by_example(values: Any, examples: Any) -> Any:
    """Reshapes to (N, T, size), where all rows of an example stand together; also where there is none."""
    size = values.shape[-1]
    rows = 1
    for axis in ops.shape(values)[:-1]:
        rows = rows * axis
    return ops.reshape(values, (examples, rows // ops.maximum(examples, 1), size))


def _products(rows: Any) -> Any:
    """Products of all pairs of rows: (N, T, size) to (N, T, T)."""
    return ops.matmul(rows, ops.transpose(rows, (0, 2, 1)))
