"""A student in training: its own network, and beside it a teacher that is asked about each batch."""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from keras_bert.compression.distillation.inner_states import InnerStates
from keras_bert.compression.distillation.outputs import check_task, output_distance, token_axis
from keras_bert.compression.distillation.replacing import ReplacedModule, modules_of, replacement_rate
from keras_bert.compression.distillation.settings import DistillationSettings
from keras_bert.compression.distillation.states import OUTPUTS, watched
from keras_bert.compression.distillation.student import check_same_inputs
from keras_bert.compression.distillation.teacher_cache import TeacherCache
from keras_bert.errors import InputError
from keras_bert.graph import as_written, graph_function
from keras_bert.layers.linear import Linear
from keras_bert.tasks.base.global_batch import GlobalBatchModel, global_mean
from keras_bert.tasks.base.partial_loss import partial_loss
from keras_bert.tasks.base.several_texts import flat_rows
from keras_bert.tasks.embedding.embedder import BertEmbedder
from keras_bert.tasks.embedding.fingerprint import fingerprint

TERMS = ("outputs", "relations", "hidden", "attention")
"""Terms of the loss beside that of the labels; `fit` shows each by its name."""


class Distiller(GlobalBatchModel):
    """Trains a student, a task of its own, with the outputs and the inner states of a teacher in its loss.

    It is to `fit` and to `keras_bert.training.Run` what a task is: batches, replicas, `accumulate`, checkpoints and
    precision are those of every run. What is saved is the student. The loss is that of `DistillationSettings`; each
    term is a mean over the rows of the whole batch, weighted as the rows are. The teacher computes as in prediction,
    and none of its weights is a weight of this model.

    Args:
        student: What is trained, such as `make_student` makes it.
        teacher: A task of the same class, with the same labels and tokenizer, of any size.
        settings: What is compared; None for those that follow.
        **options: Those of `DistillationSettings`.

    Call arguments:
        inputs: The student's.

    Returns:
        A dict: `outputs`, those of the student, and its states that are compared.

    Raises:
        InputError: The two do not go together, or as `DistillationSettings`.

    Example:
        >>> teacher = keras_bert.tasks.open_task("runs/sst2/model")  # doctest: +SKIP
        >>> student = make_student(teacher, layers=3)  # doctest: +SKIP
        >>> distiller = Distiller(student, teacher, temperature=2.0, relations=("QK", "VV"))  # doctest: +SKIP
        >>> keras_bert.training.Run("runs/small", distiller, train, dev, epochs=3).train()  # doctest: +SKIP
        >>> student.answer(["a gripping film"])  # doctest: +SKIP
    """

    def __init__(
        self, student: Any, teacher: Any, settings: DistillationSettings | None = None, **options: Any
    ) -> None:
        if settings is not None and options:
            raise InputError(f"settings say it all; leave out {', '.join(options)}")
        settings = DistillationSettings(**options) if settings is None else settings
        for task in (student, teacher):
            check_task(task)
        check_same_inputs(student, teacher)
        # As a functional model of the student, whose weights are its own; what it computes is in `call`.
        super().__init__(inputs=student.input, outputs=student.output, name="distiller")
        self.dtype_policy = student.dtype_policy
        self.student = student
        self.settings = settings
        self._cache: TeacherCache | None = None
        ours, theirs = student.encoder.config, teacher.encoder.config
        replace = None if settings.replacement_rate is None else self._replacing(student, teacher, settings)
        states = InnerStates.of(settings, ours, theirs)
        networks = [
            watched(task, states.hidden_of(side), states.query_key_value_of(side), call)
            for side, (task, call) in enumerate(((student, replace), (teacher, None)))
        ]
        # In a namespace, which Keras does not look into: the teacher is no part of the model.
        self._beside = types.SimpleNamespace(
            network=networks[0],
            teacher=teacher,
            teacher_network=networks[1],
            states=states,
            label_loss=student.default_loss(),
        )
        self._make_projections(student, teacher)
        self._make_metrics(student)
        if hasattr(student, "tune_threshold"):  # a run asks for it
            self.tune_threshold = student.tune_threshold

    # -- the parts ---------------------------------------------------------------------------------------

    def _replacing(self, student: Any, teacher: Any, settings: DistillationSettings) -> Any:
        """Makes what calls the student's blocks in the places of the teacher's."""
        ours, theirs = student.encoder.config, teacher.encoder.config
        if ours.hidden_size != theirs.hidden_size:
            raise InputError(
                f"replacement_rate puts blocks of the student among the teacher's: hidden_size is {ours.hidden_size}, "
                f"the teacher's {theirs.hidden_size}"
            )
        if ours.num_hidden_layers > theirs.num_hidden_layers:
            raise InputError(
                f"replacement_rate: the student has {ours.num_hidden_layers} layers, each for one or more of the "
                f"teacher's, which has {theirs.num_hidden_layers}"
            )
        start = float(replacement_rate(settings, 0))
        self.replacement_rate = keras.Variable(
            start, trainable=False, dtype="float32", aggregation="only_first_replica", name="replacement_rate"
        )
        self.replacement_seeds = keras.random.SeedGenerator()
        modules = modules_of(teacher.encoder.blocks, ours.num_hidden_layers)
        replaced = [
            ReplacedModule(block, module, self.replacement_rate, self.replacement_seeds, name=f"module_{index}")
            for index, (block, module) in enumerate(zip(student.encoder.blocks, modules, strict=True))
        ]
        return lambda number, _, *args, **kwargs: replaced[number](*args, **kwargs)

    def _make_projections(self, student: Any, teacher: Any) -> None:
        """Makes what carries the student's states to the teacher's width, where that is another (TinyBERT)."""
        ours, theirs = student.encoder.config, teacher.encoder.config
        sizes: dict[str, tuple[int, int]] = {}
        if ours.hidden_size != theirs.hidden_size and self.settings.hidden_weight:
            sizes |= dict.fromkeys(("embeddings", "hidden"), (ours.hidden_size, theirs.hidden_size))
        if isinstance(student, BertEmbedder) and self.settings.teaches_outputs:
            widths = student.output_shape[-1], teacher.output_shape[-1]
            sizes |= {"outputs": widths} if widths[0] != widths[1] else {}
        self._beside.projected = tuple(sizes)
        for name, (size, wider) in sizes.items():
            layer = Linear(
                wider, initializer_range=ours.initializer_range, dtype=student.dtype_policy, name=f"{name}_projection"
            )
            layer.build((None, size))
            setattr(self, f"{name}_projection", layer)

    def _make_metrics(self, student: Any) -> None:
        settings = self.settings
        is_in = (settings.teaches_outputs, settings.relations, settings.hidden_weight, settings.attention_weight)
        for name in (name for name, there in zip(TERMS, is_in, strict=True) if there):
            setattr(self, f"{name}_loss", keras.metrics.Mean(name=f"{name}_loss"))
        self._beside.scored = student.default_metrics() if settings.label_share else []
        for metric in self._beside.scored:
            setattr(self, f"student_{metric.name}", metric)

    def _projected(self, name: str, states: Any) -> Any:
        return getattr(self, f"{name}_projection")(states) if name in self._beside.projected else states

    # -- rows --------------------------------------------------------------------------------------------

    def batches(self, rows: Any, batch_size: int = 32, **options: Any) -> tf.data.Dataset:
        """Makes the batches that `fit` takes: the student's, with what the teacher says where that is kept.

        Args:
            rows: As the student's `batches` takes them; without labels where `label_share` is 0 and the task needs none
                to make its batches.
            batch_size: Rows a batch.
            **options: Those of the student's `batches`.

        Returns:
            Dataset of `(inputs, targets[, weights])`; targets a dict of `rows` float32 (batch,), all 1, perhaps `label`
            and `teacher`.

        Raises:
            InputError: The rows have no labels, and `label_share` is more than 0.
        """
        return self.with_targets(self.student.batches(rows, batch_size, **options))

    def with_targets(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Makes those batches of the student's, see `batches`."""
        spec = batches.element_spec
        has_labels = isinstance(spec, tuple) and len(spec) > 1
        if self.settings.label_share and not has_labels:
            raise InputError(
                "the rows have no labels; name their column, or let the student learn from its teacher alone, "
                "label_share=0"
            )

        def convert(*element: Any) -> tuple[Any, ...]:
            inputs, *rest = element
            targets = {"rows": tf.ones(tf.shape(inputs["token_ids"])[:1])}
            if self.settings.label_share:
                targets["label"] = rest[0]
            if self._cache is not None:
                targets["teacher"] = self._kept(inputs)
            return (inputs, targets, *rest[1:])

        return batches.map(as_written(convert), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _kept(self, inputs: Mapping[str, Any]) -> Any:
        """Returns what the teacher's cache has: for rows of several texts (rows, texts, size)."""
        assert self._cache is not None
        ids = inputs["token_ids"]
        if ids.shape.rank == 2:
            return self._cache.of(inputs)
        kept = self._cache.of({name: tf.reshape(each, [-1, tf.shape(ids)[2]]) for name, each in inputs.items()})
        return tf.reshape(kept, tf.stack([-1, tf.shape(ids)[1], kept.shape[-1]]))

    def keep_teacher(self, folder: str | Path, rows: Any, rows_fingerprint: str, batch_size: int = 64) -> int:
        """Computes the teacher's outputs for all rows and keeps them in a folder, or takes them from there.

        Args:
            folder: See `TeacherCache`.
            rows: As `batches` takes them.
            rows_fingerprint: Of the rows, see `keras_bert.training.data_fingerprint`.
            batch_size: Rows at a time.

        Returns:
            The number of different rows, windows or texts.

        Raises:
            InputError: The folder keeps other outputs, or the loss has more of the teacher in it than its outputs.
        """
        if self.settings.runs_teacher_inside or not self.settings.teaches_outputs:
            why = "more than its outputs" if self.settings.runs_teacher_inside else "nothing of its outputs"
            raise InputError(f"a cache keeps the outputs of the teacher, and the loss has {why} in it: leave it out")
        numbers = {name: tf.TensorSpec([None, None], tf.int32) for name in self.student.input}
        network = graph_function(
            lambda inputs: self._beside.teacher_network(inputs, training=False)[OUTPUTS], input_signature=[numbers]
        )
        longest = {"max_length": str(self.student.preprocessor.max_length)}
        facts = {"rows": rows_fingerprint, "teacher": self.teacher_fingerprint(), **longest}
        batches = self.student.batches(rows, batch_size)
        self._cache = TeacherCache.opened(folder, facts, batches, network, token_axis(self.student))
        return self._cache.rows

    def teacher_fingerprint(self) -> str:
        """Gives a SHA-256 of all that the teacher's outputs follow from."""
        teacher = self._beside.teacher
        settings = {"task": type(teacher).__name__, **teacher.metadata(), **teacher.extra()}
        return fingerprint(settings, teacher.encoder.config, teacher.preprocessor, teacher.weights_by_name())

    # -- training ----------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the student's outputs and states; the texts of a row become rows of their own."""
        return super().__call__(flat_rows(inputs), *args, **kwargs)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Computes the student's outputs and states."""
        del mask
        return self._beside.network(inputs, training=training)

    def compile(
        self, optimizer: Any = None, loss: Any = None, metrics: Any = None, *, accumulate: int = 1, **kwargs: Any
    ) -> None:
        """Keras' `compile`; the loss is the distiller's own.

        Raises:
            InputError: Another loss, or `accumulate` with labels whose loss compares the rows of a batch.
        """
        if loss is not None or metrics is not None:
            raise InputError("a distiller has a loss and metrics of its own: leave out loss and metrics")
        if accumulate > 1 and self.settings.label_share and getattr(self._beside.label_loss, "compares_rows", False):
            raise InputError(
                f"accumulate={accumulate}: {type(self._beside.label_loss).__name__} compares all rows of a batch with "
                "each other; leave it at 1, or learn from the teacher alone, label_share=0"
            )
        super().compile(optimizer, accumulate=accumulate, **kwargs)

    def fit(self, x: Any = None, *args: Any, shuffle: bool = False, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`; the shuffling is done by `batches`."""
        return super().fit(x, *args, shuffle=shuffle, **kwargs)

    def train_step(self, data: Any) -> Any:
        """A step; before it, the probability of a replacement is that of the step."""
        if self.settings.replacement_rate is not None:
            optimizer: Any = getattr(self.optimizer, "inner_optimizer", self.optimizer)
            self.replacement_rate.assign(replacement_rate(self.settings, optimizer.iterations))
        return super().train_step(data)

    def loss_totals(self, y: Any, sample_weight: Any) -> dict[str, Any]:
        """Says what the sums in the loss are divided by; see `GlobalBatchModel`."""
        totals = super().loss_totals(y["rows"], sample_weight)
        return {**totals, "of_rows": ops.sum(_row_weights(y["rows"], sample_weight))}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the loss, or this part of it, a float32 scalar."""
        settings, beside = self.settings, self._beside
        of_rows = _row_weights(y["rows"], sample_weight)
        inputs = flat_rows(x)
        teacher: Any = {OUTPUTS: y["teacher"]} if "teacher" in y else None
        if teacher is None and (settings.teaches_outputs or settings.runs_teacher_inside):
            teacher = beside.teacher_network(inputs, training=False)
        loss = 0.0
        if settings.label_share:
            part = partial_loss(beside.label_loss, y["label"], y_pred[OUTPUTS], sample_weight, self._parts.totals)
            loss = loss + settings.label_share * part
        if teacher is not None:
            teacher = {name: ops.stop_gradient(values) for name, values in teacher.items()}
        if settings.teaches_outputs:
            outputs = self._projected("outputs", y_pred[OUTPUTS])
            wanted = teacher[OUTPUTS]
            if len(wanted.shape) > len(outputs.shape):  # (rows, texts, size), as a cache gives it
                wanted = ops.reshape(wanted, (-1, wanted.shape[-1]))
            values = output_distance(self.student, outputs, wanted, settings.temperature)
            loss = loss + (1 - settings.label_share) * self._term("outputs", values, of_rows, sample_weight)
        for name, weight in (
            ("relations", settings.relation_weight if settings.relations else 0.0),
            ("hidden", settings.hidden_weight),
            ("attention", settings.attention_weight),
        ):
            if weight:
                values = beside.states.compare(name, y_pred, teacher, inputs["padding_mask"], self._projected)
                loss = loss + weight * self._term(name, values, of_rows)
        return self.regularized(ops.convert_to_tensor(loss), ops.sum(y["rows"]))

    def _term(self, name: str, values: Any, of_rows: Any, sample_weight: Any = None) -> Any:
        """Gives this part of the mean of a term, and counts it for what `fit` shows."""
        total = "of_rows"
        if len(values.shape) == 2:  # of tokens, of which the weights say which are labelled
            of_rows, total = ops.cast(sample_weight, "float32"), "weights"
        else:  # a row may have several texts
            values = ops.mean(ops.reshape(values, (ops.shape(of_rows)[0], -1)), axis=-1)
        getattr(self, f"{name}_loss").update_state(ops.stop_gradient(values), sample_weight=of_rows)
        return global_mean(values, of_rows, total=self.total_of(total))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Counts the student's own metrics; the terms of the loss are counted where they are computed."""
        for metric in self._beside.scored:
            metric.update_state(y["label"], y_pred[OUTPUTS])
        return self.get_metrics_result()

    # -- what a run asks of a task -------------------------------------------------------------------------

    @property
    def monitor(self) -> str:
        """The score by which one student is better than another."""
        return self.student.monitor

    @property
    def labels(self) -> Any:
        """What the outputs stand for; None where nothing says."""
        return getattr(self.student, "labels", None)

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores the student by itself; see its class."""
        return self.student.evaluate_rows(rows, batch_size)

    def save_preset(self, folder: str | Path, overwrite: bool = False, card: Mapping[str, Any] | None = None) -> None:
        """Writes the student; see `BertTask.save_preset`."""
        self.student.save_preset(folder, overwrite=overwrite, card=card)

    def load_preset(self, handle: Any) -> Any:
        """Loads the student's weights; see `BertTask.load_preset`."""
        return self.student.load_preset(handle)


def _row_weights(rows: Any, sample_weight: Any) -> Any:
    """Gives the weight of each row, float32 (rows,); of weights of tokens 1 where any is."""
    if sample_weight is None:
        return rows
    weights = ops.cast(sample_weight, "float32")
    if len(weights.shape) == 1:
        return weights
    return ops.cast(ops.any(ops.reshape(weights, (ops.shape(rows)[0], -1)) > 0, axis=-1), "float32")
