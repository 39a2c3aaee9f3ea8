"""What all tasks share: strings in, numbers through the model, answers out."""

import functools
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, encoder_weights, load_weights
from keras_bert.checkpoints.presets import open_checkpoint
from keras_bert.checkpoints.report import LoadReport
from keras_bert.checkpoints.save import save_hugging_face
from keras_bert.data.batching.batches import batches
from keras_bert.encoder import BertEncoder, unpadded
from keras_bert.errors import InputError
from keras_bert.serving.model_card import model_card
from keras_bert.serving.saved_model import write_saved_model
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.global_batch import GlobalBatchModel
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer

Tensors = dict[str, Any]
Text = str | bytes | Sequence[str] | Mapping[str, str]


class BertTask(GlobalBatchModel):
    """A BERT with a head, and the three stages that carry strings through it.

    `features` turns rows of strings into numbers, the model itself turns numbers into outputs, `answers`
    turns outputs into answers. All three are TensorFlow graph functions; training, `answer` and the exported
    SavedModel call the same ones. Strings never enter the model: `fit` sees numbers only.

    Subclasses are the tasks; each makes its head in `__init__`, and defines `targets`, `answers`,
    `answer_rows`, `scores`, `head_weights`, `default_loss`, `default_metrics` and `metadata`.

    Args:
        encoder: The encoder, part of the model.
        preprocessor: Turns strings into the encoder's inputs.
        outputs: The head's outputs, symbolic tensors computed from `encoder.input`.
        text_pair: The task takes two texts a row.
        inputs: Further inputs of the head, int32 (batch, ...) by name.
        **kwargs: Those of `keras.Model`.

    Raises:
        InputError: The preprocessor's vocabulary or longest input does not fit the encoder.
    """

    architecture: ClassVar[str]
    """The class of `transformers` that opens a saved folder."""

    monitor: ClassVar[str]
    """The score by which one model is better than another; higher is better."""

    may_be_new: ClassVar[tuple[str, ...]] = ("classifier.", "bert.pooler.")
    """Prefixes of the Hugging Face names of weights that a checkpoint need not have."""

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        outputs: Any,
        text_pair: bool = False,
        inputs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        tokens = preprocessor.tokenizer.vocabulary_size
        if tokens != encoder.config.vocab_size:
            raise InputError(
                f"the vocabulary has {tokens} entries, the encoder's config says "
                f"vocab_size={encoder.config.vocab_size}; use the vocab.txt that belongs to the checkpoint"
            )
        if preprocessor.max_length > encoder.config.max_position_embeddings:
            raise InputError(
                f"max_length={preprocessor.max_length} is more than the encoder's position table has rows, "
                f"max_position_embeddings={encoder.config.max_position_embeddings}"
            )
        inputs = {**encoder.input, **(inputs or {})}
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        # Keras scales the loss where the model itself has the policy mixed_float16.
        self.dtype_policy = encoder.dtype_policy
        self.encoder = encoder
        self.text_pair = text_pair
        ids, strings = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.string)
        # In a namespace, which Keras does not look into: as a layer of the model the preprocessor would
        # switch XLA off for all of it.
        self._stages = types.SimpleNamespace(
            preprocessor=preprocessor,
            pad=preprocessor.pad,
            load_report=None,
            forward=tf.function(
                lambda inputs: self(inputs, training=False), input_signature=[dict.fromkeys(inputs, ids)]
            ),
            answer=tf.function(self.answer_strings, input_signature=[strings] * len(self.text_fields)),
        )

    @property
    def preprocessor(self) -> BertPreprocessor:
        """Turns strings into the encoder's inputs."""
        return self._stages.preprocessor

    @property
    def tokenizer(self) -> TokenLayer:
        """The preprocessor's tokenizer."""
        return self.preprocessor.tokenizer

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row: `("text",)` or `("text", "text_pair")`."""
        return ("text", "text_pair") if self.text_pair else ("text",)

    # -- strings to numbers ------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)`, or `(inputs, targets[, weights])`.

        Args:
            rows: `text` (and `text_pair`) string (batch,); `label` too for training.

        Returns:
            `inputs`, a dict of ragged int32 (batch, (tokens)): `token_ids` and `segment_ids`. With labels,
            also what `targets` makes of them.

        Raises:
            InputError: The rows lack a text that the task takes, or have one more.
        """
        self._check_fields(rows, "the rows have", self.text_fields)
        inputs = self.preprocessor.pack(*(rows[name] for name in self.text_fields))
        return (inputs, *self.targets(rows["label"])) if "label" in rows else (inputs,)

    def batches(
        self,
        rows: tf.data.Dataset,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take, rows of like length together.

        Args:
            rows: As `keras_bert.data.read` makes them: `text`, `text_pair` for tasks on pairs, `label`.
            batch_size: Rows a batch; the last one may be smaller.
            shuffle: In another order in every epoch.
            seed: Of the shuffling; the same seed gives the same batches.
            keep_order: Rows in the order given, with more padding.

        Returns:
            Dataset of `(inputs, targets[, weights])`; `inputs` a dict of int32 (batch, tokens).

        Example:
            >>> model.fit(model.batches(rows, batch_size=32, shuffle=True))  # doctest: +SKIP
        """
        return batches(
            rows,
            self.features,
            self._stages.pad,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            keep_order=keep_order,
        )

    # -- training ----------------------------------------------------------------------------------------

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
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

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a model loaded from a `.keras` file as it was when saved; the optimizer goes on from there."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def evaluate_rows(self, rows: tf.data.Dataset, batch_size: int = 64) -> dict[str, float]:
        """Scores labelled rows, all at once, as the task's field counts.

        Args:
            rows: Rows with `label`.
            batch_size: Rows a batch.

        Returns:
            Name → score; among them `loss`, that of training but without class weights.
        """
        outputs, targets = self.predict_rows(rows, batch_size)
        loss = self.default_loss()(targets, outputs)
        return {"loss": float(loss), **self.scores(targets, outputs)}

    def predict_rows(self, rows: tf.data.Dataset, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Runs the model over labelled rows.

        Returns:
            The outputs and the targets, row by row, in one order (not that of `rows`).

        Raises:
            InputError: There are no rows, or they have no label.
        """
        if "label" not in rows.element_spec:
            raise InputError("the rows have no label: name the label's column when reading them")
        outputs, targets = [], []
        for inputs, target, *_ in self.batches(rows, batch_size):
            outputs.append(self._stages.forward(inputs).numpy())
            targets.append(target.numpy())
        if not outputs:
            raise InputError("there are no rows to evaluate")
        return np.concatenate(outputs), np.concatenate(targets)

    def fit(self, *args: Any, shuffle: bool = False, **kwargs: Any) -> keras.callbacks.History:
        """Keras' `fit`; the shuffling is done by `batches`."""
        return super().fit(*args, shuffle=shuffle, **kwargs)

    # -- answers -----------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph: strings → numbers → outputs → answers.

        Args:
            *texts: string (batch,), one tensor for each of `text_fields`.

        Returns:
            What `answers` returns.
        """
        return self.answers(self(self.preprocessor(*texts), training=False))

    def answer(self, texts: Sequence[Text], batch_size: int = 32) -> list[dict[str, Any]]:
        """Answers texts.

        Args:
            texts: Strings, or pairs of strings for tasks on pairs, or dicts with `text` (and `text_pair`).
            batch_size: Texts a batch; texts of like length share one.

        Returns:
            One dict for each text, in their order.

        Raises:
            InputError: Not a list, or one of the texts is not what the task takes.

        Example:
            >>> model.answer(["a gripping film"])  # doctest: +SKIP
            [{'label': 'positive', 'score': 0.998}]
        """
        if isinstance(texts, str | bytes | Mapping):
            raise InputError("answer takes a list of texts; for one text write answer([text])")
        rows = [self._texts_of(index, text, self.text_fields) for index, text in enumerate(texts)]
        return self._in_batches(rows, batch_size, self._stages.answer, self.answer_rows)

    def _in_batches(
        self,
        rows: Sequence[tuple[bytes, ...]],
        batch_size: int,
        function: Callable[..., Tensors],
        to_answers: Callable[[Mapping[str, np.ndarray]], list[Any]],
    ) -> list[Any]:
        """Runs a graph function over rows of strings, those of like length together; answers in the rows' order."""
        order = sorted(range(len(rows)), key=lambda index: sum(map(len, rows[index])))
        answers: dict[int, Any] = {}
        for start in range(0, len(order), batch_size):
            chunk = order[start : start + batch_size]
            columns = zip(*(rows[index] for index in chunk), strict=True)
            tensors = function(*(tf.constant(column) for column in columns))
            numbers = {name: tensor.numpy() for name, tensor in tensors.items()}
            answers.update(zip(chunk, to_answers(numbers), strict=True))
        return [answers[index] for index in range(len(rows))]

    def _texts_of(self, index: int, text: Any, fields: tuple[str, ...]) -> tuple[bytes, ...]:
        """Returns the strings of one input of `answer`, in UTF-8."""
        parts: tuple[Any, ...]
        if isinstance(text, Mapping):
            self._check_fields(text, f"text {index} has", fields)
            parts = tuple(text[name] for name in fields)
        elif isinstance(text, Iterable) and not isinstance(text, str | bytes):
            parts = tuple(text)
        else:
            parts = (text,)
        if len(parts) != len(fields) or not all(isinstance(part, str | bytes) for part in parts):
            expected = "a string" if len(fields) == 1 else "a pair of strings"
            raise InputError(f"text {index}: expected {expected}, received: {text!r:.80}")
        # Half a surrogate pair, which JSON can hold, becomes invalid UTF-8, which the tokenizer makes [UNK].
        return tuple(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts)

    def _check_fields(self, row: Mapping[str, Any], whose: str, fields: tuple[str, ...]) -> None:
        """Refuses a row that lacks a text that the task takes, or has one more."""
        given = tuple(name for name in ("text", "text_pair") if name in row)
        if given != fields:
            takes, has = " and ".join(fields), " and ".join(given) or "neither text nor text_pair"
            raise InputError(f"the task takes {takes} (text_pair={len(fields) == 2}), {whose} {has}")

    # -- what a task defines -----------------------------------------------------------------------------

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Turns the labels of a batch of rows into `(targets,)` or `(targets, weights)`."""
        raise NotImplementedError

    def answers(self, outputs: Any) -> Tensors:
        """Turns the model's outputs into answers, in the graph."""
        raise NotImplementedError

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answers` into one dict for each row."""
        raise NotImplementedError

    def scores(self, targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Scores outputs against targets."""
        raise NotImplementedError

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names."""
        raise NotImplementedError

    def default_loss(self) -> keras.losses.Loss:
        """Returns the loss that the task trains with."""
        raise NotImplementedError

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns the metrics that `fit` shows."""
        raise NotImplementedError

    def metadata(self) -> dict[str, Any]:
        """Returns the task's entries in `config.json`, such as `id2label`."""
        raise NotImplementedError

    # -- folders -----------------------------------------------------------------------------------------

    @classmethod
    def parts_of(
        cls,
        checkpoint: Checkpoint,
        max_length: int | None,
        dtype: Any,
        use_pooler: bool,
        preprocessing: Mapping[str, Any],
        packing: bool = False,
    ) -> tuple[BertEncoder, BertPreprocessor]:
        """Makes the encoder and the preprocessor that a checkpoint describes, without its weights."""
        saved = checkpoint.extra.get("preprocessor", {})
        settings = {**saved, **{name: value for name, value in preprocessing.items() if value is not None}}
        if max_length is None:
            max_length = settings.get("max_length") or checkpoint.config.max_position_embeddings
        # An accelerator likes even widths, a CPU little padding: of SST-2 4 % with a multiple of 1, 22 % with one of 8.
        settings.setdefault("pad_to_multiple_of", 8 if _has_accelerator() else 1)
        preprocessor = BertPreprocessor(checkpoint.tokenizer(), **{**settings, "max_length": max_length})
        return BertEncoder(checkpoint.config, use_pooler=use_pooler, packing=packing, dtype=dtype), preprocessor

    def load_checkpoint(self, checkpoint: Checkpoint, new: Sequence[str] = ()) -> LoadReport:
        """Loads the encoder's and the head's weights; says of each weight what became of it.

        Args:
            checkpoint: An opened checkpoint.
            new: Prefixes of Hugging Face names that keep their fresh start, whatever the checkpoint has.

        Returns:
            The report, also kept as `load_report`.

        Raises:
            InputError: A weight of the encoder (but for its pooler) is missing, or a shape differs.
        """
        # A checkpoint without any tensor is a bare config, from which everything starts fresh.
        allowed = self.may_be_new if checkpoint.tensors else ("",)
        report = load_weights(self.weights_by_name(), checkpoint, allow_new=allowed, start_anew=tuple(new))
        self._stages.load_report = report
        return report

    @property
    def load_report(self) -> LoadReport | None:
        """What became of each weight when the model was loaded; None for a model made from nothing."""
        return self._stages.load_report

    def weights_by_name(self) -> list[Weight]:
        """Returns all weights of the model under Hugging Face's names."""
        return [*encoder_weights(self.encoder), *self.head_weights()]

    def save_preset(self, folder: str | Path, overwrite: bool = False, card: Mapping[str, Any] | None = None) -> None:
        """Writes the model as a Hugging Face folder, which `from_preset` and `transformers` open.

        The folder appears whole or not at all: it is written beside and renamed.

        Args:
            folder: Gets `config.json`, `model.safetensors`, `vocab.txt`, `tokenizer_config.json`,
                `keras_bert.json` and a model card, `README.md`.
            overwrite: Replace a folder that is there already.
            card: Facts for the model card, see `serving.model_card`; `keras_bert.json` keeps them for an export.

        Raises:
            InputError: The folder holds something and `overwrite` is False.
        """
        save_hugging_face(
            folder,
            config=self.encoder.config,
            weights=self.weights_by_name(),
            metadata={"architectures": [self.architecture], **self.metadata()},
            tokenizer=self.tokenizer,
            extra={
                "task": type(self).__name__,
                "text_pair": self.text_pair,
                "preprocessor": self.preprocessor.settings,
                **({"card": dict(card)} if card else {}),
                **self.extra(),
            },
            files={"README.md": self._card(card), **self.files()},
            overwrite=overwrite,
        )

    def extra(self) -> dict[str, Any]:
        """Returns what `config.json` has no place for and `keras_bert.json` keeps."""
        return {}

    def files(self) -> dict[str, str]:
        """Returns the name and content of further text files of a saved folder."""
        return {}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        known = {"preset": self.load_report.source} if self.load_report else {}
        return model_card(type(self).__name__, self.encoder.config, self.metadata(), {**known, **(facts or {})})

    def export(
        self,
        folder: str | Path,
        overwrite: bool = False,
        card: Mapping[str, Any] | None = None,
        freeze: bool = False,
        unpad: bool = True,
    ) -> None:
        """Writes a SavedModel that answers raw strings.

        Its signature `serving_default` takes `text` (and `text_pair`), string (batch,), and gives what
        `answers` gives; `token_ids` takes the encoder's three inputs, int32 (batch, tokens). It loads in a
        process that imports only `tensorflow` and `tensorflow_text`.

        Args:
            folder: The SavedModel's folder; for TF Serving, `.../<name>/<version number>`.
            overwrite: Replace a folder that is there already.
            card: Facts for the model card.
            freeze: Write the weights into the graphs as constants, which a CPU runs fastest, and leave out `token_ids`.
            unpad: Compute nothing but attention for padding, see `BertEncoder`; XLA cannot compile such a function.

        Raises:
            InputError: The folder holds something and `overwrite` is False, or the weights are too many to freeze.
        """
        files, signatures = {"README.md": self._card(card)}, self.signatures()
        if freeze:  # a copy of the weights a function
            del signatures["token_ids"]
        with unpadded(self.encoder, unpad):
            write_saved_model(folder, self, signatures, files, overwrite, freeze)

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel; a task may have more than these two."""
        names = ("token_ids", "segment_ids", "padding_mask")
        return {
            "serving_default": Signature(
                lambda **texts: self.answer_strings(*(texts[name] for name in self.text_fields)),
                {name: tf.TensorSpec([None], tf.string, name=name) for name in self.text_fields},
            ),
            "token_ids": Signature(
                lambda **inputs: self.answers(self(inputs, training=False)),
                {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in names},
            ),
        }

    # -- Keras serialisation -----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments that all tasks share."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "preprocessor": keras.saving.serialize_keras_object(self.preprocessor),
            "text_pair": self.text_pair,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "BertTask":
        """Makes the task that `get_config` described."""
        restore = functools.partial(keras.saving.deserialize_keras_object, custom_objects=custom_objects)
        parts = {name: restore(config[name]) for name in ("encoder", "preprocessor")}
        return cls(**{**config, **parts})


def _has_accelerator() -> bool:
    return bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def open_preset(handle: str | Path | Checkpoint) -> Checkpoint:
    """Opens a handle, or passes an opened checkpoint through."""
    return handle if isinstance(handle, Checkpoint) else open_checkpoint(str(handle))
