"""Lets Keras open saved models of this package before any of its classes is imported.

Keras finds the class of a saved object by a registered name, and registering a class takes importing it, with
TensorFlow. `import keras_bert` registers a stand-in for each class, which imports the class when a file asks for it; at
once where Keras is loaded, otherwise at the end of loading Keras.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = "keras_bert"

MODULES = {
    "AdamW": "keras_bert.training.optimizers.adamw",
    "AdaptedLinear": "keras_bert.layers.adapted_linear",
    "AttentionBias": "keras_bert.layers.attention_bias",
    "BertCausalLM": "keras_bert.tasks",
    "BertClassifier": "keras_bert.tasks",
    "BertEmbedder": "keras_bert.tasks",
    "BertEmbeddings": "keras_bert.layers.bert_embeddings",
    "BertEncoder": "keras_bert.encoder",
    "BertMultipleChoice": "keras_bert.tasks",
    "BertPreprocessor": "keras_bert.text",
    "BertPretrainer": "keras_bert.tasks",
    "BertQuestionAnswerer": "keras_bert.tasks",
    "BertRegressor": "keras_bert.tasks",
    "BertSeq2Seq": "keras_bert.tasks",
    "BertTokenClassifier": "keras_bert.tasks",
    "BertTokenizer": "keras_bert.text",
    "BytePairTokenizer": "keras_bert.text",
    "ClassificationLoss": "keras_bert.tasks.pooled.loss",
    "CosineLoss": "keras_bert.tasks.embedding.cosine_loss",
    "Dropout": "keras_bert.layers.dropout",
    "EncoderBlock": "keras_bert.layers.encoder_block",
    "FlattenTokens": "keras_bert.layers.tokens",
    "FlattenWindows": "keras_bert.layers.flatten_windows",
    "GatherTokens": "keras_bert.layers.gather_tokens",
    "LabelSetAccuracy": "keras_bert.tasks.pooled.label_set_accuracy",
    "Lamb": "keras_bert.training.optimizers.lamb",
    "LayerNorm": "keras_bert.layers.layer_norm",
    "Linear": "keras_bert.layers.linear",
    "LinearWarmupDecay": "keras_bert.training.optimizers.schedule",
    "MarkerPooling": "keras_bert.layers.marker_pooling",
    "MaskedLMHead": "keras_bert.layers.masked_lm_head",
    "OrderedAttentionBias": "keras_bert.layers.ordered_attention_bias",
    "PackedAttentionBias": "keras_bert.layers.packed_attention_bias",
    "Pooler": "keras_bert.layers.pooler",
    "Projection": "keras_bert.layers.projection",
    "RankingLoss": "keras_bert.tasks.embedding.ranking_loss",
    "SelfAttention": "keras_bert.layers.self_attention",
    "SmoothedCrossEntropy": "keras_bert.tasks.generation.loss",
    "TokenDropout": "keras_bert.layers.token_dropout",
    "TokenPooling": "keras_bert.layers.token_pooling",
    "UnflattenTokens": "keras_bert.layers.tokens",
    "WindowPooling": "keras_bert.layers.window_pooling",
    "WordTable": "keras_bert.layers.word_table",
}
"""Each registered class → the module in which it is found; tests/architecture_test.py keeps the table complete."""


def register() -> None:
    """Registers the stand-ins with Keras: now, or as soon as something imports Keras."""
    if "keras" in sys.modules:
        _register_stand_ins(sys.modules["keras"])
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register_stand_ins(keras: ModuleType) -> None:
    objects = keras.saving.get_custom_objects()
    for name, module in MODULES.items():
        objects.setdefault(f"{PACKAGE}>{name}", _StandIn(name, module))


class _StandIn:
    """What Keras finds under a registered name until the class is imported, which then takes its place."""

    def __init__(self, name: str, module: str) -> None:
        self.name = name
        self.module = module

    def from_config(self, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """Imports the class and makes an object of it, which is all that Keras asks of a registered class."""
        found = getattr(importlib.import_module(self.module), self.name)
        return found.from_config(config) if custom_objects is None else found.from_config(config, custom_objects)


class _KerasFinder:
    """Finds Keras as the other finders do, and has the stand-ins registered when it is loaded (PEP 451)."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns the specification of the module `keras`; None of any other, which leaves it to the other finders."""
        if name != "keras":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                self._watch(spec)
                return spec
        return None

    def _watch(self, spec: ModuleSpec) -> None:
        """Wraps the execution of the module, for this one loader."""
        loader = spec.loader
        if loader is None:
            return
        execute = loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            _register_stand_ins(module)

        vars(loader)["exec_module"] = execute_and_register
