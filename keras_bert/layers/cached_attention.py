"""A block's work for one new token, with the keys and values of all tokens before it kept."""

from typing import Any

from keras import ops

from keras_bert.layers.encoder_block import EncoderBlock


def keys_and_values(block: EncoderBlock, hidden: Any, batch: Any) -> tuple[Any, Any]:
    """Returns the keys and values that a block's attention makes of its inputs.

    Args:
        block: A built block.
        hidden: Its input, float (batch · tokens, size).
        batch: Number of rows.

    Returns:
        Two floats (batch, heads, tokens, size of a head).
    """
    attention = block.attention
    qkv = attention.qkv(block.attention_norm(hidden) if block.norm_first else hidden)
    qkv = ops.reshape(qkv, (batch, -1, 3, attention.num_heads, attention.size_per_head))
    _, key, value = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), 3)
    return key, value


def block_step(
    block: EncoderBlock, hidden: Any, source: tuple[Any, Any], source_bias: Any, kept: tuple[Any, Any]
) -> tuple[Any, tuple[Any, Any]]:
    """Computes a block for the newest token of each sequence; what it gives is what the whole row would give there.

    The source's keys and values are those of a row: the sequences of the row are queries side by side, so that nothing
    of the source is copied for them.

    Args:
        block: A built block; dropout is off.
        hidden: float (rows · beams, size), the block's input for the newest tokens.
        source: Keys and values of the source, each float (rows, heads, tokens, size of a head).
        source_bias: float (rows, 1, 1, tokens), 0 for tokens, far below 0 for padding.
        kept: Keys and values of the sequences' earlier tokens, each float (rows, beams, heads, time, size of a head).

    Returns:
        float (rows · beams, size), and what is kept with the new token's keys and values behind.
    """
    attention = block.attention
    inputs = block.attention_norm(hidden) if block.norm_first else hidden
    rows, beams = ops.shape(kept[0])[0], ops.shape(kept[0])[1]
    qkv = ops.reshape(attention.qkv(inputs), (rows, beams, 3, attention.num_heads, attention.size_per_head))
    query, key, value = ops.unstack(qkv, 3, axis=2)  # (N, K, H, S)
    keys = ops.concatenate([kept[0], key[:, :, :, None]], axis=3)  # (N, K, H, T, S)
    values = ops.concatenate([kept[1], value[:, :, :, None]], axis=3)

    scale = attention.size_per_head**-0.5
    query = query * ops.cast(scale, query.dtype)
    of_source = ops.matmul(ops.transpose(query, (0, 2, 1, 3)), ops.transpose(source[0], (0, 1, 3, 2))) + source_bias
    own = ops.matmul(query[:, :, :, None], ops.transpose(keys, (0, 1, 2, 4, 3)))[:, :, :, 0]  # (N, K, H, T)
    scores = ops.concatenate([of_source, ops.transpose(own, (0, 2, 1, 3))], axis=-1)  # (N, H, K, source + T)
    probabilities = ops.softmax(ops.cast(scores, "float32"))
    probabilities = ops.cast(probabilities, attention.compute_dtype)
    tokens = ops.shape(source[0])[2]
    from_source = ops.transpose(ops.matmul(probabilities[..., :tokens], source[1]), (0, 2, 1, 3))
    own_probabilities = ops.transpose(probabilities[..., tokens:], (0, 2, 1, 3))
    from_own = ops.matmul(own_probabilities[:, :, :, None], values)[:, :, :, 0]
    context = ops.reshape(from_source + from_own, (-1, attention.num_heads * attention.size_per_head))
    return block.finish(hidden, attention.output_dense(context)), (keys, values)
