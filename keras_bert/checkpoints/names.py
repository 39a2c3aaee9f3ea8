"""The tensors of a BERT encoder: Hugging Face's names with their shapes."""

from keras_bert.config import BertConfig

PREFIX = "bert."
POOLER = "bert.pooler."
WORD_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
POSITION_EMBEDDINGS = "bert.embeddings.position_embeddings.weight"
SEGMENT_EMBEDDINGS = "bert.embeddings.token_type_embeddings.weight"


def encoder_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Lists the tensors of an encoder, pooler included, in Hugging Face's names and layout.

    Weights of dense layers are (out, in). The final normalization of a pre-LN encoder has no name in
    Hugging Face's BERT; it is called `bert.encoder.ln` as in their MegatronBERT.

    Args:
        config: The architecture.

    Returns:
        Shapes by name, bottom of the network first.

    Example:
        >>> encoder_shapes(BertConfig())["bert.encoder.layer.0.intermediate.dense.weight"]
        (3072, 768)

    References:
        transformers, models/bert/modeling_bert.py, `BertModel`.
    """
    size = config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {WORD_EMBEDDINGS: (config.vocab_size, size)}
    if config.position_embedding_type == "absolute":
        shapes[POSITION_EMBEDDINGS] = (config.max_position_embeddings, size)
    shapes[SEGMENT_EMBEDDINGS] = (config.type_vocab_size, size)
    if not config.norm_first:
        shapes |= _norm("bert.embeddings.LayerNorm", size)
    for index in range(config.num_hidden_layers):
        shapes |= layer_shapes(config, index)
    if config.norm_first:
        shapes |= _norm("bert.encoder.ln", size)
    shapes |= _dense("bert.pooler.dense", size, size)
    return shapes


def layer_shapes(config: BertConfig, index: int) -> dict[str, tuple[int, ...]]:
    """Lists the tensors of one layer, numbered from 0; see `encoder_shapes`."""
    size, inner, layer = config.hidden_size, config.intermediate_size, f"bert.encoder.layer.{index}"
    width = config.attention_size
    shapes: dict[str, tuple[int, ...]] = {}
    for part in ("query", "key", "value"):
        shapes |= _dense(f"{layer}.attention.self.{part}", width, size)
    shapes |= _dense(f"{layer}.attention.output.dense", size, width)
    shapes |= _norm(f"{layer}.attention.output.LayerNorm", size)
    shapes |= _dense(f"{layer}.intermediate.dense", inner, size)
    shapes |= _dense(f"{layer}.output.dense", size, inner)
    shapes |= _norm(f"{layer}.output.LayerNorm", size)
    return shapes


def _dense(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
