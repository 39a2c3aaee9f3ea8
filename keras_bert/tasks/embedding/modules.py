"""What stands between the pooled hidden states and the finished vector: sentence-transformers' modules."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_bert.checkpoints.mapping import Weight, dense_weights, norm_weights, variable_weight
from keras_bert.errors import InputError
from keras_bert.layers.dropout import Dropout
from keras_bert.layers.layer_norm import LayerNorm
from keras_bert.layers.projection import ACTIVATIONS, Projection
from keras_bert.layers.token_pooling import TokenPooling

# Each kind of module with its settings and their defaults; None: must be given.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Dense": {"units": None, "activation": "tanh", "use_bias": True, "use_residual": False},
    "LayerNorm": {},
    "Dropout": {"rate": 0.2},
    "Normalize": {},
}
_EPSILON = 1e-5  # of torch.nn.LayerNorm


def full_modules(modules: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Checks modules and gives each all of its settings.

    Args:
        modules: Each a dict with its `kind`, `"Dense"` (`units`, `activation`, `use_bias`, `use_residual`),
            `"LayerNorm"`, `"Dropout"` (`rate`) or `"Normalize"`.

    Raises:
        InputError: There is no such kind or setting.

    Example:
        >>> full_modules([{"kind": "Dropout"}])
        ({'kind': 'Dropout', 'rate': 0.2},)
    """
    full = []
    for module in modules:
        kind = module.get("kind")
        if kind not in _DEFAULTS:
            raise InputError(f"the kind of a module must be one of {', '.join(_DEFAULTS)}, received: {dict(module)}")
        settings = {"kind": kind, **_DEFAULTS[kind], **module}
        if unknown := sorted(set(settings) - {"kind", *_DEFAULTS[kind]}):
            raise InputError(
                f"a module {kind} has no {unknown[0]!r}; it has: {', '.join(_DEFAULTS[kind]) or 'nothing'}"
            )
        if kind == "Dense" and (not isinstance(settings["units"], int) or settings["units"] < 1):
            raise InputError(f"a module Dense needs units, a positive number, received: {settings['units']!r}")
        if kind == "Dense" and settings["activation"] not in ACTIVATIONS:
            raise InputError(
                f"activation must be one of {', '.join(ACTIVATIONS)}, received: {settings['activation']!r}"
            )
        full.append(settings)
    return tuple(full)


def pooled(hidden: Any, masks: Sequence[Any], poolings: Sequence[str]) -> Any:
    """Pools hidden states, float32 (batch, size · poolings), symbolic: the results of several poolings are joined.

    Args:
        hidden: float (batch, tokens, size).
        masks: The padding mask, and perhaps the pooling mask, see `TokenPooling`.
        poolings: Modes of `TokenPooling`.
    """
    if len(poolings) == 1:
        return TokenPooling(poolings[0], dtype="float32", name="pooling")(hidden, *masks)
    vectors = [TokenPooling(mode, dtype="float32", name=f"pooling_{mode}")(hidden, *masks) for mode in poolings]
    return keras.layers.Concatenate(dtype="float32", name="joined")(vectors)


def module_layers(modules: Sequence[Mapping[str, Any]]) -> list[keras.layers.Layer]:
    """Makes a layer of each module, computing in float32."""
    layers = []
    for index, module in enumerate(modules):
        settings = {name: value for name, value in module.items() if name != "kind"}
        name = f"module_{index}_{module['kind'].lower()}"
        if module["kind"] == "Dense":
            layers.append(Projection(**settings, dtype="float32", name=name))
        elif module["kind"] == "LayerNorm":
            layers.append(LayerNorm(_EPSILON, dtype="float32", name=name))
        elif module["kind"] == "Dropout":
            layers.append(Dropout(**settings, dtype="float32", name=name))
        else:
            layers.append(keras.layers.UnitNormalization(dtype="float32", name=name))
    return layers


def module_weights(layers: Sequence[keras.layers.Layer]) -> list[Weight]:
    """Maps the weights of modules to their names in the folder of each: `2_Dense/linear.weight`."""
    weights: list[Weight] = []
    # The Transformer and the pooling are the modules 0 and 1.
    for index, layer in enumerate(layers, start=2):
        if isinstance(layer, LayerNorm):
            weights += norm_weights(f"{index}_LayerNorm/norm", layer)
        elif isinstance(layer, Projection):
            name = f"{index}_Dense"
            if layer.use_bias:
                weights += dense_weights(f"{name}/linear", layer)
            else:
                weights.append(variable_weight(f"{name}/linear.weight", layer.kernel, transpose=True))
            if layer.residual is not None:
                weights.append(variable_weight(f"{name}/residual.weight", layer.residual, transpose=True))
    return weights
