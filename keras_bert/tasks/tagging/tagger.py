"""Token classification: entities and parts of speech; the rows, the head, the loss, the scores, the answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import TOKENS, has_head
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.tags.tag_rows import given_words
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.evaluation.entities import entity_scores
from keras_bert.kinds import check_kinds
from keras_bert.runtime.given_words import words_of
from keras_bert.serving.model_card import model_card
from keras_bert.tasks.base.labelled_task import LabelledTask
from keras_bert.tasks.base.labels import head_for_labels, label_list
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.tagging.batches import KeptWindows, window_batches
from keras_bert.tasks.tagging.entities import FIELDS, entities_of, in_characters
from keras_bert.tasks.tagging.given_words import GivenWords
from keras_bert.tasks.tagging.head import ARCHITECTURE, token_head
from keras_bert.tasks.tagging.portable import tagger_portable
from keras_bert.tasks.tagging.tag_set import TagSet
from keras_bert.tasks.tagging.tagged_rows import TaggedRows, ragged
from keras_bert.tasks.tagging.windows import run_in_chunks
from keras_bert.text.alignment import word_spans
from keras_bert.text.preprocessor import BertPreprocessor

LABELLED_PIECES = ("first", "all")


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
        word_separator: What stands between the words of a text, `""` for Chinese by characters: as the rows that the
            model learns from are read, so are words joined that `answer` is given.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens).

    Returns:
        float32 (batch, tokens, labels), logits.

    Raises:
        InputError: The labels are not those of the scheme, or an argument is out of its range.

    Example:
        >>> model = BertTokenClassifier.from_preset("minilm", labels=["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
        >>> model.compile(keras_bert.training.adamw(2e-4, steps=1500))
        >>> model.fit(model.batches(rows, batch_size=32, shuffle=True), epochs=3)  # doctest: +SKIP
        >>> model.answer(["Ada Lovelace lived in London."])  # doctest: +SKIP
        [[{'text': 'Ada Lovelace', 'label': 'PER', 'score': 0.99, 'start': 0, 'end': 12}, ...]]
    """

    example_names: ClassVar = ("labels", "scheme", "stride", "pieces", "document_context", "word_separator")

    architecture = ARCHITECTURE
    list_name = "entities"

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
        word_separator: str = " ",
        **kwargs: Any,
    ) -> None:
        check_arguments(BertTokenClassifier, kwargs)
        labels = label_list(labels)
        tags = TagSet(labels, scheme)
        if stride is not None and stride < 1:
            raise InputError(f"stride is {stride}; a window begins 1 token or more behind the one before")
        if pieces not in LABELLED_PIECES:
            raise InputError(f"pieces must be one of {', '.join(LABELLED_PIECES)}, received: {pieces!r}")
        logits, head = token_head(encoder, len(labels))
        super().__init__(encoder, preprocessor, logits, **kwargs)
        self._stages.windows = KeptWindows()
        self.tags = tags
        self.labels = tags.names
        self.scheme = tags.scheme
        self.constrained = constrained
        self.stride = stride
        self.pieces = pieces
        self.document_context = document_context
        self.word_separator = word_separator
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
        saved = check_kinds(cls, checkpoint.extra.get("tagging", {}), checkpoint.source) if is_trained else {}
        if set(labels) != set(own_labels or ()):
            saved.pop("scheme", None)  # of names that are no longer there
        model = cls(encoder, preprocessor, labels, **{**saved, **options})
        model.load_checkpoint(checkpoint, new=[] if is_trained else ["classifier."])
        model.tags.note_odd_labels(checkpoint.source)
        return model

    @property
    def monitor(self) -> str:  # of entities, or of single words
        """The score by which one model is better than another."""
        return "f1" if self.tags.has_entities else "accuracy"

    @property
    def row_labels(self) -> list[str]:
        """The tags that rows may have: those of IOB2 where the labels mark entities, whatever their own scheme."""
        return self.tags.row_labels

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
        return self._rows().features(rows)

    def batches(
        self,
        rows: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take, windows of like length together.

        The windows of all rows are made here, at once, and held in memory.

        Args:
            rows: As `keras_bert.data.read_tags` and `tag_rows` make them, or what `tag_rows` takes.
            batch_size: Windows a batch; the last one may be smaller. A text within `max_length` is one window.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Windows in the order of the rows, with more padding.
            begin: The first batch to make; those before it are left out.

        Returns:
            Dataset of `(inputs, targets, weights)`; targets int32 and weights float32 (batch, tokens).

        Raises:
            InputError: The rows have no labelled words.
        """
        options: dict[str, Any] = {"shuffle": shuffle, "seed": seed, "keep_order": keep_order, "begin": begin}
        if isinstance(rows, PreparedExamples):
            return self.prepared_batches(rows, batch_size, **options)
        windows = self._stages.windows.of(self._rows(), rows, self._settings())
        return window_batches(windows, self.preprocessor.pad, batch_size, **options)

    def _rows(self) -> TaggedRows:
        names = ("stride", "pieces", "document_context", "word_separator")
        return TaggedRows(self.preprocessor, self.tags, *(getattr(self, name) for name in names))

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Turns tags of rows, string (rows, (words)), into numbers of labels, int32 (words,).

        Raises:
            tf.errors.InvalidArgumentError: A tag that is none of the labels, named in the message.
        """
        return (self.tags.numbers(ragged(labels)),)

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

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores labelled rows by their entities, or by their words where these have plain labels.

        Args:
            rows: As `batches` takes them.
            batch_size: Windows a batch.

        Returns:
            `loss`, and what `scores` gives.
        """
        predicted, targets, losses = self._given_words(batch_size).predict(rows)
        return {"loss": float(np.mean(losses)), **self.scores(targets, predicted)}

    def predict_rows(self, rows: Any, batch_size: int = 64) -> tuple[Any, Any]:
        """Labels the words of labelled rows.

        Returns:
            The labels that the model gives, and the true ones: a list of strings for each row, in the order of `rows`.

        Raises:
            InputError: There are no rows, or they have no labelled words.
        """
        predicted, targets, _ = self._given_words(batch_size).predict(rows)
        return predicted, targets

    def scores(self, targets: Any, outputs: Any) -> dict[str, float]:
        """Scores labels against the true ones: see `entity_scores`; of plain labels the accuracy.

        Args:
            targets: A list of strings for each row.
            outputs: As many.
        """
        if not self.tags.has_entities:
            pairs = [pair for row in zip(targets, outputs, strict=True) for pair in zip(*row, strict=True)]
            return {"accuracy": sum(first == second for first, second in pairs) / len(pairs)}
        # All types every time: a log has a column for each.
        given, true = ([self.tags.to_iob2(row) for row in rows] for rows in (outputs, targets))
        return entity_scores(true, given, self.tags.entity_types)

    def _given_words(self, batch_size: int, stage: str = "forward") -> GivenWords:
        return GivenWords(self._rows(), getattr(self._stages, stage), self.constrained, batch_size)

    # -- answers -----------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → pieces → windows → labels of words → entities.

        Args:
            *texts: string (batch,), one tensor.

        Returns:
            `text`, `label`, `score`, `start`, `end` (bytes), each (batch, most entities of a text), and `count` int32
            (batch,), see `entities_of`. With a plain scheme every word is one.
        """
        (text,) = texts
        pieces, windows = self._rows().cut({"text": text})
        inputs = self.preprocessor.pad(windows.inputs)
        logits = run_in_chunks(lambda part: self(part, training=False), inputs)
        of_pieces = tf.gather_nd(logits, tf.stack([windows.window, windows.place], 1))
        first_piece, row, starts, ends = word_spans(pieces)
        scores = tf.nn.log_softmax(tf.gather(of_pieces, first_piece))
        by_row = tf.RaggedTensor.from_value_rowids(scores, row, pieces.ids.nrows())
        labels = self.tags.decode(by_row, self.constrained)
        probability = tf.exp(tf.gather(scores, labels, batch_dims=1))
        return entities_of(text, labels, probability, row, starts, ends, self.labels, self.scheme)

    def answers(self, outputs: Any) -> Tensors:
        """Turns logits into the likeliest label of each token, in the graph, for callers that tokenize themselves.

        Args:
            outputs: float32 (batch, tokens, labels), logits.

        Returns:
            `label` string and `score` float32 (batch, tokens); those of special tokens and padding mean nothing.
        """
        scores = tf.nn.softmax(self.tags.hide_fillers(outputs))
        label = tf.gather(tf.constant(self.labels), tf.argmax(scores, axis=-1))
        return {"label": label, "score": tf.reduce_max(scores, axis=-1)}

    def answer(self, texts: Sequence[Text], batch_size: int = 32) -> list[Any]:
        """Finds the entities of texts; with a plain scheme, labels their words.

        Args:
            texts: Strings of any length, or dicts with `text`; or lists of words, or dicts with `words`, for texts that
                are split already: these words are labelled. Or a table with one of these columns.
            batch_size: Texts a batch; texts of like length share one.

        Returns:
            For each text a list of dicts, in the order of the text: `text`, `label`, `score`, and `start` and `end` in
            characters: `text[start:end]` is the entity. Of texts that are given as bytes, `start` and `end` are in
            bytes, of words in words.

        Raises:
            InputError: Not a list, or one of the texts is not a string.

        Example:
            >>> model.answer(["Ada Lovelace lived in London."])  # doctest: +SKIP
            [[{'text': 'Ada Lovelace', 'label': 'PER', 'score': 0.99, 'start': 0, 'end': 12}, ...]]
            >>> model.answer([["Ada", "Lovelace", "lived", "in", "London", "."]])  # doctest: +SKIP
            [[{'text': 'Ada Lovelace', 'label': 'PER', 'score': 0.99, 'start': 0, 'end': 2}, ...]]
        """
        texts = texts if (table_words := given_words(texts)) is None else table_words
        if not isinstance(texts, list | tuple) or not any(isinstance(text, list | tuple | Mapping) for text in texts):
            given = given_texts(texts, self.text_fields)
            return list(map(in_characters, given, super().answer(given, batch_size)))
        words = {index: found for index, text in enumerate(texts) if (found := words_of(index, text)) is not None}
        strings = [text for index, text in enumerate(texts) if index not in words]
        answered = iter(super().answer(strings, batch_size))
        by_words = iter(self._given_words(batch_size, "alone").answer(list(words.values())))
        return [next(by_words) if i in words else in_characters(text, next(answered)) for i, text in enumerate(texts)]

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

    def portable(self) -> Portable:
        """Returns what other formats need: `logits` float32 (batch, tokens, labels)."""
        return tagger_portable(self)

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
        names = ("scheme", "constrained", "stride", "pieces", "document_context", "word_separator")
        return {name: getattr(self, name) for name in names}

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `BertTask.card`."""
        description = {"problem_type": "token_classification", **self.metadata()}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]  # a text is labelled by itself
        return {**config, "labels": list(self.labels), **self._settings()}
