"""Answers out of an index are those of the reader on each passage alone, weighed; and stand where they say."""

import threading
from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.squad import normalized
from keras_bert.retrieval import Index
from keras_bert.retrieval.asking.ask import WEIGHT
from keras_bert.retrieval.asking.merge import merge, weigh
from keras_bert.retrieval.asking.read import read_passages
from tests.retrieval.asked import index_of
from tests.tasks import tiny_questions

pytest.importorskip("bm25s", reason="needs the search extra")

TEXTS = {
    "a.txt": "Anna lived in Graz. Bela lived in Linz, the old city.",
    "b.txt": "\ufeffCarl was born in 1066 in old Vienna. Dora in 1999, né un.",
    "c.txt": "The king of Oslo was old. The new king is in Rome.",
}
QUESTIONS = ["who lived in graz", "when was carl born", "who was king of oslo"]


@pytest.fixture(scope="module")
def reader():
    return tiny_questions.answerer()


@pytest.fixture(scope="module")
def index(reader, tmp_path_factory) -> Index:
    return index_of(TEXTS, reader, tmp_path_factory.mktemp("asked"), max_tokens=16)


def test_answers_stand_where_they_say(index: Index, reader):
    for question, answers in zip(QUESTIONS, index.ask(QUESTIONS, reader, top_k=5), strict=True):
        assert answers == index.ask(question, reader, top_k=5)
        assert answers
        assert [answer["score"] for answer in answers] == sorted((a["score"] for a in answers), reverse=True)
        passages = index.search(question, k=10)
        (found,) = read_passages(reader, [question], [passages])
        assert [answer["answer"] for answer in answers] == [s[0].text for s in merge(weigh(found, passages, WEIGHT))][
            :5
        ]
        for answer in answers:
            for source in answer["sources"]:
                data = Path(source["file"]).read_bytes()[source["start"] : source["end"]].decode()
                assert normalized(data) == normalized(answer["answer"])
            assert Path(answer["file"]).read_bytes()[answer["start"] : answer["end"]].decode() == answer["answer"]
            assert answer["sentence"][answer["at"] :].startswith(answer["answer"])
            assert answer["sentence"] in answer["passage"]


def test_what_the_reader_gives_less_than_the_threshold_is_no_answer(index: Index, reader):
    """By the best of the places of an answer, and not by the search, whose best passage counts 1 in any case."""
    passages = index.search(QUESTIONS[0], k=10)
    (found,) = read_passages(reader, [QUESTIONS[0]], [passages])
    reads = {same[0].text: max(each.read for each in same) for same in merge(weigh(found, passages, WEIGHT))}
    between = sorted(reads.values())[len(reads) // 2]
    kept = index.ask(QUESTIONS[0], reader, top_k=50, threshold=between)
    assert {answer["answer"] for answer in kept} == {text for text, read in reads.items() if read >= between}
    assert 0 < len(kept) < len(reads)
    assert index.ask(QUESTIONS[0], reader, threshold=1.0) == []


def test_line_breaks_in_a_question_are_blanks(index: Index, reader):
    """The lines of a question are turns of a conversation to the reader."""
    first, _, rest = QUESTIONS[0].partition(" ")
    assert index.ask(f" {first}\n{rest}\n", reader) == index.ask(QUESTIONS[0], reader)


def test_a_question_that_finds_no_passage_has_no_answer(index: Index, reader):
    assert index.ask("xyz", reader) == []
    assert index.ask([], reader) == []


def test_a_follow_up_is_searched_for_with_the_question_before_it(index: Index, reader):
    alone = index.ask("where", reader, passages=1)
    follows = index.ask("where", reader, passages=1, history=[("king oslo", "a"), ("carl born", "1066")])
    assert not alone
    assert {Path(answer["file"]).name for answer in follows} == {"b.txt"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top_k": 0}, "top_k is 0"),
        ({"passages": 0}, "passages 0"),
        ({"weight": 1.5}, "weight is 1.5; it is the reader's share"),
        ({"method": "meaning"}, "an index of words alone"),
    ],
)
def test_impossible_options(options: dict, words: str, index: Index, reader):
    with pytest.raises(InputError, match=words):
        index.ask("who", reader, **options)
    with pytest.raises(InputError, match="there is nothing to search for"):
        index.ask(" ", reader)


def test_eight_callers_get_the_answers_of_one(index: Index, reader):
    expected = index.ask(QUESTIONS, reader)
    found: list = []

    def call() -> None:
        found.extend(index.ask(QUESTIONS, reader) for _ in range(3))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 24
