"""Text out of text, by one BERT that reads the source whole and writes the target from left to right."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options, refuse_unknown
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.hugging_face import GENERATION_CONFIG
from keras_bert.checkpoints.mapping import Weight
from keras_bert.checkpoints.unilm import for_writing
from keras_bert.data.batching.batches import batches, shuffled
from keras_bert.data.batching.packed_batches import packed_batches
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.data.target_rows import target_rows
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.graph import as_written
from keras_bert.kinds import check_kinds
from keras_bert.layers.ordered_attention_bias import CAUSAL, MASKS, PREFIX
from keras_bert.layers.token_dropout import TokenDropout
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.base.word_head import word_head, word_head_settings, word_head_weights, word_logits
from keras_bert.tasks.generation.checks import check_parts
from keras_bert.tasks.generation.loss import SmoothedCrossEntropy
from keras_bert.tasks.generation.output_ids import OutputIds
from keras_bert.tasks.generation.rows import as_inputs, source_rows, teacher_rows
from keras_bert.tasks.generation.scores import TextScoring, answered_by_workers, row_sums, text_scores, token_scores
from keras_bert.tasks.generation.search import TextSearch
from keras_bert.tasks.generation.settings import GenerationSettings
from keras_bert.tasks.generation.writing_task import WritingTask
from keras_bert.text.preprocessor import BertPreprocessor

LEFT_TO_RIGHT = "BertLMHeadModel"
"""The class of transformers for a BERT whose every token sees those to its left."""


@keras.saving.register_keras_serializable(package="keras_bert")
class BertSeq2Seq(WritingTask):
    """BERT that writes: translations, summaries, titles, questions.

    A row is `[CLS] source [SEP] target [SEP]`. Under the mask `"prefix"` the source sees itself whole and the target
    what stands to its left, as in UniLM; under `"causal"` every token sees those to its left. In training every target
    token is predicted from what stands before it; in answers the source is read once, and its keys and values and
    those of the tokens written are kept.

    Args:
        encoder: Without a pooler, with `attention="prefix"` or `"causal"`. With `packing`, several rows share one in
            training.
        preprocessor: Its `max_length` is that of a source, in tokens.
        max_target_length: Tokens of a training target at most, its end included.
        label_smoothing: See `SmoothedCrossEntropy`.
        generation: Settings of the search, as `GenerationSettings` names them.
        target_dropout: Share of the target tokens that training hides from the model, see `TokenDropout`.
        output_ids: Ids that it may write, beside the special tokens, see `ids_in`; None: all. The logits of the
            others are never computed, and a target that holds one counts it as `[UNK]`.
        head_activation: Activation of the word head; None takes the encoder's.
        head_layer_norm_eps: Epsilon of its layer normalization; None takes the encoder's.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens), and `target_positions` int32 (batch, predictions), the places from
            which the next token is predicted.

    Returns:
        Logits, float32 (batch, predictions, vocabulary).

    Raises:
        InputError: The encoder has a pooler or no order, or source and target together are longer than its position
            table.

    Example:
        >>> model = BertSeq2Seq.from_preset("minilm", max_length=64)
        >>> model.compile(keras_bert.training.adamw(1e-4, steps=10_000))
        >>> model.fit(model.batches(rows, batch_size=64, shuffle=True))  # doctest: +SKIP
        >>> model.answer(["ein hund läuft am strand"])  # doctest: +SKIP
        [{'text': 'a dog is running on the beach.', 'score': -0.21, 'hypotheses': [...]}]

    References:
        Dong et al. 2019, arXiv:1905.03197 (UniLM); trained on every target token, as in s2s-ft's causal form.
    """

    example_names: ClassVar = ("max_target_length", "output_ids")

    # Under the mask "prefix": transformers' left-to-right class would not see a source whole.
    architecture = "BertForMaskedLM"
    may_be_new = ("cls.",)

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        max_target_length: int = 64,
        label_smoothing: float = 0.1,
        generation: Mapping[str, Any] | None = None,
        target_dropout: float = 0.0,
        output_ids: Sequence[int] | None = None,
        head_activation: str | None = None,
        head_layer_norm_eps: float | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("text_pair", None)  # a property of every task's config; a source is one text
        check_arguments(BertSeq2Seq, kwargs)
        refuse_unknown("generation", generation or {}, GenerationSettings().to_dict())
        settings = GenerationSettings(**{"max_new_tokens": max_target_length, **(generation or {})})
        check_parts(encoder, preprocessor, max_target_length, settings, target_dropout)
        short = OutputIds(preprocessor.tokenizer, output_ids)
        head = word_head(encoder, head_activation, head_layer_norm_eps, "word_head", output_ids=short.tolist())
        places = {"target_positions": keras.Input(shape=(None,), dtype="int32", name="target_positions")}
        given = dict(encoder.input)
        if target_dropout:
            hide = TokenDropout(target_dropout, preprocessor.tokenizer.mask_token_id, name="target_dropout")
            given["token_ids"] = hide(given["token_ids"], given["segment_ids"])
        hidden = encoder(given)["sequence_output"]
        logits = word_logits(encoder, head, hidden, places["target_positions"])
        logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
        super().__init__(encoder, preprocessor, logits, inputs=places, **kwargs)
        self.max_target_length = max_target_length
        self.label_smoothing = label_smoothing
        self.target_dropout = target_dropout
        self.word_head = head
        self.text_scoring: TextScoring | None = None
        self._stages.pad = self._pad
        self._prepare_search(TextSearch(preprocessor.tokenizer, settings, short), head)
        ids, weights = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.float32)
        specs = [dict.fromkeys(self.input, ids), ids, weights]
        self._stages.sums = on_replicas(self.distribute_strategy, self._row_sums, specs)

    @property
    def monitor(self) -> str:
        """The score by which one model is better than another."""
        return "token_accuracy" if self.text_scoring is None else "bleu"

    @property
    def longest_row(self) -> int:
        """Tokens of a row at most, source and target."""
        return self.preprocessor.max_length + self.max_target_length

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        mask: str | None = None,
        dtype: Any = None,
        pad_vocabulary: bool = False,
        packing: bool = False,
        **options: Any,
    ) -> "BertSeq2Seq":
        """Opens a checkpoint of any known format as a model that writes.

        Where a checkpoint has no word head, its inner layer starts as the identity, so that the head begins as the
        product with the word table.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`.
            max_length: Tokens of a source at most; None takes the checkpoint's own, or what a target leaves.
            mask: `"prefix"` or `"causal"`; None takes the checkpoint's own, or `"prefix"`.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            packing: Train on rows that may hold several examples; what is saved is the same.
            **options: Further arguments of the constructor; those not given are the checkpoint's own, and so are the
                settings that `generation` does not name.

        Raises:
            InputError: The checkpoint does not open, or an unknown mask.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        saved = check_kinds(cls, checkpoint.extra.get("generation", {}), checkpoint.source)
        written = check_kinds(GenerationSettings, GenerationSettings.known(checkpoint.generation), checkpoint.source)
        own = saved.pop("mask", CAUSAL if checkpoint.metadata.get("is_decoder") else PREFIX)
        mask = mask or own
        if mask not in MASKS:
            raise InputError(f"mask is {mask!r}; it must be one of {', '.join(MASKS)}")
        checkpoint = for_writing(checkpoint, mask)
        given = options.get("generation") or {}
        saved = {**word_head_settings(checkpoint), **saved}
        options = {**saved, **options, "generation": {**written, **given}}
        if max_length is None and "generation" not in checkpoint.extra:
            # Of a task that writes nothing the longest text may leave no room for a target.
            longest = checkpoint.config.max_position_embeddings
            options = {"max_target_length": min(64, longest // 2), **options}
            own_length = checkpoint.extra.get("preprocessor", {}).get("max_length", longest)
            max_length = min(own_length, longest - options["max_target_length"])
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, False, {}, attention=mask, packing=packing)
        model = cls(encoder, preprocessor, **options)
        report = model.load_checkpoint(checkpoint)
        if "cls.predictions.transform.dense.weight" in report.new:
            kernel = model.word_head.dense.kernel
            kernel.assign(np.eye(kernel.shape[0], dtype="float32"))
        return model

    # -- rows to batches ---------------------------------------------------------------------------------

    def features(self, rows: Mapping[str, Any]) -> tuple[Any, ...]:
        """Turns a batch of rows into `(inputs, targets, weights)`, ragged; without `target` into `(inputs,)`.

        Args:
            rows: `text` and `target`, string (batch,).
        """
        if "target" not in rows:
            source = source_rows(self.tokenizer, rows["text"], self.preprocessor.max_length)
            positions = tf.cast(source.row_lengths() - 1, tf.int32)[:, None]
            inputs = {"token_ids": source, "segment_ids": tf.zeros_like(source)}
            return ({**inputs, "target_positions": tf.RaggedTensor.from_tensor(positions)},)
        inputs, targets, weights = teacher_rows(
            self.tokenizer, rows["text"], rows["target"], self.preprocessor.max_length, self.max_target_length
        )
        return inputs, targets.with_flat_values(self._stages.search.output_ids.place(targets.flat_values)), weights

    def batches(
        self,
        rows: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        keep_order: bool = False,
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches of numbers that `fit` and `evaluate` take, rows of like length together, or packed.

        Args:
            rows: `text` and `target`, as `keras_bert.data.read_targets` and `target_rows` make them; what the latter
                takes is taken here, too.
            batch_size: Rows a batch; the last one may be smaller.
            shuffle: In another order in every epoch.
            seed: Of the shuffling.
            keep_order: Rows in the order given, with more padding.
            begin: The first batch to make; those before it are left out.

        Returns:
            Dataset of `(inputs, targets, weights)`: targets int32, weights float32 (batch, predictions). With packing
            a batch holds as many examples in fewer rows, none longer than a source and a target may be together; see
            `packed_batches`.

        Raises:
            InputError: The rows have no target.
        """
        if isinstance(rows, PreparedExamples):
            mixed = bool(self.encoder.packing and shuffle)
            made = self.prepared_batches(rows, batch_size, shuffle, seed, keep_order or mixed, begin)
            return packed_batches(made, self.longest_row, self.tokenizer.pad_token_id) if self.encoder.packing else made
        rows = target_rows(rows)

        def dense(inputs: Any, targets: Any, weights: Any) -> tuple[Any, ...]:
            shape = tf.shape(inputs["target_positions"])
            return inputs, targets.to_tensor(shape=shape), weights.to_tensor(shape=shape)

        options: dict[str, Any] = {"shuffle": shuffle, "seed": seed, "keep_order": keep_order, "begin": begin}
        if not self.encoder.packing:
            return batches(rows, self.features, self._pad, batch_size, **options).map(as_written(dense))
        if shuffle and not keep_order:  # long and short ones in each batch: they fit together
            rows, options = shuffled(rows, seed), {"keep_order": True, "begin": begin}
        made = batches(rows, self.features, self._pad, batch_size, **options).map(as_written(dense))
        return packed_batches(made, self.longest_row, self.tokenizer.pad_token_id)

    def padded(self, examples: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pads the examples of one batch, as `features` makes them; targets and weights are those of predictions."""
        inputs = self._pad(examples[0])
        shape = tf.shape(inputs["target_positions"])
        return (inputs, *(each.to_tensor(shape=shape) for each in examples[1:]))

    def _pad(self, inputs: Mapping[str, Any]) -> Tensors:
        padded = as_inputs(inputs["token_ids"], inputs["segment_ids"], self.tokenizer.pad_token_id)
        return {**padded, "target_positions": inputs["target_positions"].to_tensor()}

    # -- training ----------------------------------------------------------------------------------------

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Keras' `compile`; unless told otherwise with the cross-entropy and the accuracy of target tokens."""
        if metrics is None and "weighted_metrics" not in kwargs:
            kwargs["weighted_metrics"] = [keras.metrics.SparseCategoricalAccuracy(name="token_accuracy")]
        super().compile(optimizer, loss, metrics, **kwargs)

    def default_loss(self) -> keras.losses.Loss:
        """Returns the smoothed cross-entropy, a mean over the target tokens of the batch."""
        return SmoothedCrossEntropy(self.label_smoothing)

    def default_metrics(self) -> list[keras.metrics.Metric]:
        """Returns no metric, as those without weights would count padding."""
        return []

    def evaluate_rows(self, rows: Any, batch_size: int = 64) -> dict[str, float]:
        """Scores rows token by token, each given the true tokens before it, and by texts if `text_scoring` says so.

        Args:
            rows: `text` and `target`, and perhaps `references`, see `keras_bert.data.read_targets`.
            batch_size: Rows a batch.

        Returns:
            `loss`, the mean cross-entropy of a target token without label smoothing; `perplexity`, its exponential;
            `token_accuracy`; and with `text_scoring` what `keras_bert.evaluation.generation_scores` gives.
        """
        rows = target_rows(rows)
        scores = token_scores(self.batches(rows, batch_size), self._stages.sums)
        if self.text_scoring is None:
            return scores
        answer = functools.partial(self.answer, batch_size=batch_size)
        shared = functools.partial(answered_by_workers, self.distribute_strategy, answer)
        return {**scores, **text_scores(shared, rows, self.text_scoring, self.tokenizer.lowercase)}

    def _row_sums(self, inputs: Any, targets: Any, weights: Any) -> Any:
        """See `row_sums`; replicas exchange no logits."""
        return row_sums(self(inputs, training=False), targets, weights)

    # -- folders -----------------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the word head's weights under Hugging Face's names."""
        return word_head_weights(self.word_head)

    def metadata(self) -> dict[str, Any]:
        """Returns what `config.json` says of a left-to-right model."""
        return {"architectures": [LEFT_TO_RIGHT], "is_decoder": True} if self.encoder.attention == CAUSAL else {}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps."""
        head = self.word_head
        return {
            "generation": {
                "mask": self.encoder.attention,
                "max_target_length": self.max_target_length,
                "label_smoothing": self.label_smoothing,
                "target_dropout": self.target_dropout,
                "output_ids": self._stages.search.output_ids.tolist(),
                "head_activation": head.activation,
                "head_layer_norm_eps": head.layer_norm_epsilon,
            }
        }

    def files(self) -> dict[str, str]:
        """Returns transformers' file of the search's settings."""
        tokenizer = self.tokenizer
        ids = {"eos_token_id": tokenizer.sep_token_id, "pad_token_id": tokenizer.pad_token_id}
        settings = self.generation.to_dict()
        if not settings["top_k"]:  # to transformers 0 is no number of tokens
            del settings["top_k"]
        return {GENERATION_CONFIG: json.dumps({**settings, **ids}, indent=2) + "\n"}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]
        kept = {name: value for name, value in self.extra()["generation"].items() if name != "mask"}
        return {**config, **kept, "generation": self.generation.to_dict()}


def writes(checkpoint: Checkpoint) -> bool:
    """Tells whether a checkpoint is a model that writes: one saved here, or a left-to-right one of transformers."""
    return "generation" in checkpoint.extra or LEFT_TO_RIGHT in (checkpoint.metadata.get("architectures") or ())
