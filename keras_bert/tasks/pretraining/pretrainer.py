"""Pre-training: masked words and next sentences, from nothing or on from any checkpoint."""

import copy
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_bert.arguments import check_arguments, check_options
from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import NEXT_SENTENCE_INNER
from keras_bert.checkpoints.mapping import Weight, dense_weights
from keras_bert.checkpoints.presets import take_next_sentence_pooler
from keras_bert.checkpoints.unilm import with_six_segments
from keras_bert.data.pretraining.unilm_examples import FIRST_SEGMENTS
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.linear import Linear
from keras_bert.layers.ordered_attention_bias import UNILM
from keras_bert.tasks.base.text_model import check_two_segments
from keras_bert.tasks.base.word_head import word_head, word_logits
from keras_bert.tasks.pretraining.batches import Masker
from keras_bert.tasks.pretraining.mask_filler import MaskFiller
from keras_bert.tasks.pretraining.packed_examples import next_sentence_logits
from keras_bert.text.masks.masking import TokenMasker
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.token_layer import TokenLayer

BIDIRECTIONAL = "bidirectional"
ATTENTIONS = (BIDIRECTIONAL, UNILM)


@keras.saving.register_keras_serializable(package="keras_bert")
class BertPretrainer(MaskFiller):
    """BERT with the heads it is pre-trained with: masked words, and whether a text follows another.

    Args:
        encoder: The encoder; with a pooler if `next_sentence`, without otherwise. With `packing`, a row may hold
            several examples. With `attention="unilm"` words are learned under the four masks of UniLM, next sentences
            under the bidirectional one.
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
        InputError: The encoder's pooler is missing, or would never be used; or it sees to one side alone.

    Example:
        >>> model = BertPretrainer.from_preset("minilm")
        >>> model.compile(keras_bert.training.adamw(1e-4, steps=10_000))
        >>> model.fit(model.batches(examples, batch_size=64, shuffle=True))  # doctest: +SKIP
        >>> model.answer(["The capital of France is [MASK]."], top_k=1)  # doctest: +SKIP
        [[[{'token': 'paris', 'text': 'The capital of France is paris.', 'score': 0.41}]]]

    References:
        Devlin et al. 2018, arXiv:1810.04805, section 3.1; google-research/bert, run_pretraining.py; the masks of UniLM:
        Dong et al. 2019, arXiv:1905.03197, sections 2.3 and 2.4.
    """

    architecture = "BertForPreTraining"
    words = "masked_lm"
    list_name = "masks"

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
        if encoder.attention not in ATTENTIONS:
            raise InputError(
                f"BertPretrainer needs an encoder with attention {' or '.join(map(repr, ATTENTIONS))}, this one has "
                f"{encoder.attention!r}; BertCausalLM is for models from left to right"
            )
        if next_sentence:
            check_two_segments(encoder, "next sentences (next_sentence=True)")
        config, policy = encoder.config, encoder.dtype_policy
        head = word_head(encoder, head_activation, head_layer_norm_eps, "masked_lm_head")
        places = {"mask_positions": keras.Input(shape=(None,), dtype="int32", name="mask_positions")}
        hidden = encoder(encoder.input)["sequence_output"]
        logits = {"masked_lm": word_logits(encoder, head, hidden, places["mask_positions"])}
        next_sentence_head = None
        if next_sentence:
            next_sentence_head = Linear(
                2, initializer_range=config.initializer_range, dtype=policy, name="next_sentence_head"
            )
            if encoder.packing:
                starts = places["cls_positions"] = keras.Input(shape=(None,), dtype="int32", name="cls_positions")
                logits["next_sentence"] = next_sentence_logits(encoder, next_sentence_head, hidden, starts)
            else:
                # Not the encoder's `pooled_output`, which has the last block again: here all tokens are needed anyway.
                assert encoder.pooler is not None
                logits["next_sentence"] = next_sentence_head(encoder.pooler(hidden))
        super().__init__(encoder, preprocessor, logits, head, places, **kwargs)
        self.next_sentence = next_sentence
        self.masked_lm_head = head
        self.next_sentence_head = next_sentence_head

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
        attention: str | None = None,
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
            attention: `"bidirectional"`, or `"unilm"`, which makes six segments of BERT's two; None takes the
                checkpoint's own.
            pad_vocabulary: Name spare rows of the word table, see `open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open, or its masked-word head is not BERT's.
        """
        check_options(cls, options)
        checkpoint, settings = cls._opened(handle, vocabulary, lowercase, pad_vocabulary, new_heads)
        tensors = checkpoint.tensors
        if next_sentence is None:
            alone = "cls.predictions.bias" in tensors and "cls.seq_relationship.weight" not in tensors
            next_sentence = not alone
        if next_sentence and not new_heads and any(name.startswith(NEXT_SENTENCE_INNER) for name in tensors):
            checkpoint = copy.deepcopy(checkpoint)  # it may be the caller's
            take_next_sentence_pooler(checkpoint)
        attention = attention or checkpoint.extra.get("attention", BIDIRECTIONAL)
        if attention == UNILM:
            checkpoint = with_six_segments(checkpoint)
        masks = {} if attention == BIDIRECTIONAL else {"attention": attention}
        encoder, preprocessor = cls.parts_of(checkpoint, max_length, dtype, next_sentence, {}, packing=packing, **masks)
        model = cls(encoder, preprocessor, next_sentence=next_sentence, **settings | options)
        model.load_checkpoint(checkpoint, new=["cls."] if new_heads else [])
        return model

    def masker(self) -> Masker:
        """Makes a `TokenMasker` with BERT's settings."""
        return TokenMasker(self.tokenizer)

    def batches(self, examples: tf.data.Dataset, *args: Any, **options: Any) -> tf.data.Dataset:
        """Makes the batches that `fit` and `evaluate` take, masked: see `PretrainingTask.batches`.

        Args:
            examples: As there; with `next_sentence_label` where next sentences are learned, and with `first_segment`
                for the masks of UniLM.
            *args: As there.
            **options: As there.

        Returns:
            As there.

        Raises:
            InputError: As there.
        """
        if ("first_segment" in examples.element_spec) != (self.encoder.attention == UNILM):
            raise InputError(
                f"the encoder has attention={self.encoder.attention!r}, and the examples are for "
                f"{'another' if self.encoder.attention == UNILM else 'unilm'}; examples of objective='unilm' are for "
                f"attention={UNILM!r}, and for it alone"
            )
        return super().batches(examples, *args, **options)

    def kinds_of(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the words of each mask of UniLM."""
        if self.encoder.attention != UNILM:
            return {}
        segments = tf.gather(inputs["segment_ids"], inputs["mask_positions"], batch_dims=1)
        second = {0: 1, 4: 5}
        return {
            mask: tf.cast((segments == first) | (segments == second.get(first, first)), tf.float32)
            for mask, first in FIRST_SEGMENTS.items()
        }

    # -- folders -----------------------------------------------------------------------------------------

    def head_weights(self) -> list[Weight]:
        """Returns the heads' weights under Hugging Face's names; the output matrix is the word table."""
        weights = super().head_weights()
        if self.next_sentence_head is not None:
            weights += dense_weights("cls.seq_relationship", self.next_sentence_head)
        return weights

    def metadata(self) -> dict[str, Any]:
        """Returns the class of `transformers`, which without next sentences is another."""
        return {} if self.next_sentence else {"architectures": ["BertForMaskedLM"]}

    def extra(self) -> dict[str, Any]:
        """Returns what `keras_bert.json` keeps, the mask too where it is not BERT's."""
        attention = self.encoder.attention
        return {**super().extra(), **({} if attention == BIDIRECTIONAL else {"attention": attention})}

    def in_words(self) -> dict[str, str]:
        """Returns what the model card says of the objective."""
        problem = "masked words and next sentences" if self.next_sentence else "masked words"
        return {"problem_type": problem, "outputs": "the likeliest words for each `[MASK]`"}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "next_sentence": self.next_sentence}
