"""The architecture of a BERT, as one frozen dataclass with the field names of `bert_config.json`."""

import dataclasses
import math
import numbers
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json

ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "tanh")
POSITION_EMBEDDING_TYPES = ("absolute", "sinusoidal")

# Other spellings of the activations above, as they occur in published `config.json` files.
# (transformers, activations.py: `gelu_python` computes the exact form, the others the tanh form, in other operations.)
_ACTIVATION_ALIASES = {
    "gelu_python": "gelu",
    "gelu_accurate": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "swish": "silu",
}


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """Everything that decides the shape and the arithmetic of a BERT encoder.

    The defaults are BERT-base (Devlin et al. 2018, arXiv:1810.04805, section 3).

    Attributes:
        vocab_size: Rows of the word-embedding table.
        hidden_size: Width of the hidden states; a multiple of `num_attention_heads`, unless `attention_head_size` is
            given.
        num_hidden_layers: Encoder blocks.
        num_attention_heads: Attention heads a block.
        intermediate_size: Width of the feed-forward layer.
        hidden_act: Activation of the feed-forward layer, in Hugging Face's words: `"gelu"` is the exact form
            with the error function, `"gelu_new"` the tanh approximation (arXiv:1606.08415, section 2); also
            `"relu"`, `"silu"`, `"tanh"`.
        hidden_dropout_prob: Dropout rate on the embeddings and on the output of each sub-layer.
        attention_probs_dropout_prob: Dropout rate on the attention probabilities.
        max_position_embeddings: Rows of the position table, so the longest input in tokens.
        type_vocab_size: Rows of the segment table.
        initializer_range: Standard deviation of the truncated normal initializer.
        layer_norm_eps: Epsilon inside layer normalization.
        classifier_dropout: Dropout rate before a task head; `None` means `hidden_dropout_prob`.
        position_embedding_type: `"absolute"` (a learned table) or `"sinusoidal"` (arXiv:1706.03762, 3.5).
        norm_first: Layer normalization before each sub-layer in place of after it, with one more at the end
            (pre-LN, arXiv:2002.04745). BERT itself is post-LN.
        attention_head_size: Width of one attention head, where it is not `hidden_size / num_attention_heads`: of
            models whose heads were pruned. Kept as `None` where it is.

    Raises:
        InputError: A value out of its range, or sizes that do not fit each other.

    Example:
        >>> config = BertConfig(hidden_size=384, num_attention_heads=12, intermediate_size=1536)
        >>> config.head_size
        32
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout: float | None = None
    position_embedding_type: str = "absolute"
    norm_first: bool = False
    attention_head_size: int | None = None

    def __post_init__(self) -> None:
        sizes = (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
            "type_vocab_size",
            "attention_head_size",
        )
        for name in sizes:
            value = getattr(self, name)
            if name == "attention_head_size" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"BertConfig: {name} must be a positive integer, received: {value!r}")
            if value >= 2**31:
                raise InputError(f"BertConfig: {name} must be under 2**31, as ids are int32, received: {value!r:.80}")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
            value = getattr(self, name)
            if name == "classifier_dropout" and value is None:
                continue
            if not _is_number(value) or not 0 <= value < 1:
                raise InputError(f"BertConfig: {name} must be a number in [0, 1), received: {value!r}")
        for name in ("initializer_range", "layer_norm_eps"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 < value < math.inf:
                raise InputError(f"BertConfig: {name} must be a positive number, received: {value!r}")
        if not isinstance(self.norm_first, bool):
            raise InputError(f"BertConfig: norm_first must be true or false, received: {self.norm_first!r}")
        if self.attention_head_size is not None:
            if self.attention_head_size * self.num_attention_heads == self.hidden_size:
                object.__setattr__(self, "attention_head_size", None)  # one config, one way to write it
        elif self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"BertConfig: hidden_size={self.hidden_size} is not a multiple of "
                f"num_attention_heads={self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise InputError(
                f"BertConfig: hidden_act must be one of {', '.join(ACTIVATIONS)}, received: {self.hidden_act!r}"
            )
        if self.position_embedding_type not in POSITION_EMBEDDING_TYPES:
            raise InputError(
                "BertConfig: position_embedding_type must be one of "
                f"{', '.join(POSITION_EMBEDDING_TYPES)}, received: {self.position_embedding_type!r}"
            )

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.attention_head_size or self.hidden_size // self.num_attention_heads

    @property
    def attention_size(self) -> int:
        """Width of all attention heads of a block together; the hidden size, unless heads were pruned."""
        return self.num_attention_heads * self.head_size

    @property
    def head_dropout_prob(self) -> float:
        """Dropout rate before a task head."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "BertConfig":
        """Builds a config from the fields of a Hugging Face `config.json`; other keys are passed over.

        Raises:
            InputError: A field has a value that this BERT cannot follow.
        """
        for name in ("is_decoder", "add_cross_attention"):
            if fields.get(name):
                raise InputError(f"{name} is {fields[name]!r}; keras_bert has BERT as an encoder only")
        names = {field.name for field in dataclasses.fields(cls)}
        known = {name: value for name, value in fields.items() if name in names}
        if isinstance(known.get("hidden_act"), str):
            known["hidden_act"] = _ACTIVATION_ALIASES.get(known["hidden_act"], known["hidden_act"])
        return cls(**known)

    @classmethod
    def from_google_dict(cls, fields: Mapping[str, Any]) -> "BertConfig":
        """Builds a config from the fields of Google's or Model Garden's `bert_config.json`.

        Their `"gelu"` is the tanh form (google-research/bert, modeling.py, `gelu`; Model Garden's default
        activation is approximate as well), so it becomes `"gelu_new"`.
        """
        activation = fields.get("hidden_act", "gelu")
        return cls.from_dict({**fields, "hidden_act": "gelu_new" if activation == "gelu" else activation})

    @classmethod
    def from_json_file(cls, path: str | Path) -> "BertConfig":
        """Reads `config.json` (Hugging Face, told by its `model_type`) or `bert_config.json` (Google).

        Raises:
            InputError: The file is missing or cannot be read, is no JSON object, or names another architecture.
        """
        fields = read_json(path)
        if fields is None:
            raise InputError(f"{path}: no such file; a BERT checkpoint has its config there")
        model_type = fields.get("model_type")
        if model_type not in (None, "bert"):
            raise InputError(f"{path}: model_type is {model_type!r}; keras_bert reads 'bert' only")
        try:
            return cls.from_dict(fields) if model_type else cls.from_google_dict(fields)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Returns all fields, in the order of the class."""
        return dataclasses.asdict(self)


def _is_number(value: Any) -> bool:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    number: Any = value
    return abs(number) <= sys.float_info.max  # an integer of JSON may be beyond what is computed with
