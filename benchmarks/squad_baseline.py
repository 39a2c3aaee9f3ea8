"""How well does counting words answer questions? The sliding-window baseline, to be beaten clearly.

    python benchmarks/squad_baseline.py --data=squad/dev.json [--longest=3]

The baseline of the SQuAD paper (arXiv:1606.05250, section 5.1): of the sentences of the text, those count that share
most words and pairs of words with the question; of the candidates in these, the one wins whose words, with those of the
question, are densest in a window of the text (MCTest, Richardson et al. 2013, algorithm 1), less the distance between
the two. The paper's candidates are the constituents of a parser, here they are all runs of up to `--longest` words that
neither begin nor end with a stop word or punctuation: more of them, and more that no one would say. The paper reports
exact match 13.2 and F1 20.2 on SQuAD 1.1's development set. Every question is answered. Prints exact match and F1 in
percent, as the official script counts them; no model, no training, one core.
"""

import argparse
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_bert.data import read_squad
from keras_bert.evaluation import squad_scores

WORD = re.compile(r"\w+(?:[.,'’-]\w+)*|[^\w\s]")
SENTENCE_END = re.compile(r"[.!?][\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9])")
STOP_WORDS = frozenset(
    WORD.findall(
        "a an the of in on at to for from by with as and or but is are was were be been being do does did has have had "
        "it its this that these those he she they his her their who whom whose what which when where why how many much "
        "not no than then there into over under about after before during between"
    )
)


class Words(NamedTuple):
    """A text as words in lower case, with their places and the sentence of each."""

    words: list[str]
    starts: list[int]
    ends: list[int]
    sentences: list[int]


def words_of(text: str) -> Words:
    """Cuts a text into words."""
    cuts = [found.end() for found in SENTENCE_END.finditer(text)]
    found = list(WORD.finditer(text))
    sentences = np.searchsorted(cuts, [word.start() for word in found], side="right").tolist()
    return Words(
        [word[0].lower() for word in found], [word.start() for word in found], [word.end() for word in found], sentences
    )


def candidates(text: Words, longest: int) -> Iterator[tuple[int, int]]:
    """The runs of words that may be an answer, as first and last word."""
    for first, word in enumerate(text.words):
        if not bounds(word):
            continue
        for last in range(first, min(first + longest, len(text.words))):
            if text.sentences[last] != text.sentences[first]:
                break
            if bounds(text.words[last]):
                yield first, last


def bounds(word: str) -> bool:
    """Whether an answer may begin or end with a word."""
    return word not in STOP_WORDS and word[0].isalnum()


def overlap(first: list[str], second: list[str]) -> int:
    """The words and the pairs of words that two texts share."""
    common = set(first) & set(second)
    pairs = set(itertools.pairwise(first)) & set(itertools.pairwise(second))
    return len(common) + len(pairs)


def answer(question: str, context: str, longest: int) -> str:
    """Answers a question by the baseline."""
    text, asked = words_of(context), words_of(question).words
    spans = list(candidates(text, longest))
    if not spans:
        return ""
    inside: dict[int, list[int]] = {}
    for index, sentence in enumerate(text.sentences):
        inside.setdefault(sentence, []).append(index)
    shared = [
        overlap([text.words[i] for i in inside[text.sentences[first]] if not first <= i <= last], asked)
        for first, last in spans
    ]
    kept = [span for span, count in zip(spans, shared, strict=True) if count == max(shared)]
    counts = Counter(text.words)
    rarity = np.array([math.log(1 + 1 / counts[word]) for word in text.words])
    asked_places = [i for i, word in enumerate(text.words) if word in asked and bounds(word)]

    def score(span: tuple[int, int]) -> float:
        words = {*asked, *text.words[span[0] : span[1] + 1]}
        hits = np.concatenate([[0.0], np.cumsum(rarity * [word in words for word in text.words])])
        width = min(len(words), len(text.words))
        distance = min((abs(i - j) for i in asked_places for j in span if not span[0] <= i <= span[1]), default=None)
        far = 1.0 if distance is None else (distance + 1) / max(len(text.words) - 1, 1)
        return float((hits[width:] - hits[:-width]).max()) - far

    first, last = max(kept, key=score)
    return context[text.starts[first] : text.ends[last]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a file that keras_bert.data.read_squad reads")
    parser.add_argument("--longest", type=int, default=3, help="words of an answer")
    flags = parser.parse_args()
    rows = list(read_squad(flags.data).as_numpy_iterator())
    answers = [answer(row["question"].decode(), row["context"].decode(), flags.longest) for row in rows]
    scores = squad_scores(answers, [[text.decode() for text in row["answers"]] for row in rows])
    print(f"{len(rows)} questions: " + ", ".join(f"{name} {100 * value:.1f}" for name, value in scores.items()))


if __name__ == "__main__":
    main()
