"""Embeddings: texts as vectors, near each other where the texts mean alike."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.hierarchical_positions import with_positions
from keras_bert.checkpoints.mapping import Weight
from keras_bert.checkpoints.up_to_layer import up_to_layer
from keras_bert.data.memory.given_rows import given_texts
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.serving.model_card import model_card
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.labelled_task import weighted
from keras_bert.tasks.base.long_texts import (
    WindowReading,
    refuse_long_texts,
    take_long_texts,
    without_long_texts,
)
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.portable import Portable
from keras_bert.tasks.base.several_texts import flat_rows
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, Text
from keras_bert.tasks.embedding.belonging import keys_of
from keras_bert.tasks.embedding.cosine_loss import CosineLoss, scaled_scores
from keras_bert.tasks.embedding.fingerprint import fingerprint
from keras_bert.tasks.embedding.modules import full_modules, module_layers, module_weights, pooled
from keras_bert.tasks.embedding.options import check_embedder, saved_options
from keras_bert.tasks.embedding.portable import embedder_portable
from keras_bert.tasks.embedding.prompted_inputs import PromptedInputs
from keras_bert.tasks.embedding.prompts import Prompts
from keras_bert.tasks.embedding.ranking_loss import BUCKETS, RankingLoss
from keras_bert.tasks.embedding.scored import ROW_FIELDS, ScoredEmbedder
from keras_bert.text.long_texts import HEAD_TAIL, WINDOWS
from keras_bert.text.preprocessor import BertPreprocessor


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEmbedder(ScoredEmbedder):
    """BERT that turns a text into a vector, to be compared with others by the dot product or the cosine.

    Rows to train on are pairs of texts. For `"ranking"` the two belong together, and within a batch each text is to be
    nearer to its own partner than to the partners of the others (and to a third text, `negative`, if the rows have
    one). For `"cosine"` a row has a score, and the cosine of its two vectors is to follow it. The texts of a row go
    through the same encoder, one by one.

    Args:
        encoder: The encoder, without pooler.
        preprocessor: Turns strings into the encoder's inputs.
        pooling: How the hidden states become one vector, a mode of `TokenPooling` such as `"mean"`, or several of
            them, whose results are joined in this order.
        normalize: Vectors have the length 1, so that their dot product is the cosine.
        modules: What comes between pooling and normalization: dicts with a `kind`, `"Dense"` (`units`, `activation`,
            `use_bias`, `use_residual`), `"LayerNorm"`, `"Dropout"` (`rate`) or `"Normalize"`.
        prompts: Texts by name, such as `{"query": "query: "}`, that stand before a text where one is asked for.
        default_prompt: Name of the one that stands before a text of which nothing is said; None for none.
        row_prompts: Names of prompts for the texts of a row, `text`, `text_pair` and `negative`, in training and in
            `evaluate_rows`; the default where nothing is said.
        include_prompt: The tokens of a prompt are pooled as well.
        similarity: How vectors are to be compared: `"cosine"`, `"dot"`, `"euclidean"`, `"manhattan"`.
        truncate_dim: `embed`, `answer` and exports give the first numbers of a vector, this many; None gives all.
        objective: `"ranking"` or `"cosine"`.
        scale: For `"ranking"`: factor on the cosines in the loss.
        score_range: For `"cosine"`: the lowest and the highest score that a row can have; they are scaled to 0 and 1.
        window_pooling: With a preprocessor of `long_texts="windows"`: what becomes of the pooled vectors of a text's
            windows, `"mean"` (by default), `"max"` or `"attention"`, which is learned. A prompt is in the first window.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens); or (rows, texts, tokens) for rows of several texts. With
            `include_prompt=False` also `pooling_mask`, 1 for a token that is pooled.

    Returns:
        float32 (batch, size), vectors; (rows · texts, size) for rows of several texts.

    Raises:
        InputError: There is no such pooling, module, prompt, similarity or objective, or the encoder has a pooler.

    Example:
        >>> model = BertEmbedder.from_preset("minilm")
        >>> vectors = model.embed(["A plane is taking off.", "An air plane is taking off."])
        >>> vectors.shape, round(float(vectors[0] @ vectors[1]), 3)
        ((2, 384), 0.939)

    References:
        Reimers and Gurevych 2019, arXiv:1908.10084; sentence-transformers, sentence_transformer/model.py.
    """

    example_names: ClassVar = ("objective", "score_range", "prompts", "default_prompt", "row_prompts", "include_prompt")

    takes_prompts = True
    architecture = "BertModel"
    may_be_new = ("window_pooling.",)

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        pooling: str | Sequence[str] = "mean",
        normalize: bool = True,
        modules: Sequence[Mapping[str, Any]] = (),
        prompts: Mapping[str, str] | None = None,
        default_prompt: str | None = None,
        row_prompts: Sequence[str | None] = (),
        include_prompt: bool = True,
        similarity: str = "cosine",
        truncate_dim: int | None = None,
        objective: str = "ranking",
        scale: float = 20.0,
        score_range: Sequence[float] = (0.0, 1.0),
        window_pooling: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertEmbedder, kwargs)
        known = Prompts(prompts or {}, default_prompt, row_prompts)
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        modules = full_modules(modules)
        check_embedder(encoder, poolings, similarity, truncate_dim, objective, scale, score_range)
        reading = WindowReading(encoder, preprocessor, window_pooling)
        if not include_prompt:
            refuse_long_texts(preprocessor, "include_prompt=False", HEAD_TAIL, WINDOWS)
        masks, more = [reading.flat["padding_mask"]], dict(reading.inputs or {})
        if not include_prompt:
            more = {"pooling_mask": keras.Input(shape=(None,), dtype="int32", name="pooling_mask")}
            masks.append(more["pooling_mask"])
        hidden = encoder(reading.flat)["sequence_output"]
        vector = reading.pooled(pooled(hidden, masks, poolings))
        layers = module_layers(modules)
        after = [keras.layers.UnitNormalization(dtype="float32", name="normalize")] if normalize else []
        for layer in [*layers, *after]:
            vector = layer(vector)
        super().__init__(encoder, preprocessor, vector, inputs=more, **kwargs)
        self.pooling = poolings[0] if len(poolings) == 1 else poolings
        self.normalize = normalize
        self.modules = modules
        self.include_prompt = include_prompt
        self.similarity = similarity
        self.truncate_dim = truncate_dim
        self.objective = objective
        self.scale = scale
        self.score_range = tuple(float(score) for score in score_range)
        self._stages.layers = layers
        self._stages.reading_windows = reading
        self._stages.inputs = PromptedInputs(preprocessor, known, include_prompt)
        self._stages.pad = self._stages.inputs.pad
        self._stages.embed = self._embedding_function()
        self._stages.embed_rows = self._embedding_function(self.distribute_strategy)

    @property
    def prompts(self) -> Prompts:
        """The prompts that may stand before a text."""
        return self._stages.inputs.prompts

    @property
    def vector_size(self) -> int:
        """Numbers of a vector that `embed` gives."""
        return min(self.output_shape[-1], self.truncate_dim or self.output_shape[-1])

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        layer: int | None = None,
        truncation: str | None = None,
        dtype: Any = None,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertEmbedder":
        """Opens a checkpoint of any known format as an embedder; a folder of sentence-transformers gives its vectors.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Longest input in tokens; None takes the checkpoint's own: 256 for `minilm`.
            layer: Take the hidden states of this block, counted from 1, or from the last with -1; the blocks above it
                are left out of the model. None takes the last.
            truncation: See `BertPreprocessor`; None takes the checkpoint's own.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor; those that are None or not given are the checkpoint's own.
                `prompts` are added to its own. And `long_texts`, `head_tokens`, `window_stride` and `max_windows`, see
                `BertPreprocessor`, and `positions`, `"hierarchical"` for more than the checkpoint has, see
                `longer_positions`.

        Raises:
            InputError: The checkpoint does not open, or makes its vectors in a way that is not known here.
        """
        check_options(cls, without_long_texts(options))
        checkpoint = open_preset(handle, pad_vocabulary)
        options = {name: value for name, value in options.items() if value is not None}
        saved = checkpoint.extra.get("sentence_embedding", {})
        checkpoint = with_positions(checkpoint, options.pop("positions", None), max_length)
        long_texts, options["window_pooling"] = take_long_texts(options, {**checkpoint.extra, **saved})
        settings, length = saved_options(cls, checkpoint, options)
        checkpoint = up_to_layer(checkpoint, layer)
        parts = cls.parts_of(checkpoint, max_length or length, dtype, False, {"truncation": truncation, **long_texts})
        model = cls(*parts, **settings)
        # Weights of modules that are not the checkpoint's are new.
        changed = "modules" in options or "pooling" in options
        model.load_checkpoint(checkpoint, new=[weight.name for weight in model.head_weights()] if changed else ())
        return model

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Makes vectors; see the class. The texts of a row become rows of their own."""
        return super().__call__(flat_rows(inputs, len(self.input["token_ids"].shape)), *args, **kwargs)

    # -- rows ------------------------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into what the batcher pads: `(inputs,)` for texts, `(inputs, targets)` for pairs.

        Args:
            rows: `text`, and for training `text_pair` and perhaps `negative`, string (batch,); `label`, float32
                (batch,), for the objective `"cosine"`. The prompts are put before them here.

        Raises:
            InputError: The rows are not those of the objective.
        """
        if "text_pair" not in rows:
            self._check_fields(rows, "the rows have", self.text_fields)
            return (self._stages.inputs.pack_texts(rows["text"]),)
        columns = [rows[name] for name in ROW_FIELDS if name in rows]
        inputs = self._stages.inputs.pack_rows(columns)
        if self.objective == "ranking":
            if "weight" in rows:
                raise InputError("the objective is 'ranking', whose loss compares rows: leave out the column 'weight'")
            targets = tf.strings.to_hash_bucket_fast(keys_of(self.tokenizer, tf.stack(columns, axis=1)), BUCKETS)
            return inputs, tf.ensure_shape(tf.cast(targets, tf.int32), [None, len(columns)])
        if "label" not in rows or "negative" in rows:
            raise InputError("the objective is 'cosine': its rows have text, text_pair and a number as label, no more")
        return (inputs, *weighted(rows, *self.targets(rows["label"])))

    def targets(self, labels: Any) -> tuple[Any, ...]:
        """Returns scores, float32 (batch,), scaled to 0 ... 1, as float32 (batch, 1).

        Raises:
            tf.errors.InvalidArgumentError: A score outside `score_range`.
        """
        return (scaled_scores(labels, self.score_range),)

    # -- answers ---------------------------------------------------------------------------------------------

    def embed(self, texts: Sequence[Text], batch_size: int = 32, prompt: str | None = None) -> np.ndarray:
        """Turns texts into vectors.

        Args:
            texts: Strings, or dicts with `text`; one that is there several times is computed once.
            batch_size: Texts a batch; texts of like length share one.
            prompt: Name of the prompt to put before them; None takes the model's default, "" none.

        Returns:
            float32 (texts, size), in their order.

        Raises:
            InputError: Not a list, one of the texts is no string, or there is no such prompt.
        """
        return self._embed(self._stages.embed, texts, batch_size, prompt)

    def _embed(self, function: Any, texts: Sequence[Text], batch_size: int, prompt: str | None) -> np.ndarray:
        given = given_texts(texts, self.text_fields, "embed", "texts; for one text write embed([text])")
        rows = [self.texts_of(index, text, self.text_fields) for index, text in enumerate(given)]
        place = {row: index for index, row in enumerate(dict.fromkeys(rows))}
        before = self.prompts.text(prompt)
        skipped = self._stages.inputs.tokens_of(before)
        behind = lambda texts: function(texts, before, skipped)  # noqa: E731
        vectors = self._in_batches(list(place), batch_size, behind, lambda numbers: list(numbers["embedding"]))
        distinct = np.array(vectors, "float32").reshape(len(place), self.vector_size)
        return distinct[np.array([place[row] for row in rows], int)]

    def answer(self, texts: Sequence[Text], batch_size: int = 32, prompt: str | None = None) -> list[dict[str, Any]]:
        """Gives each text's vector as a dict with `embedding`, a list of numbers; see `embed`."""
        return self.answer_rows({"embedding": self.embed(texts, batch_size, prompt)})

    def answer_strings(self, *texts: Any) -> Tensors:
        """The whole way in one graph, behind the default prompt; see `BertTask`."""
        prompt = self.prompts.text(None)
        return self._embed_strings(texts[0], prompt, self._stages.inputs.tokens_of(prompt))

    def _embed_strings(self, texts: Any, prompt: Any, skipped: Any) -> Tensors:
        return self._answers_to(**self._stages.inputs(texts, prompt, skipped))

    def _answers_to(self, **inputs: Any) -> Tensors:
        return self.answers(self.outputs_of(inputs))

    def _embedding_function(self, strategy: tf.distribute.Strategy | None = None) -> Any:
        """One graph for all prompts: string (batch,), the prompt as a string (), its tokens int32 ()."""
        specs = [tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int32)]
        return on_replicas(strategy, self._embed_strings, specs)

    def answers(self, outputs: Any) -> Tensors:
        """Returns `embedding` float32 (batch, size), in the graph."""
        return {"embedding": outputs[:, : self.vector_size] if self.truncate_dim else outputs}

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the array of `answers` into dicts with `embedding`, a list of numbers."""
        return [{"embedding": vector} for vector in answers["embedding"].tolist()]

    def fingerprint(self) -> str:
        """Gives a SHA-256 of all that its vectors depend on: weights, vocabulary, pooling, the longest input, ...

        Vectors of two models can be compared only if their fingerprints are the same. Prompts do not count: vectors of
        queries and of documents, which are made to be compared, have different ones.
        """
        settings = {**self._settings(), "prompts": None, "default_prompt": None}
        return fingerprint(settings, self.encoder.config, self.preprocessor, self.weights_by_name())

    # -- training and folders --------------------------------------------------------------------------------

    def default_loss(self) -> keras.losses.Loss:
        """Returns the loss of the objective."""
        return RankingLoss(self.scale) if self.objective == "ranking" else CosineLoss()

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns none: `evaluate_rows` has the scores that mean something."""
        return []

    def head_weights(self) -> list[Weight]:
        """Returns those of the modules, named by the folder of each, and of the pooling of windows."""
        return [*module_weights(self._stages.layers), *self._stages.reading_windows.weights()]

    def portable(self) -> Portable:
        """Returns what other formats need: `sentence_embedding` float32 (batch, size)."""
        return embedder_portable(self)

    def metadata(self) -> dict[str, Any]:
        """Returns nothing: for `config.json` the model is a bare encoder."""
        return {}

    def _settings(self) -> dict[str, Any]:
        """Returns what the vectors depend on besides the network."""
        return {
            "pooling": [self.pooling] if isinstance(self.pooling, str) else list(self.pooling),
            "normalize": self.normalize,
            "modules": [dict(module) for module in self.modules],
            "prompts": self.prompts.texts,
            "default_prompt": self.prompts.default,
            "include_prompt": self.include_prompt,
            "similarity": self.similarity,
            "truncate_dim": self.truncate_dim,
            **self._stages.reading_windows.settings,
        }

    def _training_settings(self) -> dict[str, Any]:
        return {
            "row_prompts": list(self.prompts.of_rows),
            "objective": self.objective,
            "scale": self.scale,
            "score_range": list(self.score_range),
        }

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps; sentence-transformers' files are made of it too."""
        length = {"max_length": self.preprocessor.max_length}
        return {"sentence_embedding": self._settings() | length | self._training_settings()}

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `BertTask.card`."""
        told = {"problem_type": "embeddings", "outputs": f"a vector of {self.vector_size} numbers a text"}
        return model_card(type(self).__name__, self.encoder.config, told, facts or {})

    def export(self, *args: Any, prompt: str | None = None, **kwargs: Any) -> None:
        """Writes a SavedModel, see `BertTask.export`; a signature for each prompt has its name, but where it is frozen.

        Args:
            *args: Those of `BertTask.export`.
            prompt: Name of the prompt that `serving_default` puts before texts; None is the model's default, "" none.
            **kwargs: Those of `BertTask.export`.
        """
        with self.prompts.with_default(prompt):
            super().export(*args, **kwargs)

    def signatures(self) -> dict[str, Signature]:
        """Returns those of `BertTask`, and one for each prompt, by its name."""
        found = super().signatures()
        if not self.include_prompt:
            found["token_ids"] = self._stages.inputs.with_pooling_mask(self.token_signature, self._answers_to)
        return {**self._stages.inputs.signatures(self._embedding_function(), taken=found), **found}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name != "text_pair"}
        own = {"window_pooling": None, **self._settings(), "pooling": self.pooling}
        return {**config, **own, **self._training_settings()}
