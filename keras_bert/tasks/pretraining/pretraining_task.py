"""What the objectives of pre-training share: words to predict, their loss, their scores, their folders."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import keras
import tensorflow as tf
from absl import logging

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.mapping import Weight
from keras_bert.checkpoints.new_vocabulary import replace_vocabulary
from keras_bert.data.batching.packed_batches import packed_batches
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.masked_lm_head import MaskedLMHead
from keras_bert.serving.model_card import model_card
from keras_bert.tasks.base.global_batch import global_mean
from keras_bert.tasks.base.on_replicas import on_replicas
from keras_bert.tasks.base.task import BertTask, open_preset
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.base.word_head import word_head_settings, word_head_weights
from keras_bert.tasks.pretraining.batches import Masker, pretraining_batches
from keras_bert.tasks.pretraining.loss import cross_entropies, is_right
from keras_bert.tasks.pretraining.scores import PretrainingSums, row_sums
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer


class PretrainingTask(BertTask):
    """A BERT that predicts words of its text, and perhaps whether a text follows another.

    Subclasses are the objectives. Each says by its `masker` which words are to be predicted, and how its texts are
    answered.

    Args:
        encoder: The encoder, part of the model.
        preprocessor: Turns strings into the encoder's inputs.
        outputs: Logits by name: `words` float32 (batch, predictions, vocabulary), perhaps `next_sentence` float32
            (batch, 2).
        head: The word head, part of the model.
        inputs: Further inputs of the heads, int32 (batch, ...) by name.
        **kwargs: Those of `keras.Model`.
    """

    learning_rate = 1e-4  # Devlin et al. 2018, appendix A.2
    may_be_new = ("cls.", "bert.pooler.")

    words: ClassVar[str]
    """The name of the words' logits, targets and scores."""

    next_sentence = False

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        outputs: Mapping[str, Any],
        head: MaskedLMHead,
        inputs: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        outputs = {
            name: keras.layers.Activation("linear", dtype="float32", name=name)(tensor)
            for name, tensor in outputs.items()
        }
        super().__init__(encoder, preprocessor, outputs, inputs=inputs, **kwargs)
        # In a namespace: the subclass has the head as an attribute, under the name that its files have.
        self._stages.word_head = head
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
        for name in outputs:
            setattr(self, f"{name}_loss", keras.metrics.Mean(name=f"{name}_loss"))
            setattr(self, f"{name}_accuracy", keras.metrics.Mean(name=f"{name}_accuracy"))

    @property
    def monitor(self) -> str:
        """The score by which one model is better than another."""
        return f"{self.words}_accuracy"

    def masker(self) -> Masker:
        """Makes the function that says which words are to be predicted, with its usual settings."""
        raise NotImplementedError

    def in_words(self) -> dict[str, str]:
        """Returns what the model card says of the objective: `problem_type` and `outputs`."""
        raise NotImplementedError

    @classmethod
    def _opened(
        cls,
        handle: str | Path | Checkpoint,
        vocabulary: Sequence[str] | str | PathLike | TokenLayer | None,
        lowercase: bool | None,
        pad_vocabulary: bool,
        new_heads: bool,
    ) -> tuple[Checkpoint, dict[str, Any]]:
        """Opens a checkpoint, gives it another vocabulary; returns the head's settings, too."""
        checkpoint = open_preset(handle, pad_vocabulary)
        if "cls.predictions.decoder.weight" in checkpoint.tensors and not new_heads:
            raise InputError(
                f"{checkpoint.source}: its masked-word head has an output matrix of its own, "
                "cls.predictions.decoder.weight; BERT's is the word table. Start the heads afresh (new_heads=True)"
            )
        if vocabulary is not None:
            checkpoint = replace_vocabulary(checkpoint, vocabulary, lowercase)
        return checkpoint, {} if new_heads else word_head_settings(checkpoint)

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
        begin: int = 0,
    ) -> tf.data.Dataset:
        """Makes the batches that `fit` and `evaluate` take; examples of like length together, or packed.

        Args:
            examples: As `keras_bert.data.pretraining` gives them: `token_ids`, `first_length`, and what else the
                objective needs. A `RecordStream` begins late in an epoch without reading what comes before.
            batch_size: Examples a batch; the last one may be smaller.
            shuffle: In another order and with other masks in every epoch.
            seed: The same seed gives the same batches and masks.
            masker: A `TokenMasker`, or a function like it; None takes the objective's, with its usual settings.
                Examples that have their masks already keep them.
            drop_remainder: Leave out the examples that do not fill a batch.
            row_length: With packing: tokens of a row at most; None for the preprocessor's `max_length`.
            begin: The first batch to make; those before it are left out.

        Returns:
            Dataset of `(inputs, targets, weights)`; see `pretraining_batches` and `packed_batches`.

        Raises:
            InputError: The examples are not those of the objective, or there is a row length without packing.
        """
        packing, preprocessor = self.encoder.packing, self.preprocessor
        if row_length is not None and not packing:
            raise InputError("row_length is for a model with packing: from_preset(..., packing=True)")
        made = pretraining_batches(
            examples,
            preprocessor,
            masker or self.masker(),
            self.next_sentence,
            batch_size,
            shuffle,
            seed,
            drop_remainder,
            mix_lengths=packing and shuffle,
            words=self.words,
            begin=begin,
        )
        if not packing:
            return made
        length, pad_id = row_length or preprocessor.max_length, self.tokenizer.pad_token_id
        return packed_batches(made, length, pad_id, preprocessor.pad_to_multiple_of)

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **kwargs: Any) -> None:
        """Keras' `compile`; the loss is the task's own.

        Raises:
            InputError: Another loss is given.
        """
        if loss is not None:
            raise InputError(f"{type(self).__name__} has its own loss, received: loss={loss!r}")
        super().compile(optimizer=optimizer, metrics=metrics, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the words' loss, plus that of next sentences where they are learned, and counts the metrics.

        Each is the sum of its cross-entropies over the true number of its predictions, on all replicas together, in
        float32.
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
        rows = keras.ops.cast(keras.ops.shape(y[self.words])[0], "float32")
        return {"rows": rows, **{name: keras.ops.sum(weights) for name, weights in sample_weight.items()}}

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the metrics over true predictions, the count of tokens, and the perplexity, e^(loss of the words)."""
        results = super().get_metrics_result()
        return {**results, "perplexity": keras.ops.exp(results[f"{self.words}_loss"])}

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
            `loss`; of the words `masked_lm_loss` and `masked_lm_accuracy` (`token_loss`, `token_accuracy` from left to
            right), `perplexity`, `unigram_accuracy` (of always saying the most frequent of the predicted tokens); with
            next sentences `next_sentence_loss`, `next_sentence_accuracy`.

        Raises:
            InputError: There is no prediction in the examples.
        """
        sums = PretrainingSums(self.words)
        if isinstance(examples, tf.data.Dataset) and not isinstance(examples.element_spec, tuple):
            examples = self.batches(examples, batch_size, seed=seed, masker=masker)
        for inputs, targets, weights in examples:
            sums.add_rows(self._stages.sums(inputs, targets, weights), targets, weights)
        return sums.scores()

    def _row_sums(self, inputs: Any, targets: Any, weights: Any) -> Tensors:
        return row_sums(self(inputs, training=False), targets, weights, self.kinds_of(inputs))

    def kinds_of(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Says which words of a batch have scores of their own beside those of all.

        Args:
            inputs: Of a batch.

        Returns:
            Names, each with float32 (batch, predictions), 1 for the words of the kind.
        """
        return {}

    # -- folders -----------------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the heads' weights under Hugging Face's names; the output matrix is the word table."""
        return word_head_weights(self._stages.word_head)

    def looked_up(self) -> list[Any]:
        """Returns no weights: the word table is a product's matrix, too."""
        return []

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps: the head's activation and epsilon where the encoder has others."""
        config, head = self.encoder.config, self._stages.word_head
        settings = {"hidden_act": head.activation, "layer_norm_eps": head.layer_norm_epsilon}
        if settings == {name: getattr(config, name) for name in settings}:
            return {}
        logging.warning(
            "the masked-word head has %s, other than the encoder: transformers will give other words",
            ", ".join(f"{name}={value}" for name, value in settings.items()),
        )
        return {"masked_lm": settings}

    def card(self, facts: Mapping[str, Any] | None) -> str:
        """Writes the model card, see `BertTask.card`."""
        return model_card(type(self).__name__, self.encoder.config, self.in_words(), facts or {})

    # -- Keras serialisation -----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["text_pair"]  # of no use here
        head = self._stages.word_head
        return {**config, "head_activation": head.activation, "head_layer_norm_eps": head.layer_norm_epsilon}
