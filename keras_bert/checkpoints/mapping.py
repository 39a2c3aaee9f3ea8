"""Between the variables of a model and Hugging Face's tensors: one list, used for loading and for saving."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from keras_bert.checkpoints.checkpoint import Checkpoint
from keras_bert.checkpoints.heads import unused_reason
from keras_bert.checkpoints.names import (
    POOLER,
    POSITION_EMBEDDINGS,
    PREFIX,
    SEGMENT_EMBEDDINGS,
    WORD_EMBEDDINGS,
)
from keras_bert.checkpoints.report import LoadReport
from keras_bert.checkpoints.shapes import shape_message, shortened
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.adapted_linear import AdaptedLinear


@dataclasses.dataclass(frozen=True)
class Weight:
    """One tensor of Hugging Face's file and the variable, or the part of one, that holds it in a model.

    Attributes:
        name: Hugging Face's name.
        shape: Its shape in Hugging Face's layout; weights of dense layers are (out, in).
        read: Gives the present value, float32 in Hugging Face's layout.
        write: Sets the variable from such an array.

    Example:
        >>> import keras
        >>> layer = keras.layers.Dense(3)
        >>> layer.build((None, 2))
        >>> weight, bias = keras_bert.checkpoints.dense_weights("classifier", layer)
        >>> bias.name, bias.read().tolist()
        ('classifier.bias', [0.0, 0.0, 0.0])
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    write: Callable[[np.ndarray], None]


def variable_weight(name: str, variable: Any, transpose: bool = False) -> Weight:
    """Maps a whole Keras variable.

    Args:
        name: Hugging Face's name.
        variable: The Keras variable.
        transpose: The file holds it with its two axes exchanged.

    Example:
        >>> import keras
        >>> weight = variable_weight("scale", keras.Variable([1.0, 2.0]))
        >>> weight.name, weight.shape, weight.read().tolist()
        ('scale', (2,), [1.0, 2.0])
    """
    shape = tuple(variable.shape)

    def read() -> np.ndarray:
        value = _numpy(variable)
        return value.T if transpose else value

    def write(value: np.ndarray) -> None:
        variable.assign(value.T if transpose else value)

    return Weight(name, shape[::-1] if transpose else shape, read, write)


def dense_weights(name: str, layer: Any) -> list[Weight]:
    """Maps a dense layer with `kernel` (in, out) and `bias` to `name.weight` (out, in) and `name.bias`.

    Example:
        >>> import keras
        >>> layer = keras.layers.Dense(3)
        >>> layer.build((None, 2))
        >>> [(weight.name, weight.shape) for weight in dense_weights("classifier", layer)]
        [('classifier.weight', (3, 2)), ('classifier.bias', (3,))]
    """
    if isinstance(layer, AdaptedLinear):
        return _part(name, layer, 0)
    return [
        variable_weight(f"{name}.weight", layer.kernel, transpose=True),
        variable_weight(f"{name}.bias", layer.bias),
    ]


def norm_weights(name: str, layer: Any) -> list[Weight]:
    """Maps a layer normalization's `gamma` and `beta` to `name.weight` and `name.bias`.

    Example:
        >>> import keras
        >>> layer = keras.layers.LayerNormalization()
        >>> layer.build((None, 4))
        >>> [(weight.name, weight.shape) for weight in norm_weights("LayerNorm", layer)]
        [('LayerNorm.weight', (4,)), ('LayerNorm.bias', (4,))]
    """
    return [variable_weight(f"{name}.weight", layer.gamma), variable_weight(f"{name}.bias", layer.beta)]


def encoder_weights(encoder: BertEncoder) -> list[Weight]:
    """Maps every variable of an encoder, the fused query, key and value as three.

    Adapters are read merged into the kernels that they change. Where such a kernel is written, its adapter adds nothing
    from then on; see `adapters.adapted_modules`.

    Args:
        encoder: The encoder, with or without pooler.

    Returns:
        The weights, those of `names.encoder_shapes` in its order.

    Example:
        >>> encoder = keras_bert.BertEncoder.from_preset("minilm")
        >>> [weight.name for weight in encoder_weights(encoder)][:2]
        ['bert.embeddings.word_embeddings.weight', 'bert.embeddings.position_embeddings.weight']
    """
    embeddings = encoder.embeddings
    weights = [variable_weight(WORD_EMBEDDINGS, embeddings.word_embeddings)]
    if embeddings.position_embeddings is not None:
        weights.append(variable_weight(POSITION_EMBEDDINGS, embeddings.position_embeddings))
    weights.append(variable_weight(SEGMENT_EMBEDDINGS, embeddings.token_type_embeddings))
    if embeddings.layer_norm is not None:
        weights += norm_weights("bert.embeddings.LayerNorm", embeddings.layer_norm)
    for index, block in enumerate(encoder.blocks):
        layer = f"bert.encoder.layer.{index}"
        for part, query_key_value in enumerate(("query", "key", "value")):
            weights += _part(f"{layer}.attention.self.{query_key_value}", block.attention.qkv, part, 3)
        weights += dense_weights(f"{layer}.attention.output.dense", block.attention.output_dense)
        weights += norm_weights(f"{layer}.attention.output.LayerNorm", block.attention_norm)
        weights += dense_weights(f"{layer}.intermediate.dense", block.intermediate)
        weights += dense_weights(f"{layer}.output.dense", block.output_dense)
        weights += norm_weights(f"{layer}.output.LayerNorm", block.output_norm)
    if encoder.final_norm is not None:
        weights += norm_weights("bert.encoder.ln", encoder.final_norm)
    if encoder.pooler is not None:
        weights += dense_weights("bert.pooler.dense", encoder.pooler.dense)
    return weights


def load_weights(
    weights: Iterable[Weight],
    checkpoint: Checkpoint,
    allow_new: Sequence[str] = (),
    start_anew: Sequence[str] = (),
) -> LoadReport:
    """Sets the weights of a model from a checkpoint; nothing is set unless everything fits.

    Args:
        weights: The weights of the model, encoder and head.
        checkpoint: Where the values come from.
        allow_new: Prefixes of names that the checkpoint need not have, such as `"classifier."`. They keep
            their initial values.
        start_anew: Prefixes of names that keep their initial values even if the checkpoint has them, such as
            `"classifier."` for other labels.

    Returns:
        What became of every weight and every tensor; it is logged as well, as a warning where a weight is new.

    Raises:
        InputError: A weight is missing in the checkpoint and not allowed to be new, or has another shape, or
            the checkpoint has a tensor of the encoder that the model has not (the pooler aside).

    Example:
        >>> checkpoint = keras_bert.checkpoints.open_checkpoint("minilm")
        >>> encoder = keras_bert.BertEncoder(checkpoint.config)
        >>> len(load_weights(keras_bert.checkpoints.encoder_weights(encoder), checkpoint).loaded)
        103
    """
    weights = list(weights)
    names = {weight.name for weight in weights}
    if len(names) < len(weights):
        raise ValueError("two weights of the model have the same name")
    new: list[str] = []
    missing: list[str] = []
    pairs = []
    for weight in weights:
        tensor = checkpoint.tensors.get(weight.name)
        if weight.name.startswith(tuple(start_anew)):
            new.append(weight.name)
        elif tensor is None:
            (new if weight.name.startswith(tuple(allow_new)) else missing).append(weight.name)
        elif tensor.shape != weight.shape:
            message = shape_message(weight.name, tensor.shape, weight.shape, "the model")
            raise InputError(f"{checkpoint.source}: {message}")
        else:
            pairs.append((weight, tensor))
    if missing:
        raise InputError(f"{checkpoint.source}: {len(missing)} weights of the model are missing: {shortened(missing)}")
    surplus = [
        name
        for name in checkpoint.tensors
        if name.startswith(PREFIX) and name not in names and not name.startswith(POOLER)
    ]
    if surplus:
        raise InputError(
            f"{checkpoint.source}: {len(surplus)} tensors that the model has no place for: {shortened(surplus)}"
        )
    for weight, tensor in pairs:
        weight.write(tensor)
    anew = {name: "started anew, as asked" for name in new if name in checkpoint.tensors}
    unused = {name: unused_reason(name) for name in checkpoint.tensors if name not in names}
    report = LoadReport(
        source=checkpoint.source,
        loaded=tuple(weight.name for weight, _ in pairs),
        new=tuple(new),
        ignored={**checkpoint.ignored, **anew, **unused},
        notes=tuple(checkpoint.notes),
    )
    logging.log(logging.WARNING if new else logging.INFO, "%s", report)
    return report


def _numpy(variable: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))


def _part(name: str, layer: Any, part: int, parts: int = 1) -> list[Weight]:
    """Maps one of the kernels that stand side by side in a dense layer, with the adapter that it may have."""
    size, units = layer.kernel.shape
    width = units // parts
    columns = slice(part * width, (part + 1) * width)

    def read_weight() -> np.ndarray:
        kernel = layer.merged_kernel() if isinstance(layer, AdaptedLinear) else layer.kernel
        return _numpy(kernel)[:, columns].T

    def write_weight(value: np.ndarray) -> None:
        kernel = np.array(_numpy(layer.kernel))
        kernel[:, columns] = value.T
        layer.kernel.assign(kernel)
        if isinstance(layer, AdaptedLinear):
            layer.clear(part)

    def read_bias() -> np.ndarray:
        return _numpy(layer.bias)[columns]

    def write_bias(value: np.ndarray) -> None:
        bias = np.array(_numpy(layer.bias))
        bias[columns] = value
        layer.bias.assign(bias)

    return [
        Weight(f"{name}.weight", (width, size), read_weight, write_weight),
        Weight(f"{name}.bias", (width,), read_bias, write_bias),
    ]
