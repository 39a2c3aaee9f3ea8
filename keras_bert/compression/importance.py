"""How much the loss depends on each attention head and each feed-forward column."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra
from keras_bert.files import write_file
from keras_bert.graph import graph_function


@dataclasses.dataclass(frozen=True)
class Importance:
    """Numbers that say what may go first: the lowest.

    Attributes:
        columns: float64 (layers, intermediate_size), of the columns of each feed-forward layer.
        heads: float64 (layers, heads), of attention heads.
        rows: Rows that they were measured on.

    Example:
        >>> import numpy as np
        >>> importance = Importance(columns=np.ones((6, 1536)), heads=np.ones((6, 12)), rows=2000)
        >>> importance.columns.shape, importance.heads.shape
        ((6, 1536), (6, 12))
    """

    columns: np.ndarray
    heads: np.ndarray
    rows: int

    def plot(self, path: str | Path) -> None:
        """Draws both, a line a layer, from the most important to the least.

        Args:
            path: The .png to write.

        Raises:
            InputError: matplotlib is not installed.
        """
        figure = import_extra("matplotlib.figure").Figure(figsize=(10, 4), layout="constrained")
        for axes, values, what in zip(
            figure.subplots(1, 2), (self.heads, self.columns), ("heads", "feed-forward columns"), strict=True
        ):
            for layer, line in enumerate(values):
                shown = np.sort(line)[::-1] / max(values.max(), 1e-30)
                axes.plot(np.arange(1, len(line) + 1) / len(line), shown, label=f"layer {layer + 1}")
            axes.set(xlabel=f"share of {what} kept", ylabel="importance, the largest is 1")
            axes.set_yscale("symlog", linthresh=1e-3)
            axes.set_ylim(bottom=0)
            axes.legend(fontsize="small")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        write_file(Path(path), buffer.getvalue())


def measure_importance(model: Any, rows: Any, batch_size: int = 8) -> Importance:
    """Measures by how much the loss would change, to first order, without each head and each feed-forward column.

    A factor of 1 before a head's output, or a column's, has the gradient Σ g · w over those weights of the dense layer
    behind that read it; its size is summed over batches, so that smaller batches see more.

    Args:
        model: A trained task.
        rows: Labelled rows, as its `batches` takes them; some thousands are enough.
        batch_size: Rows whose gradients are summed before the size is taken.

    Returns:
        The importance.

    Raises:
        InputError: There are no rows, or the task does not learn from rows.

    Example:
        >>> model = keras_bert.BertClassifier.from_preset("minilm", labels=["no", "yes"])
        >>> rows = keras_bert.data.rows([{"text": "a gripping film", "label": "yes"}, {"text": "dull", "label": "no"}])
        >>> measure_importance(model, rows).columns.shape  # layers, columns
        (6, 1536)

    References:
        Michel et al. 2019, arXiv:1905.10650, equation 2 (heads); Molchanov et al. 2019, arXiv:1906.10771, equation 8.
    """
    if not hasattr(model, "batches") or not hasattr(model, "compute_loss"):
        raise InputError(f"importance is measured by the loss of a task on rows, which {type(model).__name__} has not")
    if not model.compiled:
        model.compile()
    blocks = model.encoder.blocks
    kernels = [block.output_dense.kernel.value for block in blocks]
    kernels += [block.attention.output_dense.kernel.value for block in blocks]

    def sums(x: Any, y: Any, weights: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(kernels)
            outputs = model(x, training=False)
            loss = model.compute_loss(x, y, outputs, weights, training=False)
        gradients = tape.gradient(loss, kernels)
        return loss, [tf.reduce_sum(part * kernel, -1) for part, kernel in zip(gradients, kernels, strict=True)]

    summed = graph_function(sums, reduce_retracing=True)
    totals: list[Any] = [0.0] * len(kernels)
    count = 0
    for x, y, *weights in model.batches(rows, batch_size):
        size = int(tf.shape(tf.nest.flatten(x)[0])[0])
        loss, found = summed(x, y, weights[0] if weights else None)
        if not np.isfinite(float(loss)):
            raise InputError(f"the loss is {float(loss)} on these rows, so that nothing follows from it")
        count += size
        for index, part in enumerate(found):
            values = part.numpy().astype(np.float64)
            if index >= len(blocks):  # the rows of a head together
                values = values.reshape(blocks[0].num_heads, -1).sum(-1)
            totals[index] = totals[index] + size * np.abs(values)
    if not count:
        raise InputError("there are no rows to measure importance on")
    return Importance(np.stack(totals[: len(blocks)]), np.stack(totals[len(blocks) :]), count)
