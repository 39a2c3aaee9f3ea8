"""BERT for Keras and TensorFlow: strings in, answers out.

Everything a user needs hangs on this module and is loaded at first use, so that `import keras_bert` costs
milliseconds and imports neither TensorFlow nor Keras.

Example:
    >>> import keras_bert
    >>> keras_bert.BertConfig(num_hidden_layers=2).hidden_size
    768
"""

import importlib
from typing import TYPE_CHECKING

from keras_bert.registration import register
from keras_bert.version import __version__

__all__ = [
    "BertCausalLM",
    "BertClassifier",
    "BertConfig",
    "BertEmbedder",
    "BertEncoder",
    "BertMultipleChoice",
    "BertPreprocessor",
    "BertPretrainer",
    "BertQuestionAnswerer",
    "BertRegressor",
    "BertSeq2Seq",
    "BertTokenClassifier",
    "BertTokenizer",
    "BytePairTokenizer",
    "InputError",
    "TokenMasker",
    "__version__",
    "app",
    "checkpoints",
    "compression",
    "data",
    "decoding",
    "evaluation",
    "layers",
    "retrieval",
    "serving",
    "tasks",
    "text",
    "training",
    "trust",
]

# The module in which each public name is found: a room re-exports what it shows.
_HOME = {
    "BertCausalLM": "keras_bert.tasks",
    "BertClassifier": "keras_bert.tasks",
    "BertConfig": "keras_bert.config",
    "BertEmbedder": "keras_bert.tasks",
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
    "InputError": "keras_bert.errors",
    "TokenMasker": "keras_bert.text",
}
_ROOMS = frozenset(name for name in __all__ if name not in _HOME and name != "__version__")

register()

if TYPE_CHECKING:
    from keras_bert import (
        app,
        checkpoints,
        compression,
        data,
        decoding,
        evaluation,
        layers,
        retrieval,
        serving,
        tasks,
        text,
        training,
        trust,
    )
    from keras_bert.config import BertConfig
    from keras_bert.encoder import BertEncoder
    from keras_bert.errors import InputError
    from keras_bert.tasks import (
        BertCausalLM,
        BertClassifier,
        BertEmbedder,
        BertMultipleChoice,
        BertPretrainer,
        BertQuestionAnswerer,
        BertRegressor,
        BertSeq2Seq,
        BertTokenClassifier,
    )
    from keras_bert.text import BertPreprocessor, BertTokenizer, BytePairTokenizer, TokenMasker
else:  # hidden from type checkers, which would take every unknown attribute for one that is found here

    def __getattr__(name: str) -> object:
        """Loads a public name or a room at first use (PEP 562)."""
        if name in _ROOMS:
            return importlib.import_module(f"keras_bert.{name}")
        if name in _HOME:
            value = getattr(importlib.import_module(_HOME[name]), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'keras_bert' has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Lists the public names, those not loaded yet included."""
        return sorted({*globals(), *__all__})
