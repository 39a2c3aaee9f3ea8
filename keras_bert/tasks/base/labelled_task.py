"""Tasks that learn from labelled rows: their batches, their loss, their scores."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.data.batching.batches import batches
from keras_bert.data.batching.poisson_batches import PoissonBatches
from keras_bert.data.memory.given_rows import given_rows
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.sources.tensors import labels_in_memory
from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask

# Of a preprocessor: what changes none of the numbers of an example.
_OF_PADDING = ("name", "trainable", "dtype", "tokenizer", "pad_to_multiple_of", "padding")


class LabelledTask(BertTask):
    """A task whose rows have labels, and a loss between its outputs and these.

    Subclasses define `targets`, `scores`, `default_loss` and `default_metrics`, beside what `BertTask` asks for.
    """

    has_labelled_rows = True

    example_names: ClassVar[tuple[str, ...]] = ("text_pair",)
    """Arguments of the constructor that the numbers made of rows follow from, beside the preprocessor's."""

    @property
    def row_fields(self) -> tuple[str, ...]:
        """The texts of a labelled row."""
        return self.text_fields

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)`, or `(inputs, targets[, weights])`.

        Args:
            rows: `text` (and `text_pair`) string (batch,); `label` too for training, and perhaps `weight`.

        Returns:
            `inputs`, a dict of ragged int32 (batch, (tokens)): `token_ids` and `segment_ids`. With labels,
            also what `targets` makes of them.

        Raises:
            InputError: The rows lack a text that the task takes, or have one more.
        """
        self._check_fields(rows, "the rows have", self.text_fields)
        inputs = self.preprocessor.pack(*(rows[name] for name in self.text_fields))
        return (inputs, *weighted(rows, *self.targets(rows["label"]))) if "label" in rows else (inputs,)

    def batches(
        self,
        rows: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take, rows of like length together.

        Args:
            rows: As `keras_bert.data.read` and `rows` make them: `text`, `text_pair` for tasks on pairs, `label`, and
                perhaps `weight`, that of a row in the loss. What `rows` takes is taken here, too; so are
                `PreparedExamples`, which `keras-bert prepare` made of rows for a task with the same settings.
            batch_size: Rows a batch; the last one may be smaller.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Rows in the order given, with more padding.
            begin: The first batch to make; those before it are left out.

        Returns:
            Dataset of `(inputs, targets[, weights])`; `inputs` a dict of int32 (batch, tokens).

        Example:
            >>> model.fit(model.batches(rows, batch_size=32, shuffle=True))  # doctest: +SKIP
        """
        if isinstance(rows, PreparedExamples):
            return self.prepared_batches(rows, batch_size, shuffle, seed, keep_order, begin)
        rows = given_rows(rows, self.row_fields)
        column = labels_in_memory(rows)
        if column is not None:
            self.check_labels(column)
        return batches(
            rows,
            self.features,
            self._stages.pad,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            keep_order=keep_order,
            begin=begin,
        )

    @property
    def example_settings(self) -> dict[str, Any]:
        """What the numbers that `features` makes of rows follow from, beside the tokenizer; in JSON's types."""
        config, reading = self.get_config(), self.preprocessor.get_config()
        found = {"task": type(self).__name__, **{name: config[name] for name in self.example_names if name in config}}
        found |= {name: value for name, value in reading.items() if name not in _OF_PADDING}
        return json.loads(json.dumps(found))

    def prepared_batches(
        self,
        examples: PreparedExamples,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches that `batches` makes, of examples that were prepared.

        Raises:
            InputError: They were prepared with another tokenizer, or for a task with other settings.
        """
        examples.check_fits(self.tokenizer, self.example_settings)
        sort = not keep_order
        return examples.batches(self.padded, batch_size, shuffle=shuffle, seed=seed, sort=sort, begin=begin)

    def padded(self, examples: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pads the examples of one batch, as `features` makes them; ragged targets and weights are those of tokens."""
        inputs = self._stages.pad(examples[0])
        shape = tf.shape(inputs["token_ids"])
        more = (each.to_tensor(shape=shape) if isinstance(each, tf.RaggedTensor) else each for each in examples[1:])
        return (inputs, *more)

    def private_batches(self, rows: Any, batch_size: int) -> Callable[[int], tf.data.Dataset]:
        """Makes the batches that a model with a budget of privacy is trained on: each row is drawn by itself.

        Args:
            rows: As `batches` takes them.
            batch_size: Rows of a batch on average, that of the budget.

        Returns:
            From the number of an epoch to its batches, which follow from that and from the model's secret.

        Raises:
            InputError: The model was not compiled with `privacy`, or for other rows; or a row of the task becomes
                several rows of a batch, as a long text does, so that a budget would be that of a part of a row.

        Example:
            >>> privacy = Privacy(epsilon=8, rows=67_349, batch_size=1000, steps=204)  # doctest: +SKIP
            >>> model.compile(optimizer, privacy=privacy)  # doctest: +SKIP
            >>> epochs = model.private_batches(rows, batch_size=1000)  # doctest: +SKIP
            >>> model.fit(epochs(0))  # doctest: +SKIP
        """
        if self.privacy is None:
            raise InputError("private_batches are for a model that is compiled with privacy=...")
        if type(self).batches is not LabelledTask.batches:
            raise InputError(
                f"privacy: {type(self).__name__} makes several training rows of a text, so that a budget would not be "
                "one of texts; classifiers, regressors, embedders and multiple choice have one"
            )
        rows = given_rows(rows, self.row_fields)
        column = labels_in_memory(rows)
        if column is not None:
            self.check_labels(column)
        drawn = PoissonBatches(rows, self.features, self._stages.pad, batch_size)
        if (drawn.rows, batch_size) != (self.privacy.rows, self.privacy.batch_size):
            raise InputError(
                f"privacy: the budget is for batches of {self.privacy.batch_size} of {self.privacy.rows:,} rows, not "
                f"of {batch_size} of {drawn.rows:,}"
            )
        return lambda epoch: drawn.epoch(lambda step: self.secret.seed("rows", epoch, step))

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Keras' `compile`, with the task's own loss and metrics where none are given.

        Keras' default for `jit_compile` fits: XLA on an accelerator, not on a CPU, where oneDNN's fused kernels
        are faster, and not under a distribution strategy.
        """
        super().compile(
            optimizer=optimizer,
            loss=self.default_loss() if loss is None else loss,
            metrics=self.default_metrics() if metrics is None else metrics,
            **kwargs,
        )

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores labelled rows, all at once, as the task's field counts.

        Args:
            rows: Rows with `label`.
            batch_size: Rows a batch.

        Returns:
            Name → score; among them `loss`, that of training but without class weights.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        loss = self.default_loss()
        # The mean over all rows. Inside the scope of a strategy Keras' own would be divided by its replicas as well.
        loss.reduction = "none"
        return {"loss": float(tf.reduce_mean(loss(targets, outputs))), **self.scores(targets, outputs)}

    def predict_rows(self, rows: Any, batch_size: int = 64) -> tuple[Any, Any]:
        """Runs the model over labelled rows.

        Returns:
            The outputs and the targets as `scores` takes them, in one order: here arrays, in another order than `rows`.

        Raises:
            InputError: There are no rows, or they have no label.
        """
        if not isinstance(rows, PreparedExamples):
            rows = given_rows(rows, self.row_fields)
            if "label" not in rows.element_spec:
                raise InputError("the rows have no label: name the label's column when reading them")
        outputs, targets = [], []
        for inputs, target, *_ in self.batches(rows, batch_size):
            outputs.append(self._stages.forward(inputs).numpy())
            targets.append(target.numpy())
        if not outputs:
            raise InputError("there are no rows to evaluate")
        return np.concatenate(outputs), np.concatenate(targets)

    def check_labels(self, labels: Any) -> None:
        """Refuses labels in memory that the task does not know, an `InputError`; in a graph it is one of TensorFlow's.

        Args:
            labels: The column of all rows, as `keras_bert.data.rows` and `read` make it.
        """

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`.

        Raises:
            InputError: Texts in place of batches of numbers, batches of rows without labels, or an argument that
                belongs to `batches`.
        """
        spec = getattr(x, "element_spec", None)
        if isinstance(spec, tuple) and len(spec) == 1:
            raise InputError("these batches have no targets: the rows that they are made of have no label")
        return super().fit(x, *args, **kwargs)

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Turns the labels of a batch of rows into `(targets,)` or `(targets, weights)`."""
        raise NotImplementedError

    def scores(self, targets: Any, outputs: Any) -> dict[str, float]:
        """Scores outputs against targets, both as `predict_rows` gives them."""
        raise NotImplementedError

    def default_loss(self) -> keras.losses.Loss:
        """Returns the loss that the task trains with."""
        raise NotImplementedError

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the metrics that `fit` shows."""
        raise NotImplementedError


def weighted(rows: Mapping[str, Any], targets: Any, weights: Any = None) -> tuple[Any, ...]:
    """Returns targets, and weights where there are any: those of the classes times those of the rows.

    Args:
        rows: With `weight`, a number (batch,), where rows have one.
        targets: Of the rows.
        weights: Of the rows' classes, float32 (batch,), or None.
    """
    if "weight" not in rows:
        return (targets,) if weights is None else (targets, weights)
    of_rows = tf.cast(rows["weight"], tf.float32)
    return targets, of_rows if weights is None else of_rows * weights
