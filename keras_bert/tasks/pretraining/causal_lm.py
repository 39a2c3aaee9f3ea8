"""A language model from left to right: every token predicts the next one."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.unilm import for_writing
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.ordered_attention_bias import CAUSAL
from keras_bert.serving.signature import Signature
from keras_bert.tasks.base.text_model import Tensors
from keras_bert.tasks.base.word_head import word_head, word_logits
from keras_bert.tasks.pretraining.batches import Masker
from keras_bert.tasks.pretraining.loss import cross_entropies
from keras_bert.tasks.pretraining.next_tokens import next_tokens
from keras_bert.tasks.pretraining.pretraining_task import PretrainingTask
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer


@keras.saving.register_keras_serializable(package="keras_bert")
class BertCausalLM(PretrainingTask):
    """BERT as a language model that reads from left to right, as GPT does: every token predicts the next one.

    A row is `[CLS] text [SEP]`, segment 0, and each token sees those to its left. So there is nothing to hide, and
    every token is learned from; what the bidirectional BERT has in addition, the words to the right, is missing. It
    answers how likely texts are; `BertSeq2Seq.from_preset` opens a saved folder as a model that writes.

    Args:
        encoder: Without a pooler, with `attention="causal"`. With `packing`, a row may hold several examples.
        preprocessor: Turns strings into the encoder's inputs.
        head_activation: Activation of the word head; None takes the encoder's.
        head_layer_norm_eps: Epsilon of its layer normalization; None takes the encoder's.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: The encoder's, int32 (batch, tokens), and `mask_positions` int32 (batch, predictions), the places from
            which the next token is predicted.

    Returns:
        dict: `token` float32 (batch, predictions, vocabulary), logits.

    Raises:
        InputError: The encoder has a pooler, or sees to the right.

    Example:
        >>> model = BertCausalLM.from_preset("minilm")  # it has to be trained; only the sizes of the answer are true
        >>> [answer["tokens"] for answer in model.answer(["a gripping film", "a film"])]
        [4, 3]
        >>> BertCausalLM.from_preset("runs/gpt/model").answer(["a gripping film", "film a gripping"])  # doctest: +SKIP
        [{'score': -3.1, 'perplexity': 22.4, 'tokens': 4}, {'score': -6.8, 'perplexity': 902.1, 'tokens': 4}]

    References:
        Radford et al. 2018, Improving language understanding by generative pre-training, section 3.1;
        transformers, `BertLMHeadModel` with `is_decoder`.
    """

    architecture = "BertLMHeadModel"
    words = "token"

    def __init__(
        self,
        encoder: BertEncoder,
        preprocessor: BertPreprocessor,
        head_activation: str | None = None,
        head_layer_norm_eps: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertCausalLM, kwargs)
        if encoder.use_pooler or encoder.attention != CAUSAL:
            raise InputError(
                f"BertCausalLM needs an encoder with use_pooler=False and attention={CAUSAL!r}; this one has "
                f"use_pooler={encoder.use_pooler}, attention={encoder.attention!r}"
            )
        head = word_head(encoder, head_activation, head_layer_norm_eps, "word_head")
        places = keras.Input(shape=(None,), dtype="int32", name="mask_positions")
        hidden = encoder(encoder.input)["sequence_output"]
        logits = {"token": word_logits(encoder, head, hidden, places)}
        super().__init__(encoder, preprocessor, logits, head, {"mask_positions": places}, **kwargs)
        self.word_head = head

    @classmethod
    def from_preset(
        cls,
        handle: str | Path | Checkpoint,
        max_length: int | None = None,
        *,
        vocabulary: Sequence[str] | str | PathLike | TokenLayer | None = None,
        lowercase: bool | None = None,
        dtype: Any = None,
        new_heads: bool = False,
        packing: bool = False,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertCausalLM":
        """Opens a checkpoint of any known format as a model that reads from left to right.

        One that was trained to look at both sides has to be trained on before it predicts well.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, or `minilm`; a `Checkpoint` without tensors starts
                from nothing.
            max_length: Longest input in tokens; None takes the checkpoint's own.
            vocabulary: A new tokenizer, its folder or `vocab.txt`, or its entries: see `replace_vocabulary`.
            lowercase: Whether text is lower-cased for the new vocabulary; None leaves it as it is.
            dtype: Dtype policy, such as `"mixed_bfloat16"`.
            new_heads: Start the word head afresh.
            packing: Train on rows that may hold several examples; what is saved is the same.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open, or its word head is not BERT's.
        """
        check_options(cls, options)
        checkpoint, settings = cls._opened(handle, vocabulary, lowercase, pad_vocabulary, new_heads)
        checkpoint = for_writing(checkpoint, CAUSAL)
        encoder, preprocessor = cls.parts_of(
            checkpoint, max_length, dtype, False, {}, packing=packing, attention=CAUSAL
        )
        model = cls(encoder, preprocessor, **settings | options)
        model.load_checkpoint(checkpoint, new=["cls."] if new_heads else [])
        return model

    # -- training ----------------------------------------------------------------------------------------

    def masker(self) -> Masker:
        """Returns `next_tokens`."""
        return next_tokens

    def batches(self, examples: tf.data.Dataset, *args: Any, masker: Masker | None = None, **options: Any) -> Any:
        """Makes the batches that `fit` and `evaluate` take, as `PretrainingTask.batches` does; nothing is hidden.

        Args:
            examples: Of the objective `mlm`: one text each, without masks.
            *args: As there.
            masker: None.
            **options: As there.

        Returns:
            As there.

        Raises:
            InputError: A masker, or examples with masks or pairs of texts.
        """
        if masker is not None:
            raise InputError("a left-to-right model predicts every token from those before it: masker must be None")
        given = examples.element_spec
        if "mask_positions" in given:
            raise InputError(
                "the examples have words hidden for good, which a left-to-right model would read as [MASK]; make them "
                "with dynamic masking (keras-bert pretraining-data --masking=dynamic)"
            )
        if "next_sentence_label" in given:
            raise InputError(
                "the examples are pairs of texts, half of them random; a left-to-right model learns from running text: "
                "make them with objective='mlm'"
            )
        return super().batches(examples, *args, **options)

    # -- answers -----------------------------------------------------------------------------------------

    def answer_strings(self, *texts: Any) -> Tensors:
        """Says how likely texts are, in the graph.

        Args:
            *texts: string (batch,), one tensor.

        Returns:
            `score` float32 (batch,), the mean log-probability of a token given those before it, its end included;
            `perplexity` float32 (batch,), e^(-score); `tokens` int32 (batch,), how many it is a mean of.
        """
        return self._scores(self.preprocessor(texts[0]))

    def _scores(self, inputs: Mapping[str, Any]) -> Tensors:
        made = next_tokens(inputs)
        labels, weights = made.pop("mask_labels"), made.pop("mask_weights")
        losses = cross_entropies(labels, self(made, training=False)["token"]) * weights
        tokens = tf.reduce_sum(weights, axis=1)
        loss = tf.math.divide_no_nan(tf.reduce_sum(losses, axis=1), tokens)
        return {"score": -loss, "perplexity": tf.exp(loss), "tokens": tf.cast(tokens, tf.int32)}

    def answer_rows(self, answers: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """Turns the arrays of `answer_strings` into one dict for each text."""
        columns = (answers[name].tolist() for name in ("score", "perplexity", "tokens"))
        return [
            {"score": score, "perplexity": perplexity, "tokens": tokens}
            for score, perplexity, tokens in zip(*columns, strict=True)
        ]

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions of the exported SavedModel: `serving_default` of texts, `token_ids` of their ids."""
        return {**super().signatures(), "token_ids": self.token_signature(lambda **inputs: self._scores(inputs))}

    # -- folders -----------------------------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        """Returns what `config.json` says of a left-to-right model."""
        return {"is_decoder": True}

    def in_words(self) -> dict[str, str]:
        """Returns what the model card says of the objective."""
        return {"problem_type": "the next word", "outputs": "how likely a text is, as the perplexity of its tokens"}
