"""From labelled words to entities, in the TensorFlow graph, and to answers in characters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.tags.tag_schemes import entity_begins, label_types
from keras_bert.text.character_offsets import characters_of
from keras_bert.text.ragged_rows import join_rows

FIELDS = ("text", "label", "score", "start", "end")


def entities_of(
    text: Any,
    labels: tf.Tensor,
    scores: tf.Tensor,
    row: tf.Tensor,
    starts: tf.Tensor,
    ends: tf.Tensor,
    names: Sequence[str],
    scheme: str,
) -> dict[str, tf.Tensor]:
    """Joins the words of entities, and cuts these out of their texts.

    Args:
        text: string (texts,).
        labels: int32 (words,), of all texts together, the label of each word.
        scores: float32 (words,), its probability.
        row: int64 (words,), the text of each word.
        starts: int64 (words,), bytes.
        ends: int64 (words,).
        names: The labels' names.
        scheme: Their scheme; with `plain` each word is an entity.

    Returns:
        `text` string, `label` string, `score` float32 (the mean over its words), `start` and `end` int32 (bytes), each
        (texts, most entities of a text), padded with zeros and empty strings; `count` int32 (texts,).
    """
    types = label_types(names, scheme)
    same_row = tf.concat([[False], row[1:] == row[:-1]], 0)[: tf.size(row)]
    before = tf.where(same_row, tf.concat([[0], labels[:-1]], 0)[: tf.size(labels)], len(names))
    begins = tf.gather_nd(tf.constant(entity_begins(names, scheme)), tf.stack([before, labels], 1))
    inside = tf.gather(tf.constant(np.array([bool(type_) for type_ in types])), labels)
    entity = tf.boolean_mask(tf.cumsum(tf.cast(begins, tf.int32)) - 1, inside)
    entity_row = tf.boolean_mask(row, begins)
    first = tf.math.segment_min(tf.boolean_mask(starts, inside), entity)
    last = tf.math.segment_max(tf.boolean_mask(ends, inside), entity)

    bytes_ = tf.strings.bytes_split(text)
    origin = tf.gather(bytes_.row_starts(), entity_row)
    places = tf.ragged.range(origin + first, origin + last)
    found = {
        "text": join_rows(places.with_values(tf.gather(bytes_.values, places.values))),
        "label": tf.gather(tf.constant(types), tf.boolean_mask(labels, begins)),
        "score": tf.math.segment_mean(tf.boolean_mask(scores, inside), entity),
        "start": tf.cast(first, tf.int32),
        "end": tf.cast(last, tf.int32),
    }
    rows = {name: tf.RaggedTensor.from_value_rowids(found[name], entity_row, bytes_.nrows()) for name in FIELDS}
    padded = {name: value.to_tensor() for name, value in rows.items()}
    return {**padded, "count": tf.cast(rows["start"].row_lengths(), tf.int32)}


def in_characters(text: Any, entities: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Makes of the entities of a text, with places in bytes, an answer in the words of who gave the text.

    Args:
        text: A string, or UTF-8; or in a mapping or a sequence, as `BertTask.answer` takes it.
        entities: `label` bytes, `start` and `end` in bytes, and more.

    Returns:
        The entities with `label` a string, `text`, and `start` and `end` in characters, in bytes for a text that is
        given so: `text[start:end]` is the entity.
    """
    while not isinstance(text, str | bytes):
        text = text["text"] if isinstance(text, Mapping) else text[0]
    places = [(entity["start"], entity["end"]) for entity in entities]
    if isinstance(text, str) and entities:
        places = characters_of(text.encode("utf-8", "surrogatepass"), np.array(places)).tolist()
    found = []
    for entity, (start, end) in zip(entities, places, strict=True):
        words = text[start:end]
        shown = words if isinstance(words, str) else words.decode("utf-8", "replace")
        found.append({**entity, "text": shown, "label": entity["label"].decode(), "start": start, "end": end})
    return found
