"""What a tagger read of a text, and which entity is explained."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.tasks.tagging.tagged_rows import TaggedRows
from keras_bert.trust.explain.field_tokens import tokens_of
from keras_bert.trust.explain.reading import Reading, Readout, parts_not_read, used_words
from keras_bert.trust.explain.scorer import Scorer

WINDOW = "window"
"""The reason of a part that the model reads for other answers."""


def read_tagged(model: Any, texts: Mapping[str, bytes], entity: Mapping[str, Any], scorer: Scorer) -> Reading:
    """Reads a text as a tagger does, and finds the logits of an entity.

    These are, for the first piece of each of its words, the logit of a tag of the entity's type: of the sequences of
    such tags that the scheme allows, the likeliest. Their mean is explained.

    Args:
        model: The task.
        texts: UTF-8 of `text`.
        entity: `label`, and `start` and `end` in bytes.
        scorer: Computes the logits.

    Raises:
        InputError: There is no such label, or no word at that place.
    """
    (field, text) = next(iter(texts.items()))
    names = ("stride", "pieces", "document_context", "word_separator")
    rows = TaggedRows(model.preprocessor, model.tags, *(getattr(model, name) for name in names))
    pieces, windows = rows.cut({"text": tf.constant([text])})
    (tokens,) = tokens_of(pieces)
    first_pieces = np.flatnonzero(pieces.begins_word.numpy())
    of_entity = np.flatnonzero((tokens.places[:, 0] < entity["end"]) & (tokens.places[:, 1] > entity["start"]))
    if entity["label"] not in model.tags.types:
        known = ", ".join(dict.fromkeys(filter(None, model.tags.types)))
        raise InputError(f"target: {entity['label']!r:.60} is no label of an entity; there are: {known}")
    if not len(of_entity):
        raise InputError(f"target: no word stands from byte {entity['start']} to {entity['end']} of the text")

    chosen = first_pieces[of_entity]
    window, place = windows.window.numpy()[chosen], windows.place.numpy()[chosen]
    used = np.unique(window)
    batch = model.preprocessor.pad({name: tf.gather(rows, used) for name, rows in windows.inputs.items()})
    inputs = {name: tensor.numpy() for name, tensor in batch.items()}
    row = np.searchsorted(used, window)
    logits = scorer.outputs(inputs)[row, place]
    tags = _tags(model, entity["label"], logits)

    owner = np.full(inputs["token_ids"].shape, -1, np.int32)
    read = np.zeros(len(tokens.ids), bool)
    for index, number in enumerate(used):
        piece = windows.piece[int(number)].numpy()  # -1 for a special token
        read[piece[piece >= 0]] = True
        owner[index, : len(piece)] = np.where(piece >= 0, tokens.word[piece], -1)
    owner, words = used_words(owner, tokens.words(field))
    looks_from = np.zeros(owner.shape)
    np.add.at(looks_from, (row, place), 1 / len(place))
    return Reading(
        inputs=inputs,
        owner=owner,
        words=words,
        cut=parts_not_read(field, tokens.starts, tokens.ends, read, WINDOW),
        label=f"{entity['label']}: {text[entity['start'] : entity['end']].decode('utf-8', 'replace')}",
        readout=Readout.of(np.stack([row, place, tags], 1)),
        looks_from=looks_from,
        side=np.zeros(len(used), int),
    )


def _tags(model: Any, label: str, logits: np.ndarray) -> np.ndarray:
    """Chooses tags of one type for the words of an entity: int32 (words,) of float32 (words, labels)."""
    scores = tf.nn.log_softmax(logits)
    is_of_type = tf.constant([type_ == label for type_ in model.tags.types])
    scores = tf.where(is_of_type, scores, tf.constant(-1e9, scores.dtype))
    return model.tags.decode(tf.RaggedTensor.from_row_lengths(scores, [len(logits)]), True).numpy()


def chosen_entity(entities: Sequence[Mapping[str, Any]], target: Any, index: int) -> Mapping[str, Any] | None:
    """Chooses the entity that is explained; None where the text has none.

    Args:
        entities: Those that the model finds in a text.
        target: None for the surest; or the number of one of them, from 0; or a dict of `label`, `start` and `end`.
        index: The number of the text, for messages.

    Raises:
        InputError: There is no such entity, or the target is none of these.
    """
    if isinstance(target, Mapping):
        missing = [name for name in ("label", "start", "end") if name not in target]
        if missing:
            raise InputError(f"target: an entity has label, start and end; {missing[0]} is missing")
        return target
    if target is None:
        return max(entities, key=lambda entity: entity["score"], default=None)
    if isinstance(target, bool) or not isinstance(target, int):
        raise InputError(
            f"target={target!r:.60}: of a tagger an entity is explained, by its number, from 0, or as a dict of label, "
            "start and end"
        )
    if not 0 <= target < len(entities):
        raise InputError(f"target={target}: the model finds {len(entities)} entities in text {index}")
    return entities[target]
