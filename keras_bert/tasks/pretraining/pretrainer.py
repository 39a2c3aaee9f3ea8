"""Pre-training: masked words and next sentences, from nothing or on from any checkpoint."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import NEXT_SENTENCE_INNER
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.checkpoints.presets import take_next_sentence_pooler
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.linear import Linear
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.layers.word_table import WordTable
from keras_bert.serving.model_card import model_card
from keras_bert.tasks.base.global_batch import global_mean
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.task import open_preset
from keras_bert.tasks.base.text_model import Tensors, check_two_segments
from keras_bert.tasks.base.word_head import word_head_weights
from keras_bert.tasks.pretraining.batches import Masker, pretraining_batches
from keras_bert.tasks.pretraining.loss import cross_entropies, is_right
from keras_bert.tasks.pretraining.mask_filler import MaskFiller
from keras_bert.tasks.pretraining.packed_batches import packed_batches
from keras_bert.tasks.pretraining.packed_examples import next_sentence_logits
from keras_bert.tasks.pretraining.scores import PretrainingSums, row_sums
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class BertPretrainer(MaskFiller):
    """BERT with the heads it is pre-trained with: masked words, and whether a text follows another.

    Args:
        encoder: The encoder; with a pooler if `next_sentence`, without otherwise. With `packing`, a row may hold
            several examples.
        preprocessor: Turns strings into the encoder's inputs.
        next_sentence: With the next-sentence head; without, masked words are all there is to learn.
        head_activation: Activation of the masked-word head; None takes the encoder's.
        head_layer_norm_eps: Epsilon of its layer normalization; None takes the encoder's.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens), and `mask_positions` int32 (batch, predictions); with packing and
            next sentences `cls_positions` int32 (batch, examples), too, where in its row each example begins.

    Returns:
        dict: `masked_lm` float32 (batch, predictions, vocabulary), logits; `next_sentence` float32 (batch, 2), logits
        of "follows" and "does not"; with packing (batch, examples, 2), each read from its own `[CLS]`.

    Raises:
        InputError: The encoder's pooler is missing, or would never be used.

    Example:
        >>> model = BertPretrainer.from_preset("minilm")  # doctest: +SKIP
        >>> model.compile(keras_bert.training.adamw(1e-4, steps=10_000))  # doctest: +SKIP
        >>> model.fit(model.batches(examples, batch_size=64, shuffle=True))  # doctest: +SKIP
        >>> model.answer(["The capital of France is [MASK]."], top_k=1)  # doctest: +SKIP
        [[[{'token': 'paris', 'text': 'The capital of France is paris.', 'score': 0.41}]]]

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3.1; google-research/bert, run_pretraining.py.
    """

    architecture = "BertForPreTraining"
    learning_rate = 1e-4  # Devlin et al. 2018, appendix A.2
    monitor = "masked_lm_accuracy"
    list_name = "masks"
    may_be_new = ("cls.", "bert.pooler.")

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        next_sentence: bool = True,
        head_activation: str | None = None,
        head_layer_norm_eps: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertPretrainer, kwargs)
        if next_sentence != encoder.use_pooler:
            raise InputError(
                f"next_sentence={next_sentence} needs an encoder with use_pooler={next_sentence}, "
                f"this one has use_pooler={encoder.use_pooler}"
            )
        if next_sentence:
            check_two_segments(encoder, "next sentences (next_sentence=True)")
        config, policy = encoder.config, encoder.dtype_policy
        head = MaskedLMHead(
            config.vocab_size,
            activation=head_activation or config.hidden_act,
            layer_norm_epsilon=config.layer_norm_eps if head_layer_norm_eps is None else head_layer_norm_eps,
            initializer_range=config.initializer_range,
            dtype=policy,
            name="masked_lm_head",
        )
        places = {"mask_positions": keras.Input(shape=(None,), dtype="int32", name="mask_positions")}
        hidden = encoder(encoder.input)
        table = WordTable(encoder.embeddings, dtype=policy, name="word_table")(encoder.input["token_ids"])
        logits = {"masked_lm": head(hidden["sequence_output"], places["mask_positions"], table)}
        next_sentence_head = None
        if next_sentence:
            next_sentence_head = Linear(
                2, initializer_range=config.initializer_range, dtype=policy, name="next_sentence_head"
            )
            if encoder.packing:
                starts = places["cls_positions"] = keras.Input(shape=(None,), dtype="int32", name="cls_positions")
                found = next_sentence_logits(encoder, next_sentence_head, hidden["sequence_output"], starts)
                logits["next_sentence"] = found
            else:
                # Not the encoder's `pooled_output`, which has the last block again: here all tokens are needed anyway.
                assert encoder.pooler is not None
                logits["next_sentence"] = next_sentence_head(encoder.pooler(hidden["sequence_output"]))
        outputs = {
            name: keras.layers.Activation("linear", dtype="float32", name=name)(tensor)
            for name, tensor in logits.items()
        }
        super().__init__(encoder, preprocessor, outputs, next_sentence, places, **kwargs)
        self.masked_lm_head = head
        self.next_sentence_head = next_sentence_head
        ranks = {name: len(tensor.shape) - 1 for name, tensor in outputs.items()}
        specs = [
            {name: tf.TensorSpec([None, None], tf.int32) for name in self.input},
            *(
                {name: tf.TensorSpec([None] * rank, dtype) for name, rank in ranks.items()}
                for dtype in (tf.int32, tf.float32)
            ),
        ]
        self._stages.sums = on_replicas(self.distribute_strategy, self._row_sums, specs)
        self.tokens = keras.metrics.Sum(name="tokens")
        self.masked_lm_loss = keras.metrics.Mean(name="masked_lm_loss")
        self.masked_lm_accuracy = keras.metrics.Mean(name="masked_lm_accuracy")
        if next_sentence:
            self.next_sentence_loss = keras.metrics.Mean(name="next_sentence_loss")
            self.next_sentence_accuracy = keras.metrics.Mean(name="next_sentence_accuracy")

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        next_sentence: bool | None = None,
        vocabulary: Sequence[str] | str | PathLike | TokenLayer | None = None,
        lowercase: bool | None = None,
        dtype: Any = None,
        new_heads: bool = False,
        packing: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertPretrainer":
        """Opens a checkpoint of any known format, with the heads it has; those it has not start fresh.

        The inner layer of Model Garden's next-sentence head becomes the pooler, which it is to that head.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`; a `Checkpoint` without tensors starts
                from nothing.
            max_length: Longest input in tokens; None takes the checkpoint's own.
            next_sentence: As in the constructor; None takes the checkpoint's own: True unless it has a masked-word
                head alone.
            vocabulary: A new tokenizer, its folder or `vocab.txt`, or its entries: see `replace_vocabulary`.
            lowercase: Whether text is lower-cased for the new vocabulary; None leaves it as it is.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_heads: Start both heads afresh.
            packing: Train on rows that may hold several examples; what is saved is the same.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open, or its masked-word head is not BERT's.
        """
        check_options(cls, options)
        checkpoint = open_preset(handle, pad_vocabulary)
        tensors = checkpoint.tensors
        if next_sentence is None:
            alone = "cls.predictions.bias" in tensors and "cls.seq_relationship.weight" not in tensors
            next_sentence = not alone
        if next_sentence and not new_heads and any(name.startswith(NEXT_SENTENCE_INNER) for name in tensors):
            checkpoint = copy.deepcopy(checkpoint)  # it may be the caller's
            take_next_sentence_pooler(checkpoint)
        if "cls.predictions.decoder.weight" in tensors and not new_heads:
            raise InputError(
                f"{checkpoint.source}: its masked-word head has an output matrix of its own, "
                "cls.predictions.decoder.weight; BERT's is the word table. Start the heads afresh (new_heads=True)"
            )
        if vocabulary is not None:
            checkpoint = replace_vocabulary(checkpoint, vocabulary, lowercase)
        settings = {} if new_heads else checkpoint.extra.get("masked_lm", {})
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, next_sentence, {}, packing=packing)
        model = cls(
            encoder,
            preprocessor,
            next_sentence=next_sentence,
            **{"head_activation": settings.get("hidden_act"), "head_layer_norm_eps": settings.get("layer_norm_eps")}
            | options,
        )
        model.load_checkpoint(checkpoint, new=["cls."] if new_heads else [])
        return model

    # -- training ----------------------------------------------------------------------------------------

    def batches(
        self,
        examples: tf.data.Dataset,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        masker: Masker | None = None,
        drop_remainder: bool = False,
        row_length: int | None = None,
    ) -> tf.data.Dataset:
        """Makes the batches that `fit` and `evaluate` take, masked; examples of like length together, or packed.

        Args:
            examples: As `keras_bert.data.pretraining` gives them: `token_ids`, `first_length`,
                `next_sentence_label`, and perhaps masks made already.
            batch_size: Examples a batch; the last one may be smaller.
            shuffle: In another order and with other masks in every epoch.
            seed: The same seed gives the same batches and masks.
            masker: A `TokenMasker`, or a function like it; None takes one with BERT's settings. Examples that have
                their masks already keep them.
            drop_remainder: Leave out the examples that do not fill a batch.
            row_length: With packing: tokens of a row at most; None for the preprocessor's `max_length`.

        Returns:
            Dataset of `(inputs, targets, weights)`; see `pretraining_batches` and `packed_batches`.

        Raises:
            InputError: The examples lack something, or there is a row length without packing.
        """
        packing, preprocessor = self.encoder.packing, self.preprocessor
        if row_length is not None and not packing:
            raise InputError("row_length is for a model with packing: from_preset(..., packing=True)")
        masker = masker or TokenMasker(self.tokenizer)
        rows = preprocessor, masker, self.next_sentence, batch_size, shuffle, seed, drop_remainder
        made = pretraining_batches(examples, *rows, mix_lengths=packing and shuffle)
        if not packing:
            return made
        length, pad_id = row_length or preprocessor.max_length, self.tokenizer.pad_token_id
        return packed_batches(made, length, pad_id, preprocessor.pad_to_multiple_of)

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Keras' `compile`; the loss is the pretrainer's own.

        Raises:
            InputError: Another loss is given.
        """
        if loss is not None:
            raise InputError(f"BertPretrainer has its own loss, received: loss={loss!r}")
        super().compile(optimizer=optimizer, metrics=metrics, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the masked-word loss plus the next-sentence loss, float32, and counts the metrics.

        Each is the sum of its cross-entropies over the true number of its predictions, on all replicas together.
        """
        mask = x["padding_mask"]
        self.tokens.update_state(keras.ops.minimum(mask, 1) if self.encoder.packing else mask)
        total = 0.0
        for name in y_pred:
            # Flat: of rows Keras' metrics take means first, so that a prediction would count less in a wide batch.
            labels, weights = keras.ops.reshape(y[name], (-1,)), keras.ops.reshape(sample_weight[name], (-1,))
            logits = keras.ops.reshape(y_pred[name], (-1, y_pred[name].shape[-1]))
            values = cross_entropies(labels, logits)
            getattr(self, f"{name}_loss").update_state(values, weights)
            getattr(self, f"{name}_accuracy").update_state(is_right(labels, logits), weights)
            total = total + global_mean(values, weights, total=self.total_of(name))
        return self.regularized(total, keras.ops.cast(keras.ops.shape(mask)[0], "float32"))

    def loss_totals(self, y: Any, sample_weight: Any) -> dict[str, Any]:
        """Returns the numbers of true predictions, and of rows."""
        rows = keras.ops.cast(keras.ops.shape(y["masked_lm"])[0], "float32")
        return {"rows": rows, **{name: keras.ops.sum(weights) for name, weights in sample_weight.items()}}

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the metrics over true predictions, the count of tokens, and the perplexity, exp(masked_lm_loss)."""
        results = super().get_metrics_result()
        return {**results, "perplexity": keras.ops.exp(results["masked_lm_loss"])}

    def evaluate_examples(
        self,
        examples: tf.data.Dataset | Iterable[tuple],
        batch_size: int = 64,
        seed: int = 0,
        masker: Masker | None = None,
    ) -> dict[str, float]:
        """Scores examples, such as those of held-out documents, each prediction counted once.

        Args:
            examples: As in `batches`; or batches that it made, for which the other arguments do not count.
            batch_size: Examples a batch.
            seed: Of the masks: the same seed gives the same, so that runs can be compared.
            masker: As in `batches`.

        Returns:
            `loss`, `masked_lm_loss`, `masked_lm_accuracy`, `perplexity`, `unigram_accuracy` (of always saying the
            most frequent of the masked tokens); with next sentences `next_sentence_loss`, `next_sentence_accuracy`.

        Raises:
            InputError: There is no prediction in the examples.
        """
        sums = PretrainingSums()
        if isinstance(examples, tf.data.Dataset) and not isinstance(examples.element_spec, tuple):
            examples = self.batches(examples, batch_size, seed=seed, masker=masker)
        for inputs, targets, weights in examples:
            sums.add_rows(self._stages.sums(inputs, targets, weights), targets, weights)
        return sums.scores()

    def _row_sums(self, inputs: Any, targets: Any, weights: Any) -> Tensors:
        return row_sums(self(inputs, training=False), targets, weights)

    # -- folders -----------------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the heads' weights under Hugging Face's names; the output matrix is the word table."""
        weights = word_head_weights(self.masked_lm_head)
        if self.next_sentence_head is not None:
            weights += dense_weights("cls.seq_relationship", self.next_sentence_head)
        return weights

    def metadata(self) -> dict[str, Any]:
        """Returns the class of `transformers`, which without next sentences is another."""
        return {} if self.next_sentence else {"architectures": ["BertForMaskedLM"]}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps: the head's activation and epsilon where the encoder has others."""
        config, head = self.encoder.config, self.masked_lm_head
        settings = {"hidden_act": head.activation, "layer_norm_eps": head.layer_norm_epsilon}
        if settings == {name: getattr(config, name) for name in settings}:
            return {}
        logging.warning(
            "the masked-word head has %s, other than the encoder: transformers will give other words",
            ", ".join(f"{name}={value}" for name, value in settings.items()),
        )
        return {"masked_lm": settings}

    def _card(self, facts: Mapping[str, Any] | None) -> str:
        problem = "masked words and next sentences" if self.next_sentence else "masked words"
        description = {"problem_type": problem, "outputs": "the likeliest words for each `[MASK]`"}
        return model_card(type(self).__name__, self.encoder.config, description, facts or {})

    # -- Keras serialisation -----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]  # of no use here: both kinds of text are answered
        return {
            **config,
            "next_sentence": self.next_sentence,
            "head_activation": self.masked_lm_head.activation,
            "head_layer_norm_eps": self.masked_lm_head.layer_norm_epsilon,
        }
