"""`explain`: why a model answers as it does, by the words of the caller's text."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert.data.memory.given_rows import given_texts
from keras_bert.errors import InputError
from keras_bert.tasks.base.task import BertTask
from keras_bert.trust.explain.attribution import Attribution
from keras_bert.trust.explain.gradients import LARGEST_GAP
from keras_bert.trust.explain.readers.explained_task import (
    NO_ENTITY,
    Given,
    answers_of,
    fields_of,
    given_row,
    read_row,
)
from keras_bert.trust.explain.reading import Reading, Word
from keras_bert.trust.explain.scorer import scorer_of
from keras_bert.trust.explain.settings import ExplainSettings


def explain(
    model: BertTask,
    texts: Sequence[Any],
    method: str = "integrated_gradients",
    target: Any = None,
    *,
    baseline: str | None = None,
    steps: int | None = None,
    permutations: int | None = None,
    seed: int | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Says which words of texts speak for an answer, and which against it.

    What is explained is a logit: of the class; the mean of those of an entity's words; the sum of those of a span's
    ends; a regressor's number before its activation; the similarity of two texts.

    Args:
        model: A classifier, regressor, tagger, question answerer or embedder.
        texts: As the model's `answer` takes them, of any length; of an embedder pairs of texts.
        method: `"integrated_gradients"` (values add up to what the text has over the baseline, and the gap says how
            exactly), `"shapley"` (likewise, by orders of the words), `"occlusion"` (what is missing without each word),
            `"gradient_x_input"` (one pass, to first order), `"rollout"` and `"attention"` (where the model looks).
        target: What is explained; None: the model's own answer. A class; an entity, by its number in the answer or as a
            dict of `label`, `start` and `end`; a span, a dict of `start` and `end`, or `""` for no answer. Or a list
            with one for each text.
        baseline: What stands in the place of words that are not there: `"[PAD]"` (by default of integrated gradients),
            `"[MASK]"` (of occlusion and Shapley values) or `"zero"`, no vector. Places and special tokens stay.
        steps: Of integrated gradients, to begin with: 50; doubled until the gap is at most 1 %.
        permutations: Orders of the words for Shapley values: 25.
        seed: From which these follow: 0.
        layers: For attention, from 1: the last.
        heads: For attention, from 1: all.

    Returns:
        One dict for each text, of what JSON has: `method`, `task`, `texts` by field, `answer`, `label` (what is
        explained), `score` (the logit), `baseline`, `baseline_score`, `gap`, `steps`, `words` (each `text`, `start`,
        `end` in characters, `value`, `field`), `rest` (the sum of what is no word), `cut` (what was not read), for
        attention `maps`, and a `note` where there is something to say. docs/trust.md has the details.

    Raises:
        InputError: The task cannot be explained, a text is not what it takes, there is no such method or target, or an
            option is of another method.

    Example:
        >>> model = keras_bert.BertEmbedder.from_preset("minilm")
        >>> (found,) = explain(model, [("a film", "a movie")], method="occlusion")
        >>> [word["text"] for word in found["words"]]
        ['a', 'film', 'a', 'movie']
    """
    fields = fields_of(model)
    settings = ExplainSettings.of(
        method, baseline=baseline, steps=steps, permutations=permutations, seed=seed, layers=layers, heads=heads
    )
    given = given_texts(texts, fields, "explain", "texts; for one text write explain([text])")
    rows = [given_row(model, index, text, fields) for index, text in enumerate(given)]
    targets = target if isinstance(target, list) else [target] * len(rows)
    if len(targets) != len(rows):
        raise InputError(f"target: a list has one for each text; there are {len(targets)} for {len(rows)} texts")
    if not rows:
        return []
    scorer = scorer_of(model)
    found = []
    answers = answers_of(model, rows, targets)
    for index, (row, answer, each) in enumerate(zip(rows, answers, targets, strict=True)):
        reading, shown = read_row(model, row, answer, each, index, scorer)
        attribution = Attribution(np.zeros(0))
        if reading is not None:
            attribution = settings.apply(scorer, reading, functools.partial(_pieces, model, row, reading))
        found.append(_explained(model, settings, row, shown, reading, attribution))
    return found


def _explained(
    model: BertTask,
    settings: ExplainSettings,
    row: Given,
    answer: dict[str, Any] | None,
    reading: Reading | None,
    attribution: Attribution,
) -> dict[str, Any]:
    """Makes the dict of one text."""
    texts = {
        name: text if isinstance(text, str) else text.decode("utf-8", "replace") for name, text in row.shown.items()
    }
    words = [] if reading is None else _words(row, reading.words, attribution)
    cut = [] if reading is None else reading.cut
    found = {
        "method": settings.method,
        "task": type(model).__name__,
        "texts": texts,
        "answer": answer,
        "label": None if reading is None else reading.label,
        "score": attribution.score,
        "baseline": settings.baseline,
        "baseline_score": attribution.baseline_score,
        "gap": attribution.gap,
        "steps": attribution.steps,
        "words": words,
        "rest": attribution.rest,
        "cut": [{**_place(row, part.place), "reason": part.reason} for part in cut],
    }
    if attribution.maps is not None:
        found["maps"] = attribution.maps
    if reading is None:
        found["note"] = NO_ENTITY
    elif attribution.gap is not None and attribution.gap > LARGEST_GAP:
        found["note"] = f"the values miss the difference of the scores by {attribution.gap:.1%}"
    elif not words:
        found["note"] = "the text has no words"
    return found


def _words(row: Given, words: Sequence[Word], attribution: Attribution) -> list[dict[str, Any]]:
    """Gives words the caller's places, and their values."""
    errors = np.full(len(words), np.nan) if attribution.errors is None else attribution.errors
    found: list[dict[str, Any]] = []
    for word, value, error in zip(words, attribution.values.tolist(), errors.tolist(), strict=True):
        ((start, end),) = row.places(word.field, [word[1:]])
        part = row.shown[word.field][start:end]
        shown = part if isinstance(part, str) else part.decode("utf-8", "replace")
        entry = {"text": shown, "start": start, "end": end, "value": value, "field": word.field}
        found.append(entry if math.isnan(error) else {**entry, "error": error})
    return found


def _place(row: Given, place: Word) -> dict[str, Any]:
    ((start, end),) = row.places(place.field, [place[1:]])
    return {"field": place.field, "start": start, "end": end}


def _pieces(model: BertTask, row: Given, reading: Reading) -> list[list[dict[str, Any]]]:
    """Names the tokens of each row, but for padding: its entry of the vocabulary, and the place of its word."""
    places = [_place(row, word) for word in reading.words]
    rows = zip(reading.inputs["token_ids"], reading.owner, reading.inputs["padding_mask"], strict=True)
    return [
        [
            {"text": model.tokenizer.id_to_token(int(token)), **_NO_PLACE, **(places[word] if word >= 0 else {})}
            for token, word, is_token in zip(*columns, strict=True)
            if is_token
        ]
        for columns in rows
    ]


_NO_PLACE = {"field": None, "start": 0, "end": 0}
