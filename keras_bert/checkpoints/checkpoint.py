"""What every reader of a weight format gives: one checkpoint in one language."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert.checkpoints.names import (
    POOLER,
    POSITION_EMBEDDINGS,
    PREFIX,
    SEGMENT_EMBEDDINGS,
    WORD_EMBEDDINGS,
    encoder_shapes,
)
from keras_bert.checkpoints.tokenizer_files import make_tokenizer
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import LONGEST_ENTRY, check_vocabulary

if TYPE_CHECKING:
    from keras_bert.text.token_layer import TokenLayer

# The field of the config that decides the rows of each table.
_TABLES = {
    WORD_EMBEDDINGS: "vocab_size",
    POSITION_EMBEDDINGS: "max_position_embeddings",
    SEGMENT_EMBEDDINGS: "type_vocab_size",
}


@dataclasses.dataclass
class Checkpoint:
    """A model as it was found in a file, in Hugging Face's names and layout.

    Attributes:
        config: The architecture.
        tensors: float32 arrays by Hugging Face's name, weights of dense layers (out, in). The encoder is under
            `bert.`, heads are where Hugging Face has them (`classifier.weight`, `qa_outputs.weight`,
            `cls.predictions.bias`, ...).
        source: Where it came from, for messages.
        ignored: What the reader passed over: the file's own name to the reason.
        notes: What the reader had to decide or to convert, one sentence each.
        metadata: All other fields of `config.json`: `architectures`, `id2label`, `problem_type`, ...
        extra: What Hugging Face's files have no place for; saved as `keras_bert.json`.
        vocabulary: The tokens in the order of their ids, or None where the checkpoint brings none.
        lowercase: Whether its tokenizer lower-cases.
        strip_accents: Whether its tokenizer strips accents; None means as `lowercase`.
        merges: The rules of its tokenizer if that is a byte-level BPE, None for WordPiece.
    """

    config: BertConfig
    tensors: dict[str, np.ndarray]
    source: str
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    vocabulary: list[str] | None = None
    lowercase: bool = True
    strip_accents: bool | None = None
    merges: list[str] | None = None

    @property
    def labels(self) -> list[str] | None:
        """The labels of a classification head in the order of its outputs, from `id2label`."""
        names = self.metadata.get("id2label")
        if not names:
            return None
        by_id = {int(index): str(name) for index, name in names.items()}
        if sorted(by_id) != list(range(len(by_id))):
            raise InputError(f"{self.source}: id2label must number the labels from 0, received: {names}")
        return [by_id[index] for index in range(len(by_id))]

    def tokenizer(self) -> "TokenLayer":
        """Builds the tokenizer that belongs to the weights.

        Raises:
            InputError: The checkpoint brings no vocabulary.
        """
        if self.vocabulary is None:
            raise InputError(f"{self.source}: no vocabulary beside the weights; put its vocab.txt into the folder")
        return make_tokenizer(self.vocabulary, self.lowercase, self.strip_accents, self.merges)

    def check(self) -> "Checkpoint":
        """Checks that the tensors are those of the config and that the vocabulary fits the word table.

        Returns:
            Itself.

        Raises:
            InputError: A tensor of the encoder is missing, is one too many or has another shape; or the
                vocabulary is broken or of another size.
        """
        expected = encoder_shapes(self.config)
        if WORD_EMBEDDINGS not in self.tensors:
            first = ", ".join(list(self.tensors)[:3] or list(self.ignored)[:3]) or "none"
            raise InputError(
                f"{self.source}: not a BERT: no {WORD_EMBEDDINGS} among its tensors, the first of which are: {first}"
            )
        pooler = any(name.startswith(POOLER) for name in self.tensors)
        missing = [name for name in expected if name not in self.tensors and (pooler or not name.startswith(POOLER))]
        surplus = [name for name in self.tensors if name.startswith(PREFIX) and name not in expected]
        if missing:
            raise InputError(
                f"{self.source}: {len(missing)} tensors that the config asks for are missing: {shortened(missing)}"
            )
        if surplus:
            raise InputError(
                f"{self.source}: {len(surplus)} tensors that the config has no place for: {shortened(surplus)}"
            )
        for name, shape in expected.items():
            tensor = self.tensors.get(name)
            if tensor is not None and tensor.shape != shape:
                raise InputError(f"{self.source}: {shape_message(name, tensor.shape, shape, 'the config')}")
        self._check_vocabulary()
        return self

    def _check_vocabulary(self) -> None:
        if self.vocabulary is None:
            return
        longest = LONGEST_ENTRY if self.merges is None else None
        check_vocabulary(self.vocabulary, f"{self.source}: vocabulary", longest)
        if len(self.vocabulary) != self.config.vocab_size:
            way_out = (
                "append entries such as [unused_1] to vocab.txt if the table was padded on purpose"
                if len(self.vocabulary) < self.config.vocab_size
                else "it is the vocabulary of another model"
            )
            raise InputError(
                f"{self.source}: the vocabulary has {len(self.vocabulary)} entries, "
                f"the config vocab_size={self.config.vocab_size}; {way_out}"
            )


def shape_message(name: str, found: tuple[int, ...], expected: tuple[int, ...], whose: str) -> str:
    """Says that a tensor has another shape than expected, with the field of the config that decides it."""
    field = _TABLES.get(name)
    if field and len(found) == 2 and found[1:] == expected[1:]:
        return f"{name} has {found[0]} rows in the file, {whose} has {field}={expected[0]}"
    return f"{name} has the shape {_shape(found)} in the file, {_shape(expected)} by {whose}"


def shortened(names: list[str], limit: int = 4) -> str:
    """Joins names, the first few of many."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"
