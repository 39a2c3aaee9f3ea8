"""A task as a whole: the text model, its folders, its exports, its Keras files."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import tensorflow as tf

from keras_bert.checkpoints.adapted import load_adapter
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight, encoder_weights, load_weights
from keras_bert.checkpoints.names import POOLER
from keras_bert.checkpoints.peft_folder import is_adapter, read_adapter
from keras_bert.checkpoints.presets import open_checkpoint
from keras_bert.checkpoints.report import LoadReport
from keras_bert.checkpoints.save import save_hugging_face
from keras_bert.encoder import BertEncoder, unpadded
from keras_bert.errors import InputError
from keras_bert.files import check_target
from keras_bert.kinds import check_kinds
from keras_bert.layers.frozen_parts import freeze_parts, frozen_parts, is_frozen
from keras_bert.serving.model_card import model_card
from keras_bert.serving.saved_model import write_saved_model
from keras_bert.serving.signature import Signature
from keras_bert.serving.token_inputs import token_signature
from keras_bert.serving.warmup import warmup_requests
from keras_bert.tasks.base.export_formats import check_format, export_format, in_dtype
from keras_bert.tasks.base.int8_export import int8_products
from keras_bert.tasks.base.long_texts import in_windows, with_saved
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.text_model import TextModel
from keras_bert.text.preprocessor import BertPreprocessor


class BertTask(TextModel):
    """What every task keeps: strings in and answers out, and the folders and files it comes from and goes to.

    Subclasses are the tasks. Each makes its head in `__init__`, and defines `monitor`, `answers`, `answer_rows`,
    `head_weights` and `metadata`; those with labelled rows derive from `LabelledTask`. The arguments are those of
    `TextModel`.

    Example:
        >>> task = keras_bert.tasks.open_task("minilm")
        >>> isinstance(task, BertTask), type(task).__name__, task.preprocessor.max_length
        (True, 'BertEmbedder', 256)
    """

    architecture: ClassVar[str]
    """The class of `transformers` that opens a saved folder."""

    may_be_new: ClassVar[tuple[str, ...]] = ("classifier.", "bert.pooler.", "window_pooling.")
    """Prefixes of the Hugging Face names of weights that a checkpoint need not have."""

    list_name: ClassVar[str] = "answers"
    """What an answer that is a list holds, such as `entities`, in the words of `keras-bert predict`."""

    can_show_scores: ClassVar[bool] = False
    """`answer` takes `scores=True`, for those of all classes."""

    has_labelled_rows: ClassVar[bool] = False
    """Whether rows with labels are what it learns from and is scored on."""

    takes_prompts: ClassVar[bool] = False
    """Whether a named prompt may stand before its texts."""

    answers_text: ClassVar[bool] = False
    """Whether the `text` of an answer is one that it has written, and not a part of what was asked."""

    @property
    def longest_row(self) -> int:
        """Tokens of a row at most."""
        return self.preprocessor.max_length

    @property
    def row_settings(self) -> dict[str, Any] | None:
        """How the training rows were read: flags of `keras-bert finetune`, by name; None for rows of Python's own.

        `save_preset` keeps them in `keras_bert.json`, and `keras-bert evaluate` and `predict` read alike.
        """
        return self._stages.row_settings

    @row_settings.setter
    def row_settings(self, settings: Mapping[str, Any] | None) -> None:
        self._stages.row_settings = None if settings is None else dict(settings)

    @property
    def monitor(self) -> str:
        """The score by which one model is better than another; higher is better."""
        raise NotImplementedError

    def head_weights(self) -> list[Weight]:
        """Returns the head's weights under Hugging Face's names."""
        raise NotImplementedError

    def metadata(self) -> dict[str, Any]:
        """Returns the task's entries in `config.json`, such as `id2label`."""
        raise NotImplementedError

    # -- folders ---------------------------------------------------------------------------------------

    @classmethod
    def parts_of(
        cls,
        checkpoint: Checkpoint,
        max_length: int | None,
        dtype: Any,
        use_pooler: bool,
        preprocessing: Mapping[str, Any],
        **encoder: Any,
    ) -> tuple[BertEncoder, BertPreprocessor]:
        """Makes the encoder and the preprocessor that a checkpoint describes, without its weights.

        Args:
            checkpoint: An opened checkpoint.
            max_length: Longest input in tokens; None takes the checkpoint's own.
            dtype: Dtype policy of the encoder.
            use_pooler: The encoder has a pooler.
            preprocessing: Arguments of the preprocessor in place of the checkpoint's own, but for those that are None.
            **encoder: Further arguments of the encoder: `packing`, `attention`.
        """
        if checkpoint.metadata.get("is_decoder") and "attention" not in encoder:
            raise InputError(
                f"{checkpoint.source}: is_decoder is true; its tokens see those to their left alone, which only "
                "BertSeq2Seq and BertCausalLM follow"
            )
        saved = check_kinds(BertPreprocessor, checkpoint.extra.get("preprocessor", {}), checkpoint.source)
        settings = with_saved(preprocessing, saved)
        if max_length is None:
            max_length = settings.get("max_length") or checkpoint.config.max_position_embeddings
        # An accelerator likes even widths, a CPU little padding: of SST-2 4 % with a multiple of 1, 22 % with one of 8.
        settings.setdefault("pad_to_multiple_of", 8 if _has_accelerator() else 1)
        preprocessor = BertPreprocessor(checkpoint.tokenizer(), **{**settings, "max_length": max_length})
        return BertEncoder(checkpoint.config, use_pooler=use_pooler, dtype=dtype, **encoder), preprocessor

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
        if not report.new:  # a model as it was saved, with what it has learned
            self.row_settings = checkpoint.extra.get("rows")
        return report

    def load_preset(self, handle: str | Path | Checkpoint) -> LoadReport:
        """Loads the weights of a saved model of the same kind and size into this one.

        Args:
            handle: As for `from_preset`. Into a model with adapters, see `keras_bert.compression`, a PEFT folder goes
                as adapters over the weights that are there; from any other the adapters add nothing.

        Returns:
            What became of each weight.

        Raises:
            InputError: As `load_checkpoint`.
        """
        if self.encoder.adapters is not None and is_adapter(handle):
            return load_adapter(self.encoder, self.whole_weights(), read_adapter(str(handle)))
        return self.load_checkpoint(open_preset(handle))

    def whole_weights(self) -> list[Weight]:
        """Returns the weights of the head, and of the pooler if there is one: what is trained beside adapters."""
        pooler = [weight for weight in encoder_weights(self.encoder) if weight.name.startswith(POOLER)]
        return [*pooler, *self.head_weights()]

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
        save_hugging_face(folder, weights=self.weights_by_name(), overwrite=overwrite, **self.described(card))

    def described(self, card: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Returns what a saved folder says beside the weights: the other arguments of `save_hugging_face`.

        Args:
            card: Facts for the model card.
        """
        return {
            "config": self.encoder.config,
            "metadata": {"architectures": [self.architecture], **self.metadata()},
            "tokenizer": self.tokenizer,
            "extra": {
                "task": type(self).__name__,
                "text_pair": self.text_pair,
                "preprocessor": self.preprocessor.settings,
                **({} if self.row_settings is None else {"rows": self.row_settings}),
                **({"card": dict(card)} if card else {}),
                **self.extra(),
            },
            "files": {"README.md": self.card(card), **self.files()},
        }

    def over(self, encoder: BertEncoder) -> Any:
        """Makes the same task over another encoder, which brings its own weights; those of the head are copied.

        Args:
            encoder: Built; its hidden states are as wide as those of this task's.

        Returns:
            A task of this class, not compiled.
        """
        made = type(self).from_config({**self.get_config(), "encoder": encoder})
        for own, new in zip(self.head_weights(), made.head_weights(), strict=True):
            new.write(own.read())
        made._stages.load_report, made.row_settings = self.load_report, self.row_settings
        return made

    def extra(self) -> dict[str, Any]:
        """Returns what `config.json` has no place for and `keras_bert.json` keeps."""
        return {}

    def files(self) -> dict[str, str]:
        """Returns the name and content of further text files of a saved folder."""
        return {}

    def take_history(self, other: "BertTask") -> None:
        """Takes over what another task of the same weights knows of where these are from."""
        self._stages.load_report, self._stages.row_settings = other.load_report, other.row_settings

    def portable(self) -> Portable | None:
        """Returns what formats other than SavedModel need of the task; None where none can hold it."""
        return None

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `serving.model_card`; `facts` are those of a run or of an export."""
        known = {"preset": self.load_report.source} if self.load_report else {}
        return model_card(type(self).__name__, self.encoder.config, self.metadata(), {**known, **(facts or {})})

    def export(
        self,
        folder: str | Path,
        overwrite: bool = False,
        card: Mapping[str, Any] | None = None,
        freeze: bool = False,
        unpad: bool = True,
        warmup: Iterable[Any] | None = None,
        format: str = "saved_model",
        dtype: str | None = None,
        calibration: Iterable[Any] | None = None,
        more: "Callable[[BertTask], Mapping[str, Signature]] | None" = None,
    ) -> None:
        """Writes a SavedModel that answers raw strings, or a folder of LiteRT or ONNX that `keras_bert.runtime` opens.

        The SavedModel's signature `serving_default` takes `text` (and `text_pair`), string (batch,), and gives what
        `answers` gives; `token_ids` takes the encoder's three inputs, int32 (batch, tokens). It loads in a
        process that imports only `tensorflow` and `tensorflow_text`.

        Args:
            folder: The SavedModel's folder; for TF Serving, `.../<name>/<version number>`.
            overwrite: Replace a folder that is there already.
            card: Facts for the model card.
            freeze: Write the weights into the graphs as constants, which a CPU runs fastest, and leave out `token_ids`.
            unpad: Compute nothing but attention for padding, see `BertEncoder`; XLA cannot compile such a function.
            warmup: Texts as `answer` takes them, best some of those to come: TensorFlow Serving runs the first 32 when
                it loads the model, so that no caller waits for it. They lie in the SavedModel for all to read. None
                takes words of the vocabulary, an empty list leaves the file out.
            format: `"saved_model"`; or `"litert"` or `"onnx"`, which take ids (docs/formats.md). `freeze`, `unpad` and
                `warmup` are of SavedModels alone.
            dtype: Numbers to compute in: `"float32"`, `"bfloat16"` or `"int8"` (always frozen) of a SavedModel, None as
                the model computes; `"float32"` (None) or `"int8"` of the others, 8 bits for the weights.
            calibration: For a SavedModel of 8 bits: texts as `answer` takes them, like those to come; the first 256
                show between which limits its numbers lie.
            more: Makes further signatures of the task that is written, such as `keras_bert.trust.explain_signature`.

        Raises:
            InputError: The folder holds something and `overwrite` is False, its path holds `*`, `?`, `[` or a
                backslash, the weights are too many to freeze, or a text of `warmup` is not what the task takes; or
                there is no such format, it cannot hold the task, its packages are not installed, or there are no
                rows to calibrate by.
        """
        check_format(format, dtype)
        if calibration is not None and (format, dtype) != ("saved_model", "int8"):
            raise InputError("calibration is of format='saved_model' with dtype='int8' alone")
        if more and (format != "saved_model" or dtype == "int8" or freeze):
            raise InputError("more signatures are of SavedModels that are neither frozen nor of 8 bits")
        if format != "saved_model":
            if freeze or warmup is not None:
                raise InputError(f"{'freeze' if freeze else 'warmup'} is of SavedModels; format={format!r} has none")
            export_format(self, folder, format, dtype, overwrite, card)
            return
        if (task := in_dtype(self, dtype)) is not self:
            task.export(folder, overwrite, card, freeze, unpad, warmup, dtype=dtype, calibration=calibration, more=more)
            return
        if dtype == "int8":
            check_target(folder, overwrite, tensorflow=True)
            if self.portable() is None:
                raise InputError(f"a {type(self).__name__} has no dtype='int8'; export it in bfloat16")
            with int8_products(self, calibration):
                self.export(folder, overwrite, card, freeze=True, unpad=unpad, warmup=warmup)
            return
        files, signatures = {"README.md": self.card(card)}, {**self.signatures(), **(more(self) if more else {})}
        if freeze:  # a copy of the weights a function
            signatures = {name: signature for name, signature in signatures.items() if signature.frozen}
        inputs = signatures["serving_default"].inputs
        requests = warmup_requests([self._words_for(inputs)] if warmup is None else warmup, inputs)
        with unpadded(self.encoder, unpad):
            write_saved_model(folder, self, signatures, files, overwrite, freeze, self.looked_up(), requests)

    def looked_up(self) -> list[Any]:
        """Returns the weights of which rows are taken, and which no product uses."""
        return [self.encoder.embeddings.word_embeddings]

    def _words_for(self, inputs: Mapping[str, tf.TensorSpec]) -> dict[str, Any]:
        """Makes a row of a usual length for a signature, of words of the vocabulary and no text of anybody."""
        entries = [entry for entry in self.tokenizer.get_vocabulary() if entry.isalpha()] or ["a"]
        text = " ".join(entries[len(entries) // 3 :: max(len(entries) // 40, 1)][:24])
        return {name: text if spec.shape.rank == 1 else [text, text] for name, spec in inputs.items()}

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel; a task may have more than these two."""
        return {
            "serving_default": Signature(
                lambda **texts: self.answer_strings(*(texts[name] for name in self.text_fields)),
                {name: tf.TensorSpec([None], tf.string, name=name) for name in self.text_fields},
            ),
            "token_ids": self.token_signature(lambda **inputs: self.answers(self.outputs_of(inputs))),
        }

    def token_signature(
        self, function: Callable[..., dict[str, Any]], rank: int | None = None, max_tokens: int | None = None
    ) -> Signature:
        """Makes a signature of the encoder's inputs that refuses what the encoder has no rows for."""
        config = self.encoder.config
        limits = (config.vocab_size, config.type_vocab_size, max_tokens or config.max_position_embeddings)
        examples = config.max_position_embeddings if self.encoder.packing else 1
        return token_signature(function, *limits, max_examples=examples, rank=rank or 2 + in_windows(self.preprocessor))

    # -- Keras serialisation ---------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments that all tasks share."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "preprocessor": keras.saving.serialize_keras_object(self.preprocessor),
            "text_pair": self.text_pair,
            "name": self.name,
            "trainable": not is_frozen(self),
            "frozen": frozen_parts(self, leave_out=[self.encoder]),  # which says itself what of it is frozen
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "BertTask":
        """Makes the task that `get_config` described."""
        restore = functools.partial(keras.saving.deserialize_keras_object, custom_objects=custom_objects)
        parts = {name: restore(part) if isinstance(part := config[name], dict) else part for name in _SERIALIZED}
        given = {name: value for name, value in config.items() if name != "frozen"}
        task = cls(**{**given, **parts})
        freeze_parts(task, config.get("frozen", ()))
        return task


_SERIALIZED = ("encoder", "preprocessor")


def _has_accelerator() -> bool:
    return bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def open_preset(handle: str | Path | Checkpoint, pad_vocabulary: bool = False) -> Checkpoint:
    """Opens a handle, see `open_checkpoint`, or passes an opened checkpoint through."""
    return handle if isinstance(handle, Checkpoint) else open_checkpoint(str(handle), pad_vocabulary=pad_vocabulary)
