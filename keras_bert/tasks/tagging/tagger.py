"""Token classification: entities and parts of speech; the rows, the head, the loss, the scores, the answers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import TOKENS, has_head
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.data.batching.batches import batches
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.data.tags.tag_schemes import (
    SCHEMES,
    allowed_transitions,
    continuations,
    label_types,
    scheme_of_labels,
    to_iob2,
)
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.entities import entity_scores
from keras_bert.serving.model_card import model_card
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.labels import head_for_labels, label_list
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.tagging.entities import FIELDS, entities_of, in_characters
from keras_bert.tasks.tagging.head import ARCHITECTURE, token_head
from keras_bert.tasks.tagging.windows import TokenWindows, cut_into_windows, run_by_length, run_in_chunks
from keras_bert.text.alignment import Alignment, Pieces, align, cut_into_pieces, word_spans
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.tag_decoding import best_path

LABELLED_PIECES = ("first", "all")
_ROWS = 8192  # tokenized at once


@keras.saving.register_keras_serializable(package="keras_bert")
class BertTokenClassifier(LabelledTask):
    """BERT that labels the words of a text: entities, parts of speech.

    The head is dropout → linear on the hidden state of each token (arXiv:1810.04805, 5.3). The label of a word is that
    of its first piece. Texts may be of any length: they are cut into windows that overlap, and each token is labelled
    in the window in which it has the most context.

    Args:
        encoder: The encoder, without a pooler.
        preprocessor: Turns strings into the encoder's inputs; its `max_length` is that of a window.
        labels: Names of the labels in the order of the logits, such as `keras_bert.data.tag_labels` makes them.
        scheme: How the labels mark entities, one of `keras_bert.data.tag_schemes.SCHEMES`; None: `scheme_of_labels`.
        constrained: Answer the likeliest sequence that the scheme allows, not the likeliest label of each word alone.
        stride: Tokens from the begin of one window to that of the next; None: half a window.
        pieces: What the loss counts: the `first` piece of each word, or `all` of them.
        document_context: In rows that say which document they are of, the neighbours of a row are its context.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, tokens, labels), logits.

    Raises:
        InputError: The labels are not those of the scheme, or an argument is out of its range.

    Example:
        >>> rows = keras_bert.data.read_tags("conll2003/train.txt")  # doctest: +SKIP
        >>> model = BertTokenClassifier.from_preset("minilm", labels=keras_bert.data.tag_labels(rows))  # doctest: +SKIP
        >>> model.compile(keras_bert.training.adamw(2e-4, steps=1500))  # doctest: +SKIP
        >>> model.fit(model.batches(rows, batch_size=32, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer(["Ada Lovelace lived in London."])  # doctest: +SKIP
        [[{'text': 'Ada Lovelace', 'label': 'PER', 'score': 0.99, 'start': 0, 'end': 12}, ...]]
    """

    architecture = ARCHITECTURE

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        labels: Sequence[str],
        scheme: str | None = None,
        constrained: bool = True,
        stride: int | None = None,
        pieces: str = "first",
        document_context: bool = False,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertTokenClassifier, kwargs)
        labels = label_list(labels)
        scheme = scheme or scheme_of_labels(labels)
        _check(labels, scheme, stride, pieces)
        logits, head = token_head(encoder, len(labels))
        super().__init__(encoder, preprocessor, logits, **kwargs)
        self._stages.windows = (None, None, None)
        self.labels = tuple(labels)
        self.scheme = scheme
        self.constrained = constrained
        self.stride = stride
        self.pieces = pieces
        self.document_context = document_context
        self.classifier = head

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        labels: Sequence[str] | None = None,
        max_length: int | None = None,
        *,
        dtype: Any = None,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertTokenClassifier":
        """Opens a checkpoint of any known format as a token classifier.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            labels: Names of the labels; None: the checkpoint's own or `LABEL_0`, ...; see `BertClassifier.from_preset`.
            max_length: Length of a window in tokens; None takes the checkpoint's own.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor; those not given are the checkpoint's own.

        Raises:
            InputError: The checkpoint does not open, or has no labels of tokens and `labels` is None.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        own_labels = checkpoint.labels if has_head(checkpoint, TOKENS) else None
        missing = "no labels of tokens there; say which there are, labels=[...]"
        checkpoint, labels, is_trained = head_for_labels(checkpoint, own_labels, labels, missing)
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, False, {})
        saved = dict(checkpoint.extra.get("tagging", {})) if is_trained else {}
        if set(labels) != set(own_labels or ()):
            saved.pop("scheme", None)  # of names that are no longer there
        model = cls(encoder, preprocessor, labels, **{**saved, **options})
        model.load_checkpoint(checkpoint, new=[] if is_trained else ["classifier."])
        return model

    @property
    def monitor(self) -> str:  # of entities, or of single words
        """The score by which one model is better than another."""
        return "accuracy" if self.scheme == "plain" else "f1"

    # -- rows to windows ---------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into windows: `(inputs,)`, or `(inputs, targets, weights)`.

        Args:
            rows: As `keras_bert.data.read_tags` makes them: `text` string (batch,); for training also `starts` and
                `ends` int64 (batch, (words)), `label` string (batch, (words)), and `document` int64 (batch,).

        Returns:
            `inputs`: `token_ids` and `segment_ids`, int32 RaggedTensors (windows, (tokens)). `targets` int32 and
            `weights` float32, likewise: the weight of a piece is 1 in one window if its label counts, 0 elsewhere.
        """
        pieces, windows = self._cut(rows)
        if "label" not in rows:
            return (windows.inputs,)
        targets, weights = self._piece_targets(rows, pieces, self._align(rows, pieces))
        at = windows.piece
        known = tf.maximum(at.values, 0)
        number = tf.cast(row_ids(at.row_splits), tf.int32)
        counts = (at.values >= 0) & (tf.gather(_padded(windows.window, -1), known) == number)
        own = tf.where(counts, tf.gather(_padded(weights, 0.0), known), 0.0)
        return windows.inputs, at.with_values(tf.gather(_padded(targets, 0), known)), at.with_values(own)

    def batches(
        self,
        rows: tf.data.Dataset,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take, windows of like length together.

        The windows of all rows are made here, at once, and held in memory.

        Args:
            rows: As `keras_bert.data.read_tags` makes them.
            batch_size: Windows a batch; the last one may be smaller. A text within `max_length` is one window.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Windows in the order of the rows, with more padding.

        Returns:
            Dataset of `(inputs, targets, weights)`; targets int32 and weights float32 (batch, tokens).

        Raises:
            InputError: The rows have no labelled words.
        """
        _check_labelled(rows)
        windows = tf.data.Dataset.from_tensor_slices(self._windows_of(rows))

        def split(window: Mapping[str, Any]) -> tuple[Any, ...]:
            names = ("token_ids", "segment_ids")
            return {name: _ragged(window[name]) for name in names}, _ragged(window["target"]), _ragged(window["weight"])

        def dense(inputs: Any, targets: Any, weights: Any) -> tuple[Any, ...]:
            shape = tf.shape(inputs["token_ids"])
            return inputs, targets.to_tensor(shape=shape), weights.to_tensor(shape=shape)

        plain = windows.map(lambda window: {name: tf.convert_to_tensor(value) for name, value in window.items()})
        options: dict[str, Any] = {"shuffle": shuffle, "seed": seed, "keep_order": keep_order}
        return batches(plain, split, self.preprocessor.pad, batch_size, **options).map(dense)

    def _windows_of(self, rows: tf.data.Dataset) -> dict[str, tf.RaggedTensor]:
        """Makes the windows of all rows; those of the last rows are kept, as epochs ask for the same ones."""
        known_rows, known_settings, windows = self._stages.windows
        if known_rows is not rows or known_settings != self._settings():
            parts = [self.features(chunk) for chunk in self._chunks(rows)]
            if not parts:
                raise InputError("there are no rows to make batches of")

            def join(*tensors: Any) -> Any:
                return tf.concat(tensors, 0)

            inputs, targets, weights = (tf.nest.map_structure(join, *part) for part in zip(*parts, strict=True))
            windows = {**inputs, "target": targets, "weight": weights}
            self._stages.windows = (rows, self._settings(), windows)
        return windows

    def _cut(self, rows: Mapping[str, Any]) -> tuple[Pieces, TokenWindows]:
        pieces = cut_into_pieces(self.tokenizer, rows["text"])
        documents = rows["document"] if self.document_context and "document" in rows else None
        stride = self.stride or max(1, (self.preprocessor.max_length - 2) // 2)
        return pieces, cut_into_windows(pieces.ids, self.preprocessor, stride, documents)

    def _align(self, rows: Mapping[str, Any], pieces: Pieces) -> Alignment:
        return align(pieces, _ragged(rows["starts"]), _ragged(rows["ends"]))

    def _piece_targets(self, rows: Mapping[str, Any], pieces: Pieces, alignment: Alignment) -> tuple[Any, Any]:
        """Returns the label of each piece, int32 (pieces,), and whether it counts, float32 (pieces,)."""
        of_words = self.targets(_ragged(rows["label"]).values)[0]
        label = tf.gather(_padded(of_words, 0), tf.maximum(alignment.word, 0))
        inner = tf.gather(tf.constant(continuations(self.labels, self.scheme)), label)
        counts = alignment.word >= 0
        if self.pieces == "first":
            counts &= pieces.begins_word
        return tf.where(alignment.is_first, label, inner), tf.cast(counts, tf.float32)

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Turns tags, string (words,), into numbers, int32 (words,).

        Raises:
            InputError: The labels of the model are of a scheme that rows do not have.
            tf.errors.InvalidArgumentError: A tag that is none of the labels, named in the message.
        """
        if self.scheme not in ("IOB2", "plain"):
            raise InputError(
                f"the model's labels are {self.scheme}, rows have IOB2; give it labels=tag_labels(rows) to train or "
                "score it on them"
            )
        found = labels[:, None] == tf.constant(self.labels)
        known = tf.reduce_any(found, axis=1)
        unknown = tf.boolean_mask(labels, tf.logical_not(known))
        shown = ", ".join(self.labels[:10]) + (", ..." if len(self.labels) > 10 else "")
        tf.debugging.Assert(tf.reduce_all(known), ["unknown tag:", unknown, f"; the labels are: {shown}"])
        return (tf.argmax(found, axis=1, output_type=tf.int32),)

    def _chunks(self, rows: tf.data.Dataset) -> Iterator[dict[str, Any]]:
        """Yields rows some at a time; all at once where they are each other's context."""
        count = int(rows.cardinality()) if self.document_context else _ROWS
        yield from rows.ragged_batch(max(count, 1))

    # -- training ----------------------------------------------------------------------------------------

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Keras' `compile`; unless told otherwise with the cross-entropy and the accuracy of what is labelled."""
        if metrics is None and "weighted_metrics" not in kwargs:
            kwargs["weighted_metrics"] = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        super().compile(optimizer, loss, metrics, **kwargs)

    def default_loss(self) -> keras.losses.Loss:
        """Returns the softmax cross-entropy in float32, a mean over the labelled pieces of the batch."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight", dtype="float32"
        )

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns no metric, as those without weights would count padding."""
        return []

    def evaluate_rows(self, rows: tf.data.Dataset, batch_size: int = 64) -> dict[str, float]:
        """Scores labelled rows by their entities, or by their words where these have plain labels.

        Args:
            rows: As `keras_bert.data.read_tags` makes them.
            batch_size: Windows a batch.

        Returns:
            `loss`, and what `scores` gives.
        """
        (predicted, losses), targets = self._predict(rows, batch_size)
        return {"loss": float(np.mean(losses)), **self.scores(targets, predicted)}

    def predict_rows(self, rows: tf.data.Dataset, batch_size: int = 64) -> tuple[Any, Any]:
        """Labels the words of labelled rows.

        Returns:
            The labels that the model gives, and the true ones: a list of strings for each row, in the order of `rows`.

        Raises:
            InputError: There are no rows, or they have no labelled words.
        """
        (predicted, _), targets = self._predict(rows, batch_size)
        return predicted, targets

    def scores(self, targets: Any, outputs: Any) -> dict[str, float]:
        """Scores labels against the true ones: see `entity_scores`; of plain labels the accuracy.

        Args:
            targets: A list of strings for each row.
            outputs: As many.
        """
        if self.scheme == "plain":
            pairs = [pair for row in zip(targets, outputs, strict=True) for pair in zip(*row, strict=True)]
            return {"accuracy": sum(first == second for first, second in pairs) / len(pairs)}
        # All types every time: a log has a column for each.
        types = sorted({type_ for type_ in label_types(self.labels, self.scheme) if type_})
        return entity_scores(targets, [to_iob2(labels) for labels in outputs], types)

    def _predict(self, rows: tf.data.Dataset, batch_size: int) -> tuple[tuple[list, np.ndarray], list]:
        """Returns the labels given and the loss of each labelled piece, and the true labels."""
        _check_labelled(rows)
        predicted: list[list[str]] = []
        targets: list[list[str]] = []
        losses = []
        for chunk in self._chunks(rows):
            pieces, windows = self._cut(chunk)
            logits = run_by_length(self._stages.forward, windows, self.preprocessor, batch_size)
            alignment = self._align(chunk, pieces)
            wanted, weights = (tensor.numpy() for tensor in self._piece_targets(chunk, pieces, alignment))
            log_probabilities = tf.nn.log_softmax(logits).numpy()
            counted = np.flatnonzero(weights)
            losses.append(-log_probabilities[counted, wanted[counted]])
            labels = _ragged(chunk["label"])
            given = self._label_words(log_probabilities, alignment.first_piece, labels)
            predicted += [[self.labels[label] for label in row] for row in given.to_list()]
            targets += [[tag.decode() for tag in row] for row in labels.to_list()]
        if not targets:
            raise InputError("there are no rows to evaluate")
        return (predicted, np.concatenate(losses)), targets

    def _label_words(self, log_probabilities: Any, first_piece: tf.Tensor, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Labels given words; one that no piece tells of goes on with the word before it, or is labelled 0 (`O`)."""
        told, rows = first_piece >= 0, row_ids(words.row_splits)
        scores = tf.gather(log_probabilities, tf.boolean_mask(first_piece, told))
        of_rows = tf.RaggedTensor.from_value_rowids(scores, tf.boolean_mask(rows, told), words.nrows())
        path, rows, inner = self._decode(of_rows).numpy(), rows.numpy(), continuations(self.labels, self.scheme)
        labels = np.zeros(len(rows), np.int32)
        labels[told.numpy()] = path
        for word in np.flatnonzero(~told.numpy()):
            if word and rows[word] == rows[word - 1]:
                labels[word] = inner[labels[word - 1]]
        return words.with_values(labels)

    # -- answers -----------------------------------------------------------------------------------------

    def _decode(self, scores: tf.RaggedTensor) -> tf.Tensor:
        """Chooses the label of each word, int32 (words,), by log-probabilities (rows, (words), labels)."""
        scheme = self.scheme if self.constrained else "plain"
        return best_path(scores, allowed_transitions(self.labels, scheme))

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → pieces → windows → labels of words → entities.

        Args:
            *texts: string (batch,), one tensor.

        Returns:
            `text`, `label`, `score`, `start`, `end` (bytes), each (batch, most entities of a text), and `count` int32
            (batch,), see `entities_of`. With a plain scheme every word is one.
        """
        (text,) = texts
        pieces, windows = self._cut({"text": text})
        inputs = self.preprocessor.pad(windows.inputs)
        logits = run_in_chunks(lambda part: self(part, training=False), inputs)
        of_pieces = tf.gather_nd(logits, tf.stack([windows.window, windows.place], 1))
        first_piece, row, starts, ends = word_spans(pieces)
        scores = tf.nn.log_softmax(tf.gather(of_pieces, first_piece))
        labels = self._decode(tf.RaggedTensor.from_value_rowids(scores, row, pieces.ids.nrows()))
        probability = tf.exp(tf.gather(scores, labels, batch_dims=1))
        return entities_of(text, labels, probability, row, starts, ends, self.labels, self.scheme)

    def answers(self, outputs: Any) -> Tensors:
        """Turns logits into the likeliest label of each token, in the graph, for callers that tokenize themselves.

        Args:
            outputs: float32 (batch, tokens, labels), logits.

        Returns:
            `label` string and `score` float32 (batch, tokens); those of special tokens and padding mean nothing.
        """
        scores = tf.nn.softmax(outputs)
        label = tf.gather(tf.constant(self.labels), tf.argmax(outputs, axis=-1))
        return {"label": label, "score": tf.reduce_max(scores, axis=-1)}

    def answer(self, texts: Sequence[Text], batch_size: int = 32) -> list[Any]:
        """Finds the entities of texts; with a plain scheme, labels their words.

        Args:
            texts: Strings of any length, or dicts with `text`.
            batch_size: Texts a batch; texts of like length share one.

        Returns:
            For each text a list of dicts, in the order of the text: `text`, `label`, `score`, and `start` and `end` in
            characters: `text[start:end]` is the entity. Of texts that are given as bytes, `start` and `end` are in
            bytes.

        Raises:
            InputError: Not a list, or one of the texts is not a string.

        Example:
            >>> model.answer(["Ada Lovelace lived in London."])  # doctest: +SKIP
            [[{'text': 'Ada Lovelace', 'label': 'PER', 'score': 0.99, 'start': 0, 'end': 12}, ...]]
        """
        given = given_texts(texts, self.text_fields)
        return list(map(in_characters, given, super().answer(given, batch_size)))

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[Any]:
        """Turns the arrays of `answer_strings` into a list of dicts for each text, places in bytes."""
        rows = zip(*(answers[name].tolist() for name in FIELDS), answers["count"], strict=True)
        return [
            [dict(zip(FIELDS, entity, strict=True)) for entity in list(zip(*columns, strict=True))[:count]]
            for *columns, count in rows
        ]

    # -- folders -----------------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names."""
        return dense_weights("classifier", self.classifier)

    def metadata(self) -> dict[str, Any]:
        """Returns the labels, as `config.json` has them."""
        return {
            "id2label": {str(index): label for index, label in enumerate(self.labels)},
            "label2id": {label: index for index, label in enumerate(self.labels)},
        }

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        return {"tagging": self._settings()}

    def _settings(self) -> dict[str, Any]:
        names = ("scheme", "constrained", "stride", "pieces", "document_context")
        return {name: getattr(self, name) for name in names}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        description = {"problem_type": "token_classification", **self.metadata()}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]  # a text is labelled by itself
        return {**config, "labels": list(self.labels), **self._settings()}


def _check(labels: list[str], scheme: str, stride: int | None, pieces: str) -> None:
    if doubled := sorted({label for label in labels if labels.count(label) > 1}):
        raise InputError(f"labels: {doubled[0]!r} is there more than once")
    if len(labels) < 2:
        raise InputError(f"labels: a token classifier needs at least 2, received: {labels}")
    if scheme not in SCHEMES:
        raise InputError(f"scheme must be one of {', '.join(SCHEMES)}, received: {scheme!r}")
    if scheme != "plain" and scheme_of_labels(labels) == "plain":
        raise InputError(f"labels: not those of {scheme}, 'O' and a letter, '-' and a type each: {', '.join(labels)}")
    if stride is not None and stride < 1:
        raise InputError(f"stride is {stride}; a window begins 1 token or more behind the one before")
    if pieces not in LABELLED_PIECES:
        raise InputError(f"pieces must be one of {', '.join(LABELLED_PIECES)}, received: {pieces!r}")


def _check_labelled(rows: Any) -> None:
    spec = getattr(rows, "element_spec", ())
    missing = {"text", "starts", "ends", "label"} - set(spec if isinstance(spec, dict) else ())
    if missing:
        raise InputError(f"the rows have no {', '.join(sorted(missing))}: read them with keras_bert.data.read_tags")


def _ragged(rows: Any) -> tf.RaggedTensor:
    """Makes ragged rows also of rows that are all of one length, which come as a tensor."""
    return rows if isinstance(rows, tf.RaggedTensor) else tf.RaggedTensor.from_tensor(rows)


def _padded(values: tf.Tensor, value: Any) -> tf.Tensor:
    """Adds a value, so that there is one to gather where there are none."""
    return tf.concat([values, tf.constant([value], values.dtype)], 0)
