"""A possible answer, and where it stands."""

from dataclasses import dataclass
from typing import Any

from keras_bert.data.pretraining.sentences import sentence_spans
from keras_bert.retrieval.passages.passage import Found


@dataclass(frozen=True)
class Candidate:
    """A span of a passage that may be the answer.

    Attributes:
        found: The passage, with the score of the search.
        start: Its first character in the passage.
        end: The one behind its last.
        read: What the reader gives it, from 0 to 1: the span's probability, times how likely there is an answer at all.
        weight: What it counts beside the others, from 0 to 1, see `weigh`.
    """

    found: Found
    start: int
    end: int
    read: float
    weight: float = 0.0

    @property
    def text(self) -> str:
        """The answer."""
        return self.found.passage.text[self.start : self.end]

    @property
    def place(self) -> tuple[int, int]:
        """First byte, and the one behind the last, where the passage's own places count, see `Passage`."""
        text, start = self.found.passage.text, self.found.passage.start
        return start + len(text[: self.start].encode()), start + len(text[: self.end].encode())

    @property
    def sentence(self) -> tuple[int, int]:
        """First character, and the one behind the last, of the sentences of the passage that the answer stands in."""
        text = self.found.passage.text
        spans = [span for span in sentence_spans(text, line_ends=False) if span[0] < self.end and span[1] > self.start]
        return (spans[0][0], spans[-1][1]) if spans else (0, len(text))

    def described(self) -> dict[str, Any]:
        """Returns where it stands.

        Returns:
            `file`, `title`; `start` and `end` in bytes, `in_file`, `page` and `line`, as of `Passage`; `sentence`
            around it, and `at`, its first character there.
        """
        passage, (start, end), (first, last) = self.found.passage, self.place, self.sentence
        facts = {"file": passage.file, "title": passage.title, "start": start, "end": end, "in_file": passage.in_file}
        sentence = {"sentence": passage.text[first:last], "at": self.start - first}
        return {**facts, "page": passage.page, "line": passage.line, **sentence}
