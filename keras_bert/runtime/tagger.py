"""Entities of texts, and labels of words."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_bert.runtime.given_words import words_of
from keras_bert.runtime.model import Given, RuntimeModel
from keras_bert.runtime.numbers import log_softmax
from keras_bert.runtime.packing import Packed, pack
from keras_bert.runtime.tag_path import best_path
from keras_bert.runtime.text import Text, shown
from keras_bert.runtime.tokenizer import Tokens
from keras_bert.runtime.windows import best_windows, sliding_windows


class Tagger(RuntimeModel):
    """A `BertTokenClassifier`."""

    def answer(self, texts: Iterable[Given], batch_size: int | None = None) -> list[Any]:
        """Finds the entities of texts of any length, see `BertTokenClassifier.answer`.

        Args:
            texts: Strings, or UTF-8 in bytes, or dicts with `text`; or lists of words, or dicts with `words`.
            batch_size: Windows that run together; None: as many as are fastest.

        Returns:
            For each text a list of dicts: `text`, `label`, `score`, `start` and `end`, in characters, in bytes for a
            text that is given so, in words for words.
        """
        rows: list[tuple[str | bytes, list[str] | None]] = []
        for index, given in enumerate(self._listed(texts)):
            words = words_of(index, given)
            if words is None:
                rows.append((self._parts(index, given)[0], None))
            else:
                rows.append((self._separator.join(words), words))
        read = [self.tokenizer.text(text) for text, _ in rows]
        tokens = [self.tokenizer.tokens(text.characters, places=True) for text in read]
        scores = self._scores(tokens, batch_size)
        return [
            self._of_text(given, text, found, score) if words is None else self._of_words(words, found, score)
            for (given, words), text, found, score in zip(rows, read, tokens, scores, strict=True)
        ]

    @property
    def _separator(self) -> str:
        return self.settings.get("word_separator", " ")

    @property
    def _allowed(self) -> np.ndarray:
        return np.array(self.settings["allowed"], bool)

    def _scores(self, texts: Sequence[Tokens], batch_size: int | None) -> list[np.ndarray]:
        """Returns log-probabilities, float32 (tokens, labels), of each text's tokens where these have most context."""
        tokenizer, rows, cut = self.tokenizer, list[Packed](), []
        for tokens in texts:
            starts, lengths = sliding_windows(len(tokens.ids), self.max_length - 2, self.settings["stride"])
            spans = zip(starts.tolist(), lengths.tolist(), strict=True)
            rows += [pack(tokenizer.cls, tokenizer.sep, tokens.ids[start : start + size]) for start, size in spans]
            cut.append((starts, best_windows(starts, lengths, len(tokens.ids))))
        outputs, found, first = self._run(rows, batch_size), [], 0
        for tokens, (starts, best) in zip(texts, cut, strict=True):
            logits = [outputs[first + window]["logits"] for window in range(len(starts))]
            place = np.arange(len(tokens.ids)) - starts[best] + 1
            chosen = [logits[window][at] for window, at in zip(best.tolist(), place.tolist(), strict=True)]
            labels = len(self.settings["labels"])
            found.append(log_softmax(np.array(chosen, np.float32).reshape(-1, labels)))
            first += len(starts)
        return found

    def _of_text(self, given: str | bytes, text: Text, tokens: Tokens, scores: np.ndarray) -> list[dict[str, Any]]:
        """Returns the entities of a text."""
        if not len(tokens.ids):
            return []
        first = np.flatnonzero(~self._goes_on(tokens))
        starts, ends = tokens.starts[first], np.maximum.reduceat(tokens.ends, first)
        labels = best_path(scores[first], self._allowed)
        probability = np.exp(scores[first, labels])
        found = []
        for begin, end, label in self._entities(labels.tolist()):
            places = text.place(int(starts[begin])), text.place(int(ends[begin:end].max()))
            score = float(probability[begin:end].mean(dtype=np.float32))
            part = given[places[0] : places[1]]
            words = part if isinstance(part, str) else shown(part)
            found.append({"text": words, "label": label, "score": score, "start": places[0], "end": places[1]})
        return found

    def _of_words(self, words: Sequence[str], tokens: Tokens, scores: np.ndarray) -> list[dict[str, Any]]:
        """Returns the entities of words that are given, each with the label of its first piece."""
        sizes = np.array([len(word) for word in words])
        begins = np.cumsum(sizes + len(self._separator)) - sizes - len(self._separator)
        word = np.searchsorted(begins, tokens.starts, side="right") - 1
        inside = (word >= 0) & (tokens.starts < (begins + sizes)[np.maximum(word, 0)])
        goes_on = self._goes_on(tokens)
        piece = np.full(len(words), -1)
        for index in np.flatnonzero(inside)[::-1]:
            piece[word[index]] = index
        piece[(piece >= 0) & goes_on[piece]] = -1  # no more than the inside of a piece
        told = piece >= 0
        labels = np.full(len(words), self.settings["outside"])
        labels[told] = best_path(scores[piece[told]], self._allowed)
        for index in np.flatnonzero(~told):
            if index:
                labels[index] = self.settings["inner"][labels[index - 1]]
        score = np.full(len(words), np.nan, np.float32)
        score[told] = np.exp(scores[piece[told], labels[told]])
        found = []
        for begin, end, label in self._entities(labels.tolist()):
            known = [float(value) for value in score[begin:end] if not np.isnan(value)]
            mean = float(np.mean(known)) if known else 0.0
            text = self._separator.join(words[begin:end])
            found.append({"text": text, "label": label, "score": mean, "start": begin, "end": end})
        return found

    def _goes_on(self, tokens: Tokens) -> np.ndarray:
        """Says which tokens go on with a word: bool (tokens,); the first of a text begins one."""
        goes_on = self.tokenizer.goes_on[tokens.ids]
        goes_on[:1] = False
        return goes_on

    def _entities(self, labels: Sequence[int]) -> list[tuple[int, int, str]]:
        """Joins words to entities: first word, word behind the last one, type."""
        types, begins = self.settings["types"], self.settings["begins"]
        found: list[tuple[int, int, str]] = []
        before = len(types)
        for place, label in enumerate(labels):
            if types[label] and begins[before][label]:
                found.append((place, place + 1, types[label]))
            elif types[label]:
                found[-1] = (found[-1][0], place + 1, found[-1][2])
            before = label
        return found
