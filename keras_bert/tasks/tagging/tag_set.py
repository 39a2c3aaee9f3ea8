"""The labels of a token classifier: their scheme, what they mean, and the choice of one for each word."""

import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert.data.tags.tag_schemes import (
    ODD,
    OUTSIDE,
    SCHEMES,
    allowed_transitions,
    continuations,
    entity_begins,
    entity_labels,
    is_filler,
    label_types,
    model_tag,
    scheme_of_labels,
)
from keras_bert.errors import InputError
from keras_bert.text.ragged_rows import row_ids
from keras_bert.text.tag_decoding import best_path

# As other writings have tags: b-per, B_PER, PER-B.
_LIKE_A_TAG = re.compile(r"[BIESLUM][-_./]\S+|\S+[-_./][BIESLUM]", re.IGNORECASE)


class TagSet:
    """The labels of a model, in the order of its outputs.

    Args:
        names: The labels.
        scheme: How they mark entities, one of `keras_bert.data.tag_schemes.SCHEMES`; None: `scheme_of_labels`.

    Raises:
        InputError: Fewer than two labels, one of them twice, no such scheme, or labels of which none is of it.
    """

    def __init__(self, names: Sequence[str], scheme: str | None = None) -> None:
        self.names = tuple(names)
        self.scheme = scheme or scheme_of_labels(self.names)
        self._check()
        self.types = label_types(self.names, self.scheme)
        self.inner = continuations(self.names, self.scheme)
        self.begins = entity_begins(self.names, self.scheme)
        self.fillers = np.array([is_filler(name, self.scheme) for name in self.names])

    @property
    def has_entities(self) -> bool:
        """Whether the labels mark entities, so that a word may have none."""
        return self.scheme != "plain"

    @property
    def outside(self) -> int:
        """The number of `O`; of plain labels the first that is no filler."""
        return self.names.index(OUTSIDE) if OUTSIDE in self.names else int(np.argmin(self.fillers))

    @property
    def entity_types(self) -> list[str]:
        """The types of entities, sorted."""
        return sorted({type_ for type_ in self.types if type_}) if self.has_entities else []

    @property
    def row_labels(self) -> list[str]:
        """The tags that rows may have: those of IOB2 where the labels mark entities."""
        return entity_labels(self.entity_types) if self.has_entities else list(self.names)

    def note_odd_labels(self, source: str) -> None:
        """Logs which labels are no words' and which are of no scheme.

        Args:
            source: Where the labels are from.
        """
        odd = [name for name in self.names if self.has_entities and model_tag(name, self.scheme).letter == ODD]
        if self.fillers.any():
            fillers = ", ".join(np.array(self.names)[self.fillers])
            logging.info("%s: labels of special tokens, which no word gets: %s", source, fillers)
        if odd and self.scheme != "IO":
            logging.warning(
                "%s: labels outside of %s: %s; neighbours that have the same one are joined to an entity",
                source,
                self.scheme,
                ", ".join(odd),
            )
        alike = [name for name in self.names if _LIKE_A_TAG.fullmatch(name)]
        if self.scheme in ("IO", "plain") and 2 * len(alike) > len(set(self.names) - {OUTSIDE}):
            logging.warning(
                "%s: labels such as %s are no tags as B-PER is one, and are taken as they are: their letters begin "
                "and end no entity; give the labels other names",
                source,
                ", ".join(alike[:4]),
            )

    def decode(self, scores: tf.RaggedTensor, constrained: bool) -> tf.Tensor:
        """Chooses a label for each word, in the graph; never a filler.

        Args:
            scores: float32 (rows, (words), labels), log-probabilities.
            constrained: The likeliest sequence that the scheme allows; else the likeliest label of each word.

        Returns:
            int32 (words,) of all rows together.
        """
        if constrained:
            return best_path(scores, allowed_transitions(self.names, self.scheme))
        free = np.ones((len(self.names) + 1, len(self.names) + 1), bool)
        free[:, np.flatnonzero(self.fillers)] = False
        return best_path(scores, free)

    def hide_fillers(self, logits: tf.Tensor) -> tf.Tensor:
        """Makes the labels of special tokens impossible: float32 (..., labels)."""
        return tf.where(tf.constant(self.fillers), tf.constant(-np.inf, tf.float32), logits)

    def numbers(self, tags: tf.RaggedTensor) -> tf.Tensor:
        """Turns the tags of rows into numbers of labels, in the graph.

        Args:
            tags: string (rows, (words)), in IOB2 where the labels mark entities, whatever their own scheme.

        Returns:
            int32 (words,) of all rows together.

        Raises:
            InputError: A tag that is none of the labels, named in the message; in a graph it is an
                `InvalidArgumentError`.
        """
        own = self._in_own_scheme(tags)
        found = own[:, None] == tf.constant(self.names)
        known = tf.reduce_any(found, axis=1)
        unknown = tf.boolean_mask(own, tf.logical_not(known))
        shown = ", ".join(self.names[:10]) + (", ..." if len(self.names) > 10 else "")
        if tf.executing_eagerly() and len(unknown):
            raise InputError(
                f"unknown tag {unknown[0].numpy().decode(errors='replace')!r:.60}; the labels are: {shown}"
            )
        tf.debugging.Assert(tf.reduce_all(known), ["unknown tag:", unknown, f"; the labels are: {shown}"])
        return tf.argmax(found, axis=1, output_type=tf.int32)

    def to_iob2(self, labels: Sequence[str]) -> list[str]:
        """Turns the labels of a sentence into tags of IOB2; tags of rows, which are IOB2, stay as they are."""
        if not set(labels) <= set(self.names):
            return list(labels)
        numbers = [self.names.index(label) for label in labels]
        before = [len(self.names), *numbers]
        return [
            f"{'B' if self.begins[previous, number] else 'I'}-{self.types[number]}" if self.types[number] else OUTSIDE
            for previous, number in zip(before, numbers, strict=False)
        ]

    def entities(self, numbers: Sequence[int]) -> list[tuple[int, int, str]]:
        """Finds the entities of a sentence: first word, word behind the last one, type. Each word of plain labels."""
        found: list[tuple[int, int, str]] = []
        previous = len(self.names)
        for place, number in enumerate(numbers):
            if self.types[number] and self.begins[previous, number]:
                found.append((place, place + 1, self.types[number]))
            elif self.types[number]:
                found[-1] = (found[-1][0], place + 1, found[-1][2])
            previous = number
        return found

    def _in_own_scheme(self, tags: tf.RaggedTensor) -> tf.Tensor:
        """Returns tags in the scheme of the labels, string (words,) of all rows together."""
        values = tags.values
        if self.scheme in ("plain", "IOB2", "IOB"):
            return values
        if self.scheme == "IO":
            return tf.strings.regex_replace(values, "^[BI]-", "")
        letter, type_ = tf.strings.substr(values, 0, 1), tf.strings.regex_replace(values, "^[BI]-", "")
        row, size = row_ids(tags.row_splits), tf.size(values)

        def joins(shift: int) -> tf.Tensor:
            """Whether the neighbour at `shift` is of the same row."""
            other = tf.roll(row, -shift, 0)
            place = tf.range(size) + shift
            return (place >= 0) & (place < size) & (other == row)

        if self.scheme == "IOB1":
            behind = joins(-1) & (tf.roll(type_, 1, 0) == type_) & (tf.roll(letter, 1, 0) != OUTSIDE)
            new = tf.where((letter == "B") & ~behind, "I", letter)
        else:
            goes_on = joins(1) & (tf.roll(letter, -1, 0) == "I")
            letters = {name[0] for name in self.names if model_tag(name, self.scheme).letter not in (ODD, OUTSIDE)}
            last = "L" if "L" in letters else "E"
            single = "U" if "U" in letters else "S"
            middle = "M" if "M" in letters else "I"
            new = tf.where(letter == "I", middle, letter)
            new = tf.where((letter == "I") & ~goes_on, last if last in letters else middle, new)
            new = tf.where((letter == "B") & ~goes_on, single if single in letters else "B", new)
        return tf.where(values == OUTSIDE, values, tf.strings.join([new, tf.fill([size], "-"), type_]))

    def _check(self) -> None:
        names, scheme = self.names, self.scheme
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise InputError(f"labels: {doubled[0]!r} is there more than once")
        if len(names) < 2:
            raise InputError(f"labels: a token classifier needs at least 2, received: {list(names)}")
        if scheme not in SCHEMES:
            raise InputError(f"scheme must be one of {', '.join(SCHEMES)}, received: {scheme!r}")
        odd = all(model_tag(name, scheme).letter in (OUTSIDE, ODD) for name in names)
        if scheme not in ("plain", "IO") and odd:
            raise InputError(
                f"labels: not those of {scheme}, 'O' and a letter, '-' and a type each: {', '.join(names)}"
            )
