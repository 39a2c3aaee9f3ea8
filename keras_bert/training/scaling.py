"""Scale on paper: the memory of a training step, what it sends, and what is left of the speed on many devices."""

from dataclasses import dataclass

from keras_bert.config import BertConfig


@dataclass(frozen=True)
class Cluster:
    """Machines with several devices each.

    Attributes:
        devices: Devices of a machine.
        inside: Bytes a second that a device sends to others of its machine.
        between: Bytes a second that a machine sends to others.
        latency: Seconds that each message takes before its first byte.
    """

    devices: int = 8
    inside: float = 300e9
    between: float = 200e9
    latency: float = 10e-6


def parameter_count(config: BertConfig, pooler: bool = True) -> int:
    """Counts the weights of an encoder.

    Example:
        >>> parameter_count(BertConfig())
        109482240
    """
    size, inner, width = config.hidden_size, config.intermediate_size, config.attention_size
    positions = 0 if config.position_embedding_type == "sinusoidal" else config.max_position_embeddings
    tables = (config.vocab_size + positions + config.type_vocab_size) * size
    attention = 4 * size * width + 3 * width + size
    dense = size * inner + inner + inner * size + size
    norms = (2 * config.num_hidden_layers + 1) * 2 * size
    return tables + norms + config.num_hidden_layers * (attention + dense) + (size * size + size if pooler else 0)


def state_bytes(config: BertConfig) -> int:
    """Counts what each device holds whatever the batch: weights, two moments of Adam and gradients, all float32."""
    return 16 * parameter_count(config)


def activation_bytes(config: BertConfig, rows: int, length: int, number_bytes: int = 4) -> int:
    """Counts what the forward pass keeps for the backward pass in all blocks.

    For each token of a block, in units of the hidden size: the inputs of the query-key-value product, query, key,
    value, the input of the output product, of the inner product and of both norms, 8 numbers; the inner layer before
    and after its activation; two dropout masks of a byte. For each pair of tokens and head: the softmax, its dropout
    mask of a byte, and what is left of it.

    Args:
        config: The architecture.
        rows: Rows that are computed at once: those of a device, divided by `accumulate`.
        length: Tokens of a row, padding included.
        number_bytes: 4 for float32, 2 for mixed_bfloat16.

    References:
        Korthikanti et al. 2022, arXiv:2205.05198, section 4.1: 34 h + 5 a s bytes a token in 16 bits.
    """
    size, heads, width = config.hidden_size, config.num_attention_heads, config.attention_size
    token = number_bytes * (4 * (size + width) + 2 * config.intermediate_size) + 2 * size
    pairs = (2 * number_bytes + 1) * heads * length
    return rows * length * config.num_hidden_layers * (token + pairs)


def all_reduce_seconds(size: float, devices: int, cluster: Cluster) -> float:
    """Gives the time to add up `size` bytes over devices: in rings, inside of machines first, then between them.

    A ring of n sends each byte 2 (n - 1) / n times in 2 (n - 1) messages. Between machines each device adds up its own
    share with those of the other machines, all sharing the machine's link.

    References:
        Patarasuk and Yuan 2009, doi:10.1016/j.jpdc.2008.09.002.
    """
    inside = min(devices, cluster.devices)
    machines = -(-devices // cluster.devices)
    seconds = _ring(size, inside, cluster.inside, cluster.latency)
    return seconds + _ring(size, machines, cluster.between, cluster.latency)


def efficiency(
    step_seconds: float, size: float, devices: int, cluster: Cluster, overlap: float = 0.0, backward: float = 2 / 3
) -> float:
    """Gives the share of their speed that devices keep when they train together, each on as many rows as one alone.

    Args:
        step_seconds: Time of a step on one device.
        size: Bytes of the gradients.
        devices: How many.
        cluster: How they are linked.
        overlap: Share of the backward pass during which gradients are sent as well; 0 waits for its end.
        backward: Share of the step that the backward pass takes.
    """
    hidden = overlap * backward * step_seconds
    return step_seconds / (step_seconds + max(0.0, all_reduce_seconds(size, devices, cluster) - hidden))


def _ring(size: float, count: int, rate: float, latency: float) -> float:
    return 2 * (count - 1) / count * size / rate + 2 * (count - 1) * latency
