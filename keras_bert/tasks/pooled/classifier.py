"""Classification of a text or a pair of texts: the rows, the head, the loss, the scores, the answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.new_vocabulary import add_entries
from keras_bert.data.class_names import class_name, class_names, named_weights
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.glue import scores
from keras_bert.evaluation.relations import has_directions, relation_scores
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labels import head_for_labels, warn_of_fresh_head
from keras_bert.tasks.base.long_texts import WindowReading, without_long_texts
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.pooled.class_answers import ClassAnswers, kept_calibration
from keras_bert.tasks.pooled.class_checks import check_classes
from keras_bert.tasks.pooled.class_numbers import ClassNumbers
from keras_bert.tasks.pooled.class_task import ClassTask
from keras_bert.tasks.pooled.head import (
    ARCHITECTURE,
    MARKERS,
    MULTI_LABEL,
    SINGLE_LABEL,
    classes_of,
    own_architecture,
    pooled_head,
    takes_pairs,
)
from keras_bert.tasks.pooled.label_set_accuracy import LabelSetAccuracy
from keras_bert.tasks.pooled.loss import ClassificationLoss
from keras_bert.tasks.pooled.markers import marker_ids, warn_of_unmarked
from keras_bert.tasks.pooled.portable import pooled_portable
from keras_bert.text.markers import MARKERS as MARKER_TOKENS
from keras_bert.text.markers import has_tokens
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids


@keras.saving.register_keras_serializable(package="keras_bert")
class BertClassifier(ClassTask):
    """BERT that says which class, or which classes, a text belongs to.

    The head is BERT's own: pooled output → dropout → linear, one logit a class (arXiv:1810.04805, 4.1). With
    one label a text the probabilities are a softmax; with several (`multi_label_classification`) each class
    has its own sigmoid.

    Args:
        encoder: The encoder; with a pooler if `pooling` is `"pooler"`, without otherwise.
        preprocessor: Turns strings into the encoder's inputs.
        labels: Names of the classes, in the order of the logits.
        problem_type: `"single_label_classification"` or `"multi_label_classification"`.
        pooling: What the head reads: `"pooler"` (BERT's own), or the `"cls"`, `"mean"` or `"max"` of the
            hidden states. Only `"pooler"` opens in `transformers` with the same logits. `"markers"`, for relations:
            the hidden states of the markers `<e1>` and `<e2>` before the two entities of a text, side by side
            (Baldini Soares et al. 2019, arXiv:1906.03158); the preprocessor has `markers`.
        class_weights: Label → weight of its rows in the loss; labels not named weigh 1.
        label_smoothing: Share of the probability spread over all classes in the loss.
        threshold: For several labels: classes with at least this probability are answered.
        temperature: What logits are divided by to become probabilities, see `calibrate`.
        abstain_below: Answers with a lower score are not `sure`, see `calibrate`.
        text_pair: The task takes two texts a row.
        window_pooling: With a preprocessor of `long_texts="windows"`: what becomes of the vectors of a text's windows,
            `"mean"` (by default), `"max"` or `"attention"`, which is learned.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, classes), logits.

    Raises:
        InputError: Too few labels, one of them twice, weights for unknown ones, or a number out of its range.

    Example:
        >>> model = BertClassifier.from_preset("minilm", labels=["negative", "positive"])
        >>> model.predict(model.preprocessor(["a gripping film", "a dull film"]), verbose=0).shape  # logits
        (2, 2)
        >>> model.compile(keras_bert.training.adamw(3e-5, steps=6000))
        >>> model.fit(model.batches(rows, batch_size=32, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer(["a gripping film"])  # doctest: +SKIP
        [{'label': 'positive', 'score': 0.998}]
    """

    example_names: ClassVar = ("text_pair", "labels", "problem_type", "class_weights")

    architecture = ARCHITECTURE
    monitor = "accuracy"
    can_show_scores = True

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        labels: Sequence[str],
        problem_type: str = SINGLE_LABEL,
        pooling: str = "pooler",
        class_weights: Mapping[str, float] | None = None,
        label_smoothing: float = 0.0,
        threshold: float = 0.5,
        temperature: float = 1.0,
        abstain_below: float = 0.0,
        text_pair: bool = False,
        window_pooling: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertClassifier, kwargs)
        labels, class_weights = class_names(labels), named_weights(class_weights)
        check_classes(labels, problem_type, class_weights, label_smoothing, threshold)
        reading = ClassAnswers(tuple(labels), problem_type, threshold, temperature, abstain_below)
        self.marker_ids = marker_ids(preprocessor) if pooling == MARKERS else ()
        windows = WindowReading(encoder, preprocessor, window_pooling)
        logits, head = pooled_head(encoder, len(labels), pooling, self.marker_ids, windows)
        super().__init__(reading, encoder, preprocessor, logits, head, pooling, text_pair, windows, **kwargs)
        self.labels = tuple(labels)
        self.problem_type = problem_type
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing
        self.threshold = threshold
        self._stages.numbers = ClassNumbers(labels)

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        labels: Sequence[str] | None = None,
        max_length: int | None = None,
        *,
        problem_type: str | None = None,
        pooling: str | None = None,
        text_pair: bool | None = None,
        truncation: str | None = None,
        dtype: Any = None,
        new_pooler: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertClassifier":
        """Opens a checkpoint of any known format as a classifier.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            labels: Names of the classes; None takes the checkpoint's own, `LABEL_0`, ... where it has none. Its
                head is taken for the same names, in whatever order, and for any as many where either side only
                numbers its classes (`LABEL_0`, `0`); for others a new head starts, with a warning.
            max_length: Longest input in tokens; None takes the checkpoint's own.
            problem_type: As in the constructor; None takes the checkpoint's own.
            pooling: As in the constructor; None takes the checkpoint's own, or `"pooler"`.
            text_pair: As in the constructor; None takes the checkpoint's own, True for a `CrossEncoder` of
                sentence-transformers, else False: Hugging Face does not record it.
            truncation: See `BertPreprocessor`; None takes the checkpoint's own.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_pooler: Start the pooler afresh, for checkpoints whose pooler was never trained.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor; and `long_texts`, `head_tokens`, `window_stride` and
                `max_windows`, see `BertPreprocessor`, and `positions`, `"hierarchical"` for more than the checkpoint
                has, see `longer_positions`.

        Raises:
            InputError: The checkpoint does not open, or has no classes and `labels` is None.
        """
        check_options(cls, without_long_texts(options))
        checkpoint = open_preset(handle, pad_vocabulary)
        saved = checkpoint.extra
        own_labels, own_type = classes_of(checkpoint)
        missing = "no classifier there; say the classes, labels=[...]"
        own_labels = own_labels and [class_name(label) for label in own_labels]
        labels = labels if labels is None else class_names(labels)
        checkpoint, labels, is_trained = head_for_labels(checkpoint, own_labels, labels, missing)
        pooling = pooling or saved.get("pooling", "pooler")
        if is_trained and pooling != saved.get("pooling", "pooler") and MARKERS in (pooling, saved.get("pooling")):
            warn_of_fresh_head(checkpoint, f"pooling={pooling!r} gives it vectors of another size")
            is_trained = False
        settings: dict[str, Any] = {"truncation": truncation}
        if pooling == MARKERS:
            checkpoint, settings["markers"] = add_entries(checkpoint, MARKER_TOKENS), MARKER_TOKENS
        return cls._from_checkpoint(
            checkpoint,
            max_length,
            dtype,
            settings,
            pooling=pooling,
            is_trained=is_trained,
            new_pooler=new_pooler,
            labels=labels,
            problem_type=problem_type or own_type or SINGLE_LABEL,
            text_pair=takes_pairs(checkpoint) if text_pair is None else text_pair,
            **{"threshold": saved.get("threshold", 0.5), **(kept_calibration(saved) if is_trained else {}), **options},
        )

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """As for every task; with `pooling="markers"` also checks that labelled texts have their markers.

        Raises:
            tf.errors.InvalidArgumentError: A labelled text without `<e1>` or `<e2>` in its first `max_length` tokens.
        """
        features = super().features(rows)
        if self.pooling == MARKERS and "label" in rows:
            marked = self.is_marked(features[0]["token_ids"])
            unmarked = tf.boolean_mask(rows["text"], tf.logical_not(marked))
            tf.debugging.Assert(tf.reduce_all(marked), ["no <e1> or no <e2> in, or cut off from:", unmarked])
        return features

    def is_marked(self, token_ids: Any) -> tf.Tensor:
        """Says which texts, packed or padded, hold the markers that `pooling="markers"` reads: bool (batch,)."""
        return has_tokens(token_ids, self.marker_ids)

    def answer_strings(self, *texts: Any) -> Tensors:
        """As for every task; with `pooling="markers"` also `marked`, bool (batch,), see `answer`."""
        return self._answers_to(**self.preprocessor(*texts))

    def _answers_to(self, **inputs: Any) -> Tensors:
        answers = self.answers(self.outputs_of(inputs))
        return {**answers, "marked": self.is_marked(inputs["token_ids"])} if self.pooling == MARKERS else answers

    def check_labels(self, labels: Any) -> None:
        """Refuses labels that are none of the classes, an `InputError` that names the first row with one."""
        several = self.problem_type == MULTI_LABEL
        if several == (len(labels.shape) == 2) or not several:
            self._stages.numbers.check(labels, marks=several)

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Turns labels into class numbers.

        Args:
            labels: string (batch,); for several labels a string (batch, labels), ragged or not. Numbers and booleans
                are understood as `ClassNumbers` says; a row of zeros and ones has a place for each class.

        Returns:
            `(targets,)`, or `(targets, weights)` with class weights: targets int32 (batch,), for several
            labels float32 (batch, classes) of zeros and ones; weights float32 (batch,).

        Raises:
            tf.errors.InvalidArgumentError: A label that is none of `labels`, named in the message.
        """
        numbers: ClassNumbers = self._stages.numbers
        if self.problem_type == MULTI_LABEL:
            if labels.shape.rank != 2:
                raise InputError("with several labels a row, the label of a row is a list of names")
            if labels.dtype != tf.string:
                return (numbers.checked_marks(labels),)
            if not isinstance(labels, tf.RaggedTensor):
                labels = tf.RaggedTensor.from_tensor(labels)  # as many labels in every row
            at = tf.stack([tf.cast(row_ids(labels.row_splits), tf.int32), numbers.of(labels.flat_values)], axis=1)
            counts = tf.scatter_nd(at, tf.ones_like(at[:, 0]), [tf.cast(labels.nrows(), tf.int32), len(self.labels)])
            return (tf.cast(counts > 0, tf.float32),)
        if labels.shape.rank == 2 and labels.dtype == tf.string:
            raise InputError(f"rows have several labels; a classifier for these has problem_type={MULTI_LABEL!r}")
        classes = numbers.of_one_hot(labels) if labels.shape.rank == 2 else numbers.of(labels)
        if not self.class_weights:
            return (classes,)
        weights = tf.constant([float(self.class_weights.get(label, 1.0)) for label in self.labels])
        return classes, tf.gather(weights, classes)

    def answer(self, texts: Sequence[Text], batch_size: int = 32, scores: bool = False) -> list[Any]:
        """Answers texts with their classes.

        Args:
            texts: Strings, or pairs of strings for tasks on pairs, or dicts with `text` (and `text_pair`).
            batch_size: Texts a batch; texts of like length share one.
            scores: Answer with the probabilities of all classes too; with several labels a row they are always there.

        Returns:
            One dict for each text, in their order: `label` and `score`, its probability; with several labels `labels`,
            those over the threshold. `scores`: class → probability. With `abstain_below` `sure`: whether the score is
            at least that. With `pooling="markers"` `marked`, else a warning.

        Raises:
            InputError: Not a list, or one of the texts is not what the task takes.

        Example:
            >>> model.answer(["a gripping film"], scores=True)  # doctest: +SKIP
            [{'label': 'positive', 'score': 0.998, 'scores': {'negative': 0.002, 'positive': 0.998}}]
        """
        found = super().answer(texts, batch_size)
        warn_of_unmarked(found, self.preprocessor.max_length)
        if scores or self.problem_type == MULTI_LABEL:
            return found
        return [{name: value for name, value in answer.items() if name != "scores"} for answer in found]

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Returns accuracy, F1 and Matthews' correlation, as GLUE counts them.

        Of two classes `f1` is that of the second one, as GLUE has it, and `f1_X` that of class X.

        For relations with directions, `Cause-Effect(e2,e1)`, also `relation_f1`, the official score of SemEval-2010.

        Args:
            targets: As `targets` gives them.
            outputs: float32 (rows, classes), logits.
        """
        predicted = self.predicted(outputs)
        results = scores(self.problem_type, targets, predicted, num_classes=len(self.labels), names=self.labels)
        if self.problem_type == SINGLE_LABEL and has_directions(self.labels):
            names = np.array(self.labels)
            results |= relation_scores(names[targets], names[predicted])
        return results

    def default_loss(self) -> keras.losses.Loss:
        """Returns softmax cross-entropy, or for several labels the mean binary cross-entropy."""
        if self.problem_type == MULTI_LABEL:
            return keras.losses.BinaryCrossentropy(
                from_logits=True, label_smoothing=self.label_smoothing, dtype="float32"
            )
        return ClassificationLoss(self.label_smoothing)

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the accuracy, for several labels the share of rows with all of them right, as `scores` has it."""
        if self.problem_type == MULTI_LABEL:
            return [LabelSetAccuracy(self._stages.reading.logit)]
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def signatures(self) -> dict[str, Signature]:
        """Returns those of every task, and `labels`: the names of the classes in the order of `scores`.

        It takes `text` string (batch,) and gives `labels` string (batch, classes), the same row for every text: a
        server that batches refuses signatures without inputs, and outputs of another first dimension.
        """

        def name_classes(text: tf.Tensor) -> Tensors:
            return {"labels": tf.tile(tf.constant([self.labels]), [tf.size(text), 1])}

        spec = {"text": tf.TensorSpec([None], tf.string, name="text")}
        more = {"token_ids": self.token_signature(self._answers_to), "labels": Signature(name_classes, spec)}
        return {**super().signatures(), **more}

    def portable(self) -> Portable:
        """Returns what other formats need: `logits` float32 (batch, classes)."""
        fields = {name: getattr(self, name) for name in ("labels", "problem_type", "threshold")}
        fields |= {"abstain_below": self.abstain_below} if self.abstain_below else {}
        return pooled_portable(self, "classify", fields, temperature=self.temperature)

    def metadata(self) -> dict[str, Any]:
        """Returns the classes and the problem type, as `config.json` has them."""
        return {
            "id2label": {str(index): label for index, label in enumerate(self.labels)},
            "label2id": {label: index for index, label in enumerate(self.labels)},
            "problem_type": self.problem_type,
            **own_architecture(self.pooling),
        }

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {**super().extra(), "threshold": self.threshold, **self._stages.reading.settings()}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "labels": list(self.labels),
            "problem_type": self.problem_type,
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
            "threshold": self.threshold,
            "temperature": self.temperature,
            "abstain_below": self.abstain_below,
            "window_pooling": self.window_pooling,
        }
