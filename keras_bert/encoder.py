"""The BERT encoder: the layers, composed."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
from keras import ops

from keras_bert.arguments import check_arguments, check_call, refuse_unknown
from keras_bert.config import BertConfig
from keras_bert.layers.attention_bias import AttentionBias
from keras_bert.layers.bert_embeddings import BertEmbeddings
from keras_bert.layers.encoder_block import EncoderBlock
from keras_bert.layers.frozen_parts import freeze_parts, frozen_parts, is_frozen
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.ordered_attention_bias import MASKS, UNILM, UNILM_SEGMENTS, OrderedAttentionBias
from keras_bert.layers.packed_attention_bias import PackedAttentionBias
from keras_bert.layers.pooler import Pooler
from keras_bert.layers.tokens import FlattenTokens, UnflattenTokens
from keras_bert.preset_hook import open_part


@keras.saving.register_keras_serializable(package="keras_bert")
class BertEncoder(keras.Model):
    """BERT from token ids to hidden states, on any Keras backend.

    A functional model; its parts are the attributes `embeddings`, `blocks`, `final_norm` (pre-LN only) and
    `pooler`.

    Args:
        config: The architecture, a `BertConfig`.
        use_pooler: Add BERT's pooler (first token, dense, tanh).
        output_hidden_states: Give the hidden states of the embeddings and of every block as well.
        output_attentions: Give the attention probabilities of every block as well.
        gradient_checkpointing: In training compute each block again in the backward pass, so that its inputs are all
            that is kept of it in memory: a step takes about a third more time. May be set later as an attribute,
            before the model is compiled.
        unpad: Compute everything but attention for tokens alone and not for padding, where the outputs are zeros: in a
            batch of texts of many lengths, as they come to a server, about half of the work. Not under XLA. May be
            set later as an attribute, before the model is traced.
        attention: Which tokens a token may look at. `"bidirectional"`: all, as BERT. `"prefix"`: of the first text all,
            of the second those to its left. `"causal"`: those to its left. `"unilm"`: as its segment says, of which
            there are six then (see `OrderedAttentionBias`). Weights and their names are the same.
        packing: A row may hold several examples one after the other: attention stays inside each, and positions begin
            at 0 in each. `padding_mask` then numbers them. Weights and their names are the same.
        adapters: Low-rank adapters in the blocks: `rank`, `alpha`, `dropout`, and `targets`, a list of
            `keras_bert.layers.adapted_linear.MODULES`. `keras_bert.compression.add_adapters` gives them to a model.
        dtype: Dtype or dtype policy of all layers, such as `"mixed_bfloat16"`; None takes Keras' global one.
        shared: A `BertEncoder` with the same config, adapters and dtype, whose embeddings and blocks this one has,
            too: a second way through them, with or without a pooler, and no second copy of the weights. No part of the
            config.
        **kwargs: Those of `keras.Model`.

    Call arguments:
        inputs: A dict of int32 (batch, tokens): `token_ids`, `segment_ids`, and `padding_mask` (1 = token,
            0 = padding; with `packing` 1, 2, 3 ... = token of the row's first, second, third example). Or, as Hugging
            Face's tokenizers give them, `input_ids`, and perhaps `token_type_ids` (else 0) and `attention_mask`
            (else 1).

    Returns:
        A dict of floats: `sequence_output` (batch, tokens, hidden_size); with `use_pooler` `pooled_output`
        (batch, hidden_size); with `output_hidden_states` `hidden_states`, a tuple of `num_hidden_layers` + 1
        like the first; with `output_attentions` `attentions`, a tuple of `num_hidden_layers` of
        (batch, heads, tokens, tokens), before dropout.

        `pooled_output` comes from the last block for the first token of each row alone, unless hidden states or
        attentions are asked for, too. A graph that uses no other output leaves the rest of that block out, three
        quarters of it. In training its dropout there is not that of `sequence_output`; who needs both from the same
        hidden states calls `encoder.pooler` on the latter, as `BertPretrainer` does.

    Example:
        >>> encoder = BertEncoder(BertConfig(hidden_size=48, num_hidden_layers=2, num_attention_heads=4))
        >>> ids = keras.ops.ones((1, 8), "int32")
        >>> outputs = encoder({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids})
        >>> tuple(outputs["pooled_output"].shape)
        (1, 48)

    References:
        Devlin et al. 2018, arXiv:1810.04805; google-research/bert, modeling.py.
    """

    def __init__(
        self,
        config: BertConfig,
        use_pooler: bool = True,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        gradient_checkpointing: bool = False,
        unpad: bool = False,
        packing: bool = False,
        attention: str = "bidirectional",
        adapters: Mapping[str, Any] | None = None,
        dtype: Any = None,
        shared: Any = None,
        **kwargs: Any,
    ) -> None:
        check_arguments(BertEncoder, kwargs)
        policy = keras.dtype_policies.get(dtype)
        embeddings = (
            shared.embeddings
            if shared
            else BertEmbeddings(
                vocabulary_size=config.vocab_size,
                hidden_size=config.hidden_size,
                max_positions=config.max_position_embeddings,
                num_segments=config.type_vocab_size,
                position_type=config.position_embedding_type,
                dropout=config.hidden_dropout_prob,
                layer_norm_epsilon=config.layer_norm_eps,
                use_layer_norm=not config.norm_first,
                initializer_range=config.initializer_range,
                dtype=policy,
                name="embeddings",
            )
        )
        blocks = (
            shared.blocks
            if shared
            else [
                EncoderBlock(
                    num_heads=config.num_attention_heads,
                    intermediate_size=config.intermediate_size,
                    activation=config.hidden_act,
                    dropout=config.hidden_dropout_prob,
                    attention_dropout=config.attention_probs_dropout_prob,
                    layer_norm_epsilon=config.layer_norm_eps,
                    norm_first=config.norm_first,
                    output_attentions=output_attentions,
                    initializer_range=config.initializer_range,
                    gradient_checkpointing=gradient_checkpointing,
                    unpad=unpad,
                    adapters=adapters,
                    head_size=config.attention_head_size,
                    dtype=policy,
                    name=f"block_{index}",
                )
                for index in range(config.num_hidden_layers)
            ]
        )
        final_norm = LayerNorm(config.layer_norm_eps, dtype=policy, name="final_norm") if config.norm_first else None
        if shared:
            final_norm = shared.final_norm
        pooler = Pooler(config.initializer_range, dtype=policy, name="pooler") if use_pooler else None
        flatten = FlattenTokens(unpad, dtype=policy, name="flatten_tokens")
        unflatten = UnflattenTokens(unpad, dtype=policy, name="unflatten_tokens")

        inputs = {
            name: keras.Input(shape=(None,), dtype="int32", name=name)
            for name in ("token_ids", "segment_ids", "padding_mask")
        }
        padding_mask = inputs["padding_mask"]
        if attention == UNILM and config.type_vocab_size != UNILM_SEGMENTS:
            raise ValueError(
                f"attention={UNILM!r} needs type_vocab_size={UNILM_SEGMENTS}, not {config.type_vocab_size}"
            )
        if attention in (*MASKS, UNILM):
            ordered = OrderedAttentionBias(attention, dtype=policy, name="attention_bias")
            attention_bias = ordered(padding_mask, inputs["segment_ids"])
        elif attention == "bidirectional":
            bias_layer = PackedAttentionBias if packing else AttentionBias
            attention_bias = bias_layer(dtype=policy, name="attention_bias")(padding_mask)
        else:
            known = ", ".join((*MASKS, UNILM))
            raise ValueError(f"attention must be one of bidirectional, {known}, received: {attention!r}")
        examples = [padding_mask] if packing else []
        embedded = embeddings(inputs["token_ids"], inputs["segment_ids"], *examples)
        hidden_states, attentions = [embedded], []
        hidden = flatten(embedded, padding_mask)
        for index, block in enumerate(blocks):
            inputs_of_last = hidden
            hidden = block(hidden, attention_bias, padding_mask)
            if output_attentions:
                hidden, probabilities = hidden
                attentions.append(probabilities)
            is_last = index == len(blocks) - 1
            if is_last and final_norm is not None:
                hidden = final_norm(hidden)
            if is_last or output_hidden_states:
                hidden_states.append(unflatten(hidden, padding_mask))

        outputs: dict[str, Any] = {"sequence_output": hidden_states[-1]}
        if pooler is not None and (output_hidden_states or output_attentions):
            outputs["pooled_output"] = pooler(hidden_states[-1])
        elif pooler is not None:
            # The last block once more, for the first token alone: in a graph only what is used of the two is computed.
            first = blocks[-1](inputs_of_last, attention_bias, padding_mask, first_token=True)
            first = first if final_norm is None else final_norm(first)
            outputs["pooled_output"] = pooler(ops.expand_dims(first, 1))
        if output_hidden_states:
            outputs["hidden_states"] = tuple(hidden_states)
        if output_attentions:
            outputs["attentions"] = tuple(attentions)
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        if kwargs.get("trainable") is False:  # Keras (3.15, `Functional`) freezes the model before it has layers
            freeze_parts(self, [layer.name for layer in self.layers])

        self.config = config
        self.use_pooler = use_pooler
        self.output_hidden_states = output_hidden_states
        self.output_attentions = output_attentions
        self.packing = packing
        self.attention = attention
        self.adapters = None if adapters is None else dict(adapters)
        self.dtype_policy = policy
        self.embeddings = embeddings
        self.blocks = blocks
        self._flatten, self._unflatten = flatten, unflatten
        self.final_norm = final_norm
        self.pooler = pooler

    @classmethod
    def from_preset(
        cls,
        handle: Any,
        *,
        use_pooler: bool | None = None,
        load_weights: bool = True,
        pad_vocabulary: bool = False,
        **options: Any,
    ) -> "BertEncoder":
        """Opens the encoder of a checkpoint of any known format, without its heads.

        Args:
            handle: A folder, `hf://org/name`, `kaggle://...`, `minilm`, or an opened `Checkpoint`; see
                `keras_bert.checkpoints.resolve`.
            use_pooler: As in the constructor; None takes the checkpoint's own, if it has one.
            load_weights: False takes the architecture alone, with fresh weights, and fetches no others.
            pad_vocabulary: See `keras_bert.checkpoints.open_checkpoint`.
            **options: Further arguments of the constructor.

        Raises:
            InputError: The checkpoint does not open.

        Example:
            >>> encoder = BertEncoder.from_preset("minilm", output_hidden_states=True)  # doctest: +SKIP
        """
        return open_part(
            "encoder",
            handle,
            use_pooler=use_pooler,
            load_weights=load_weights,
            pad_vocabulary=pad_vocabulary,
            **options,
        )

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs, see the class; inputs under Hugging Face's names are understood as well."""
        inputs = _own_names(inputs)
        check_call("BertEncoder", inputs, self.input, kwargs)
        return super().__call__(inputs, *args, **kwargs)

    @property
    def gradient_checkpointing(self) -> bool:
        """Whether each block is computed again in the backward pass."""
        return all(block.gradient_checkpointing for block in self.blocks)

    @gradient_checkpointing.setter
    def gradient_checkpointing(self, value: bool) -> None:
        for block in self.blocks:
            block.gradient_checkpointing = value

    @property
    def unpad(self) -> bool:
        """Whether only attention works on padding."""
        return self._flatten.unpad

    @unpad.setter
    def unpad(self, value: bool) -> None:
        self._flatten.unpad = self._unflatten.unpad = value
        for block in self.blocks:
            block.unpad = value

    def get_config(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "use_pooler": self.use_pooler,
            "output_hidden_states": self.output_hidden_states,
            "output_attentions": self.output_attentions,
            "gradient_checkpointing": self.gradient_checkpointing,
            "unpad": self.unpad,
            "packing": self.packing,
            "attention": self.attention,
            "adapters": self.adapters and {**self.adapters},
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": not is_frozen(self),
            "frozen": frozen_parts(self),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "BertEncoder":
        config = {**config, "config": BertConfig(**config["config"])}
        frozen = config.pop("frozen", ())
        encoder = cls(**config)
        freeze_parts(encoder, frozen)
        return encoder


def _own_names(inputs: Any) -> Any:
    """Renames inputs that have Hugging Face's names; all others stay as they are."""
    if not isinstance(inputs, Mapping) or "input_ids" not in inputs:
        return inputs
    refuse_unknown("BertEncoder", inputs, ("input_ids", "token_type_ids", "attention_mask"))
    given = {
        name: value if isinstance(value, keras.KerasTensor) else ops.convert_to_tensor(value)
        for name, value in inputs.items()
    }
    ids = given["input_ids"]
    return {
        "token_ids": ids,
        "segment_ids": given["token_type_ids"] if "token_type_ids" in given else ops.zeros_like(ids),
        "padding_mask": given["attention_mask"] if "attention_mask" in given else ops.ones_like(ids),
    }


@contextlib.contextmanager
def unpadded(encoder: BertEncoder, unpad: bool = True) -> Iterator[None]:
    """Sets `encoder.unpad` for what is traced inside.

    Example:
        >>> with unpadded(encoder):  # doctest: +SKIP
        ...     function = tf.function(encoder).get_concrete_function(inputs)
    """
    before = encoder.unpad
    encoder.unpad = unpad
    try:
        yield
    finally:
        encoder.unpad = before
