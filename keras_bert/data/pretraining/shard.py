"""From a unit of work to its shard: what a worker does."""

import dataclasses
import functools
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert.data.pretraining.documents import sentences_of
from keras_bert.data.pretraining.examples import make_examples
from keras_bert.data.pretraining.records import write_records
from keras_bert.data.pretraining.segments import Document, Example
from keras_bert.data.pretraining.tokenized import tokenize_documents
from keras_bert.data.pretraining.units import INDEX, Unit
from keras_bert.data.shards.beam_files import file_systems, open_plain, write_whole
from keras_bert.errors import InputError
from keras_bert.text.masks.masking import TokenMasker

_MASKED_AT_ONCE = 256


@dataclasses.dataclass(frozen=True)
class ShardSettings:
    """What every worker has to know. Strings and numbers only: it travels.

    Attributes:
        tokenizer: As Keras serializes it, JSON.
        masking: Arguments of `TokenMasker` for static masking, JSON; None for dynamic masking.
        files: Path of each file of text, and whether its lines are to be split into sentences.
        objective: As for `make_examples`, like the next two.
        max_length: Tokens of an example at most.
        short_seq_probability: None for the objective's own.
        seed: Decides everything random.
        folder: Where the shards go.
        run: Part of their names, so that they never meet those of another run.
    """

    tokenizer: str
    masking: str | None
    files: tuple[tuple[str, bool], ...]
    objective: str
    max_length: int
    short_seq_probability: float | None
    seed: int
    folder: str
    run: str


def write_shard(unit: Unit, settings: ShardSettings) -> dict[str, Any]:
    """Reads, tokenizes and pairs the documents of a unit and writes its shard.

    Returns:
        `split`, `name`, `bytes` and `examples` of the shard, and further counts.

    Raises:
        InputError: A file has changed since its documents were found; only one document has tokens.
    """
    tokenizer, masker = _tools(settings.tokenizer, settings.masking)
    index = _read_index(unit)
    texts = _read_documents(index, settings.files)
    tokenized = tokenize_documents(texts, tokenizer)
    kept = [number for number, document in enumerate(tokenized) if document]
    documents = [tokenized[number] for number in kept]
    rng = unit.generator(settings.seed)
    examples = make_examples(
        documents,
        settings.objective,
        settings.max_length,
        rng,
        cls_id=tokenizer.cls_token_id,
        sep_id=tokenizer.sep_token_id,
        short_seq_probability=settings.short_seq_probability,
        origins=index["origin"][kept].tolist(),
    )
    rows = map(_fields, examples) if masker is None else _masked(examples, masker, tokenizer, rng.getrandbits(63))
    name = f"examples-{settings.run}-{unit.number:05d}-of-{unit.total:05d}.tfrecord.gz"
    folder = settings.folder if unit.split == "train" else file_systems().join(settings.folder, unit.split)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, name)
        write_records(str(path), rows)
        with path.open("rb") as source:
            size = write_whole(file_systems().join(folder, name), source)
    return {"split": unit.split, "name": name, "bytes": size, **_counts(documents, examples)}


def _counts(documents: Sequence[Document], examples: list[Example]) -> Counter[str]:
    sentences = [sentence for document in documents for sentence in document]
    return Counter(
        examples=len(examples),
        sentences=len(sentences),
        tokens=sum(map(len, sentences)),
        example_tokens=sum(len(example.token_ids) for example in examples),
        random_next=sum(example.next_sentence_label or 0 for example in examples),
    )


@functools.lru_cache(maxsize=1)
def _tools(tokenizer: str, masking: str | None) -> tuple[Any, TokenMasker | None]:
    """Makes the tokenizer and the masker, once in a process."""
    made = keras.saving.deserialize_keras_object(json.loads(tokenizer))
    return made, None if masking is None else TokenMasker(made, **json.loads(masking))


def _read_index(unit: Unit) -> np.ndarray:
    with open_plain(unit.listing) as stream:
        stream.seek(unit.first * INDEX.itemsize)
        return np.frombuffer(stream.read(unit.documents * INDEX.itemsize), INDEX)


def _read_documents(index: np.ndarray, files: tuple[tuple[str, bool], ...]) -> list[list[bytes]]:
    """Reads the sentences of documents, each file from its front to its end."""
    texts: list[list[bytes]] = [[] for _ in index]
    order = np.lexsort((index["offset"], index["file"]))
    for number in np.unique(index["file"]).tolist():
        path, split = files[number]
        with open_plain(path) as stream:
            for place in order[index["file"][order] == number].tolist():
                entry = index[place]
                stream.seek(int(entry["offset"]))
                text = stream.read(int(entry["length"]))
                if len(text) != entry["length"]:
                    raise InputError(f"{path}: became shorter while it was read; start again")
                texts[place] = sentences_of(text, split)
    return texts


def _fields(example: Example) -> dict[str, Any]:
    """The example as it is written."""
    fields: dict[str, Any] = {"token_ids": example.token_ids, "first_length": example.first_length}
    if example.next_sentence_label is not None:
        fields["next_sentence_label"] = example.next_sentence_label
    if example.first_segment is not None:
        fields["first_segment"] = example.first_segment
    return fields


def _masked(examples: list[Example], masker: TokenMasker, tokenizer: Any, seed: int) -> Iterator[dict[str, Any]]:
    """Masks the examples for good."""
    for start in range(0, len(examples), _MASKED_AT_ONCE):
        batch = examples[start : start + _MASKED_AT_ONCE]
        ragged = tf.ragged.stack([example.token_ids for example in batch])
        token_ids = ragged.to_tensor(tokenizer.pad_token_id)
        mask = tf.sequence_mask(ragged.row_lengths(), dtype=tf.int32)
        inputs = {"token_ids": token_ids, "segment_ids": tf.zeros_like(mask), "padding_mask": mask}
        masked = {name: value.numpy() for name, value in masker(inputs, (seed, start)).items()}
        for row, example in enumerate(batch):
            real = masked["mask_weights"][row] > 0
            yield {
                **_fields(example),
                "token_ids": masked["token_ids"][row, : len(example.token_ids)],
                "mask_positions": masked["mask_positions"][row][real],
                "mask_labels": masked["mask_labels"][row][real],
            }
