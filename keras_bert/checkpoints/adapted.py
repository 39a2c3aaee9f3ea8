"""Between the adapters of a model and the matrices of a PEFT folder."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_bert.checkpoints.mapping import Weight
from keras_bert.checkpoints.names import POOLER
from keras_bert.checkpoints.peft_folder import Adapter
from keras_bert.checkpoints.report import LoadReport
from keras_bert.checkpoints.shapes import shape_message, shortened
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.adapted_linear import MODULES, QUERY_KEY_VALUE, AdaptedLinear


def adapted_layers(encoder: BertEncoder) -> dict[str, tuple[Any, int]]:
    """Lists the dense layers of an encoder that have adapters.

    Args:
        encoder: Any encoder.

    Returns:
        Hugging Face's name of a layer, such as `bert.encoder.layer.0.attention.self.query`, to the layer that holds it
        and the number of its part there.
    """
    found: dict[str, tuple[Any, int]] = {}
    for index, block in enumerate(encoder.blocks):
        fused = [(block.attention.qkv, part) for part in range(len(QUERY_KEY_VALUE))]
        layers = [*fused, (block.attention.output_dense, 0), (block.intermediate, 0), (block.output_dense, 0)]
        for module, (layer, part) in zip(MODULES, layers, strict=True):
            if isinstance(layer, AdaptedLinear) and part in layer.adapted:
                found[f"bert.encoder.layer.{index}.{module}"] = (layer, part)
    return found


def read_matrices(encoder: BertEncoder) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Returns name, A (rank, in) and B (out, rank) of each adapter, in PyTorch's layout."""
    pairs = ((name, layer.matrices(part)) for name, (layer, part) in adapted_layers(encoder).items())
    return [(name, a.T, b.T) for name, (a, b) in pairs]


def write_matrices(encoder: BertEncoder, adapter: Adapter) -> None:
    """Sets the adapters of an encoder; those that a file does not have add nothing, lower ranks are filled up.

    Args:
        encoder: With adapters.
        adapter: Of the same base.

    Raises:
        InputError: The encoder has no adapter at a layer, or one of a lower rank.
    """
    layers = adapted_layers(encoder)
    lacking = [name for name in adapter.matrices if name not in layers]
    if lacking:
        raise InputError(f"{adapter.source}: the model has no adapters in {shortened(lacking)}")
    for name, (a, b, _) in adapter.matrices.items():
        layer, part = layers[name]
        size, width, own = layer.kernel.shape[0], layer.units // layer.parts, layer.rank
        if (a.shape[1], len(b)) != (size, width) or len(a) > own:
            raise InputError(
                f"{adapter.source}: the adapter of {name} is of rank {len(a)}, {a.shape[1]} to {len(b)}; "
                f"the model's of rank {own}, {size} to {width}"
            )
    for name, (layer, part) in layers.items():
        if name in adapter.matrices:
            a, b, scale = adapter.matrices[name]
            layer.set_matrices(part, a.T, b.T if scale == layer.scale else b.T * (scale / layer.scale))
        else:
            layer.clear(part)


def load_adapter(encoder: BertEncoder, whole: Iterable[Weight], adapter: Adapter) -> LoadReport:
    """Sets the adapters of a model, and what was trained as a whole; nothing is set unless everything fits.

    Args:
        encoder: With adapters.
        whole: The weights of the model's head, and of its pooler if it has one.
        adapter: Of the same base.

    Returns:
        What was loaded.

    Raises:
        InputError: As `write_matrices`; or a tensor of the file has no place in the model or another shape, or the
            head is not in the file.
    """
    places = {weight.name: weight for weight in whole}
    strange = [name for name in adapter.tensors if name not in places]
    missing = [name for name in places if name not in adapter.tensors and not name.startswith(POOLER)]
    if strange or missing:
        told = f"{shortened(strange)}: no place for it in the model" if strange else f"{shortened(missing)}: not there"
        raise InputError(f"{adapter.source}: {told}")
    for name, tensor in adapter.tensors.items():
        if tensor.shape != places[name].shape:
            told = shape_message(name, tensor.shape, places[name].shape, "the model")
            raise InputError(f"{adapter.source}: {told}")
    write_matrices(encoder, adapter)
    for name, tensor in adapter.tensors.items():
        places[name].write(tensor)
    return LoadReport(adapter.source, (*adapter.matrices, *adapter.tensors), (), {}, ())
