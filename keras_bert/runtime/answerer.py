"""Answers that stand in a text of any length."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_bert.errors import InputError
from keras_bert.runtime.model import Given, RuntimeModel
from keras_bert.runtime.numbers import log_softmax, sigmoid
from keras_bert.runtime.packing import Packed, pack
from keras_bert.runtime.spans import IMPOSSIBLE, Spans, best_spans, window_spans
from keras_bert.runtime.text import Text, shown, whole_characters
from keras_bert.runtime.tokenizer import Tokens
from keras_bert.runtime.windows import best_windows, sliding_windows

N_BEST = 10
_CERTAIN = 1e9
_BLANK = "\t\n\f\r "


class Answerer(RuntimeModel):
    """A `BertQuestionAnswerer`."""

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The strings of a row."""
        return ("question", "context")

    def answer(self, texts: Iterable[Given], batch_size: int | None = None, *, n_best: int = 1) -> list[Any]:
        """Answers questions about texts, see `BertQuestionAnswerer.answer`.

        Args:
            texts: Dicts with `question` and `context`, or pairs of these.
            batch_size: Windows that run together; None: as many as are fastest.
            n_best: With more than 1, the likeliest spans too, as `n_best`, whatever the threshold.

        Raises:
            InputError: As for every task, or `n_best` is out of range.
        """
        asked = self._listed(texts, "questions with their contexts; for one write answer([(question, context)])")
        if not 1 <= n_best <= N_BEST:
            raise InputError(f"n_best is {n_best}; it must be from 1 to {N_BEST}")
        given = [self._parts(index, text) for index, text in enumerate(asked)]
        rows = [self._read(question, context) for question, context in given]
        outputs = iter(self._run([window for row in rows for window in row[-1]], batch_size))
        found = []
        for (_, context), (text, tokens, begin, windows) in zip(given, rows, strict=True):
            spans = self._search(tokens, begin, windows, [next(outputs) for _ in windows])
            found.append(self._choose(context, text, spans, n_best if n_best > 1 else 0))
        return found

    def _read(self, question: str | bytes, context: str | bytes) -> tuple[Text, Tokens, int, list[Packed]]:
        """Returns the context, its tokens, where in a window it begins, and the windows."""
        tokenizer, room = self.tokenizer, self.max_length - 3
        # Half a surrogate pair in a string is dropped, as the graph's own `answer` does with questions.
        asked = tokenizer.tokens(tokenizer.text(question, "\ufffd").characters).ids
        most = min(self.settings["max_question_length"], room // 2)
        asked = asked[-most:] if _has_history(question) else asked[:most]
        text = tokenizer.text(context, "\ufffd")
        tokens = tokenizer.tokens(text.characters, places=True)
        starts, lengths = self._windows(len(tokens.ids), len(asked))
        windows = [
            pack(tokenizer.cls, tokenizer.sep, asked, tokens.ids[start : start + size])
            for start, size in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        return text, tokens, len(asked) + 2, windows

    def _windows(self, tokens: int, question: int) -> tuple[np.ndarray, np.ndarray]:
        size = self.max_length - 3 - question
        return sliding_windows(tokens, size, min(max(size // 2, 1), self.settings["doc_stride"]))

    def _search(self, tokens: Tokens, begin: int, windows: list[Packed], outputs: list[dict[str, np.ndarray]]) -> Spans:
        """Finds the best spans of a row."""
        starts, lengths = self._windows(len(tokens.ids), begin - 2)
        best = best_windows(starts, lengths, len(tokens.ids))
        begins = ~self.tokenizer.goes_on[tokens.ids]
        begins[:1] = True
        first = np.flatnonzero(begins)
        word = np.cumsum(begins) - 1
        word_start = tokens.starts[first]
        word_end = np.maximum.reduceat(tokens.ends, first) if len(first) else tokens.ends
        found, no_answer = [], np.inf
        for number, (start, size, row) in enumerate(zip(starts.tolist(), lengths.tolist(), windows, strict=True)):
            logits = np.stack([outputs[number][name][: len(row.ids)] for name in ("start_logits", "end_logits")])
            possible = np.zeros(len(row.ids), bool)
            possible[0] = possible[begin : begin + size] = True
            told = log_softmax(np.where(possible, logits, np.float32(IMPOSSIBLE)))
            no_answer = min(no_answer, told[0, 0] + told[1, 0])
            part = slice(start, start + size)
            own = best[part] == number
            spans = window_spans(
                told[:, begin : begin + size], begins[part], own, self.settings["max_answer_length"], N_BEST
            )
            inside = word[part]
            found.append((spans[0], word_start[inside[spans[1]]], word_end[inside[spans[2]]]))
        return best_spans(found, np.float32(no_answer), N_BEST)

    def _choose(self, context: str | bytes, text: Text, spans: Spans, n_best: int) -> dict[str, Any]:
        """Chooses between the best span of a row and no answer."""
        listed: list[dict[str, Any]] = []
        own = whole_characters(context) if isinstance(context, str) else context
        for score, start, end in zip(np.exp(spans.scores).tolist(), spans.starts, spans.ends, strict=True):
            words = text.characters[start:end]
            begin = start + len(words) - len(words.lstrip(_BLANK))
            finish = begin + len(words.strip(_BLANK))
            places = text.place(begin), text.place(finish)
            listed.append(
                {"answer": shown(own[places[0] : places[1]]), "score": score, "start": places[0], "end": places[1]}
            )
        threshold = self.settings.get("no_answer_log_odds")
        best = spans.scores[0] if len(listed) else np.float32(IMPOSSIBLE)
        log_odds = np.float32(spans.no_answer - best)
        if listed and log_odds <= np.float32(_CERTAIN if threshold is None else threshold):
            answer = dict(listed[0])
        else:
            answer = {"answer": "", "score": float(np.exp(spans.no_answer)), "start": 0, "end": 0}
        answer["no_answer_score"] = float(sigmoid(log_odds))
        return {**answer, "n_best": listed[:n_best]} if n_best else answer


def _has_history(question: str | bytes) -> bool:
    """Tells whether earlier turns stand before a question, a line each: then its beginning is cut, not its end."""
    data = question.encode("utf-8", "surrogatepass") if isinstance(question, str) else question
    return b"\n" in data.strip()
