"""The greedy search: exhaustive search finds no more on texts of two words, and every limit is kept."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.trust.attack.constraints import Constraints
from keras_bert.trust.attack.search_together import search_together
from keras_bert.trust.attack.sentence import AttackedRow, Sentence, words_of
from keras_bert.trust.attack.synonyms import Synonyms
from keras_bert.trust.attack.victim import Victim, margins
from keras_bert.trust.attack.word_order import order_named
from keras_bert.trust.attack.word_search import WordSearch
from keras_bert.trust.attack.words import find_words
from tests.tasks import tiny

WORDS = [*tiny.ADJECTIVES, "film", "food", "book"]
SYNONYMS = Synonyms({word: [other for other in WORDS if other != word] for word in WORDS})
LABELS = ("no", "yes")


class Additive:
    """A model whose logit of "yes" is a sum of the words' weights, and that counts what it is asked."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.weights = dict(zip(WORDS, rng.normal(size=len(WORDS)), strict=True))
        self.asked: list[Any] = []

    def ask(self, texts: Sequence[Sequence[str | bytes]]) -> np.ndarray:
        self.asked += texts
        words = [text[0].decode("utf-8", "ignore") if isinstance(text[0], bytes) else text[0] for text in texts]
        logits = np.array([sum(self.weights.get(word, 0.0) for word in text.split()) for text in words])
        return -np.logaddexp(0, np.stack([logits, -logits], axis=1))


class Cosine:
    """Says that texts are the less alike the later a word is in the list."""

    least = 0.5

    def of(self, pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> np.ndarray:
        return np.array([1 - max(map(WORDS.index, after[0].split())) / len(WORDS) for _, after in pairs])


def search(
    victim: Any,
    texts: Sequence[str],
    labels: Sequence[int],
    names: Sequence[str] = LABELS,
    order: str = "delete",
    similarity: Any = None,
    together: int = 64,
    **limits: Any,
) -> list[AttackedRow]:
    constraints = Constraints(**{"stop_words": (), "max_share": 1.0, **limits})
    least = None if similarity is None else similarity.least
    searches = (
        WordSearch(number, made, label, names, order_named(order), constraints, least)
        for number, (made, label) in enumerate(zip(map(sentence, texts), labels, strict=True))
    )
    found = search_together(searches, victim, SYNONYMS, similarity, together)
    return sorted(found, key=lambda row: row.row)


def sentence(text: str) -> Sentence:
    return Sentence(("text",), (text,), words_of((text,), {0: find_words(text)}))


def exhaustive(victim: Any, text: str, label: int) -> float:
    """The lowest margin of all that two words can be replaced by."""
    choices = [[word, *SYNONYMS.of(word)] for word in text.split()]
    texts = [(" ".join(words),) for words in itertools.product(*choices)]
    return float(margins(victim.ask(texts), label).min())


PAIRS = [f"{first} {second}" for first, second in itertools.permutations(WORDS, 2)]


@pytest.mark.parametrize("order", ["delete", "unk"])
@pytest.mark.parametrize("seed", range(3))
def test_greedy_is_exhaustive_on_two_words(seed: int, order: str):
    victim = Additive(seed)
    labels = list(victim.ask([(text,) for text in PAIRS]).argmax(axis=1))
    rows = search(victim, PAIRS, labels, order=order)
    lowest = [exhaustive(victim, text, label) for text, label in zip(PAIRS, labels, strict=True)]
    assert [row.status == "broken" for row in rows] == [value < 0 for value in lowest]
    held = [(row.new_margin, value) for row, value in zip(rows, lowest, strict=True) if row.status == "held"]
    assert all(found == pytest.approx(value) for found, value in held)
    assert {row.status for row in rows} == {"broken"} or held


def test_greedy_is_exhaustive_on_two_words_of_a_bert():
    """Its words act on each other: what is broken is broken, and hardly anything is missed."""
    victim = Victim(tiny.classifier())
    labels = [int(label) for label in victim.ask([(text,) for text in PAIRS]).argmax(axis=1)]
    rows = search(victim, PAIRS, labels, victim.labels)
    broken = {row.texts["text"] for row in rows if row.status == "broken"}
    breakable = {text for text, label in zip(PAIRS, labels, strict=True) if exhaustive(victim, text, label) < 0}
    assert broken <= breakable
    assert len(broken) >= 0.95 * len(breakable)
    again = victim.ask([(row.attacked["text"],) for row in rows])
    assert [victim.labels[at] for at in again.argmax(axis=1)] == [row.new_answer for row in rows]


def test_no_row_costs_more_than_its_budget():
    text = "good bad plain dull fine warm cold film food book"
    for budget in (1, 2, 7, 11, 12, 30, 200):
        victim = Additive(1)
        label = int(victim.ask([(text,)])[0].argmax())
        victim.asked.clear()
        (row,) = search(victim, [text], [label], queries=budget)
        assert row.queries == len(victim.asked) <= budget
        assert row.stopped == (row.status == "held" and budget < 100)


def test_rows_side_by_side_are_what_they_are_alone():
    texts = [f"{pair} so good" for pair in PAIRS]
    victim = Additive(2)
    labels = list(victim.ask([(text,) for text in texts]).argmax(axis=1))
    assert search(victim, texts, labels, together=1) == search(victim, texts, labels, together=7)


def test_wrong_rows_are_skipped_and_cost_one_query():
    victim = Additive(0)
    label = int(victim.ask([("good film",)])[0].argmin())
    (row,) = search(victim, ["good film"], [label])
    assert (row.status, row.queries, row.changes, row.attacked) == ("skipped", 1, (), {"text": "good film"})


def test_stop_words_and_the_share_of_words_are_kept():
    texts = ["good bad plain dull fine", "warm cold film food book"]
    for share, most in ((0.2, 1), (0.4, 2), (0.5, 2), (0.01, 1), (0.6, 3)):
        victim = Additive(0)
        victim.weights = {word: 1 + at / 10 for at, word in enumerate(WORDS)}  # nothing breaks it
        search(victim, texts, [1, 1], max_share=share, stop_words=["Good", "film"])
        found = []
        for words in (text[0].split() for text in victim.asked if len(text[0].split()) == 5):
            changed = [[new != old for new, old in zip(words, text.split(), strict=True)] for text in texts]
            places = min(changed, key=sum)
            found.append(sum(places))
            assert not places[0 if places is changed[0] else 2], "a stop word"
        assert max(found) == most


def test_the_most_alike_of_what_breaks_is_taken_and_nothing_below_the_least():
    victim = Additive(0)
    victim.weights = {**dict.fromkeys(WORDS, -1.0), "fine": 1.0}
    (row,) = search(victim, ["fine"], [1], similarity=Cosine())
    assert row.attacked == {"text": "good"}, "the first of the list is the most alike"
    far = WORDS[len(WORDS) // 2 + 1 :]
    victim.weights = {**dict.fromkeys(WORDS, 1.0), **dict.fromkeys(far, -1.0)}
    (row,) = search(victim, ["fine"], [1], similarity=Cosine())
    assert row.status == "held"
    (row,) = search(victim, ["fine"], [1])
    assert row.status == "broken"


def test_an_unknown_word_is_no_text_written_out():
    made = sentence("a  good film")
    without = order_named("unk")(made, 1)
    assert without == (b"a  \xff film",)
    tokenizer = tiny.preprocessor().tokenizer
    assert tokenizer.tokenize([without[0]]).to_list()[0][1] == tokenizer.unk_token_id
    with pytest.raises(InputError, match="order 'random': expected one of delete, unk"):
        order_named("random")
