"""What every reader of a weight format gives: one checkpoint in one language."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert.checkpoints.head_labels import stored_labels
from keras_bert.checkpoints.heads import CLASSIFIER, default_labels
from keras_bert.checkpoints.shapes import check_shapes, shortened
from keras_bert.checkpoints.tokenizer_files import SETTINGS, make_tokenizer
from keras_bert.config import BertConfig
from keras_bert.errors import InputError
from keras_bert.text.vocabulary import LONGEST_ENTRY, check_vocabulary, spare_entries

if TYPE_CHECKING:
    from keras_bert.text.token_layer import TokenLayer


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
        generation: Fields of `generation_config.json`, of a model that writes.
        vocabulary: The tokens in the order of their ids, or None where the checkpoint brings none.
        lowercase: Whether its tokenizer lower-cases.
        strip_accents: Whether its tokenizer strips accents; None means as `lowercase`.
        special_tokens_in_text: Whether special tokens written in a text become their ids.
        added_tokens: Fields of the tokens that its tokenizer finds in a text as they are written.
        merges: The rules of its tokenizer if that is a byte-level BPE, None for WordPiece.

    Example:
        >>> checkpoint = keras_bert.checkpoints.open_checkpoint("minilm")
        >>> isinstance(checkpoint, Checkpoint), checkpoint.tensors["bert.embeddings.word_embeddings.weight"].shape
        (True, (30522, 384))
    """

    config: BertConfig
    tensors: dict[str, np.ndarray]
    source: str
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    generation: dict[str, Any] = dataclasses.field(default_factory=dict)
    vocabulary: list[str] | None = None
    lowercase: bool = True
    strip_accents: bool | None = None
    special_tokens_in_text: bool = False
    added_tokens: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    merges: list[str] | None = None

    @property
    def labels(self) -> list[str] | None:
        """The names of the outputs of `classifier.weight`: those of `id2label` if they are as many, else `LABEL_0`, ...

        transformers writes no `id2label` for two classes. None for a checkpoint that has neither.
        """
        names, weight = stored_labels(self.metadata, self.source), self.tensors.get(CLASSIFIER)
        if weight is None or (names is not None and len(names) == len(weight)):
            return names
        return list(default_labels(len(weight))["label2id"])

    @property
    def tokenizer_settings(self) -> dict[str, Any]:
        """The settings of the tokenizer, as `TokenLayer.settings` has them."""
        return {name: getattr(self, name) for name in SETTINGS}

    def tokenizer(self) -> "TokenLayer":
        """Builds the tokenizer that belongs to the weights.

        Raises:
            InputError: The checkpoint brings no vocabulary.
        """
        if self.vocabulary is None:
            raise InputError(f"{self.source}: no vocabulary beside the weights; put its vocab.txt into the folder")
        return make_tokenizer(self.vocabulary, self.merges, self.tokenizer_settings)

    def check(self, pad_vocabulary: bool = False) -> "Checkpoint":
        """Checks that the tensors are those of the config and that the vocabulary fits the word table.

        Args:
            pad_vocabulary: Name the rows of the word table beyond the vocabulary `[unused_1]`, `[unused_2]`, ...

        Returns:
            Itself.

        Raises:
            InputError: A tensor of the encoder is missing, is one too many or has another shape; one holds NaN or
                infinity; or the vocabulary is broken or of another size.
        """
        check_shapes(
            {name: tensor.shape for name, tensor in self.tensors.items()}, self.config, self.source, self.ignored
        )
        broken = [name for name, tensor in self.tensors.items() if not _is_finite(tensor)]
        if broken:
            raise InputError(
                f"{self.source}: {len(broken)} tensors hold NaN or infinity, so its training had failed: "
                f"{shortened(broken)}; take an earlier checkpoint"
            )
        if pad_vocabulary:
            self.name_spare_rows()
        self._check_vocabulary()
        names, outputs = self.metadata.get("id2label"), len(self.tensors.get(CLASSIFIER, ()))
        if isinstance(names, dict | list) and names and outputs > 1 and len(names) != outputs:
            self.notes.append(
                f"id2label in config.json names {len(names)} labels, the head has {outputs} outputs: "
                f"they are called LABEL_0 to LABEL_{outputs - 1}"
            )
        return self

    def name_spare_rows(self) -> None:
        """Gives the vocabulary an entry for each row of the word table beyond it: `[unused_1]`, `[unused_2]`, ..."""
        if self.vocabulary is None:
            return
        spare = spare_entries(self.vocabulary, self.config.vocab_size - len(self.vocabulary))
        if spare:
            self.vocabulary = self.vocabulary + spare
            self.notes.append(f"{len(spare)} spare rows of the word table are called {spare[0]} to {spare[-1]}")

    def _check_vocabulary(self) -> None:
        if self.vocabulary is None:
            return
        longest = LONGEST_ENTRY if self.merges is None else None
        check_vocabulary(self.vocabulary, f"{self.source}: vocabulary", longest)
        if len(self.vocabulary) != self.config.vocab_size:
            way_out = (
                "if the table was padded on purpose, have its spare rows called [unused_N]: pad_vocabulary=True, "
                "--pad_vocabulary of the programs"
                if len(self.vocabulary) < self.config.vocab_size
                else "it is the vocabulary of another model"
            )
            raise InputError(
                f"{self.source}: the vocabulary has {len(self.vocabulary)} entries, "
                f"the config vocab_size={self.config.vocab_size}; {way_out}"
            )


def _is_finite(tensor: np.ndarray) -> bool:
    """Says whether all numbers are finite; the least and the largest are NaN where there is one."""
    return tensor.size == 0 or bool(np.isfinite(tensor.min()) and np.isfinite(tensor.max()))
