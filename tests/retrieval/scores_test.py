"""Scores of search by brute force, and of answers by the reader itself."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.squad import f1
from keras_bert.retrieval import Index
from keras_bert.retrieval.scores import answer_scores, search_scores
from tests.retrieval.asked import index_of
from tests.tasks import tiny_questions

pytest.importorskip("bm25s", reason="needs the search extra")
pytest.importorskip("ir_measures", reason="needs the search extra")

CONTEXTS = [
    "anna lived in graz. anna was old.",
    "bela lived in linz. linz is old.",
    "carl was born in 1066.",
    "the king lived in rome. the king is new. the city of rome is old.",
    "dora lived in oslo.",
]
ASKED = [
    ("where lived anna", 0),
    ("who lived in linz", 1),
    ("when was carl born", 2),
    ("old city of rome", 3),
    ("who", 4),
]


@pytest.fixture(scope="module")
def reader():
    return tiny_questions.answerer()


@pytest.fixture(scope="module")
def index(reader, tmp_path_factory) -> Index:
    texts = {f"{number}.txt": text for number, text in enumerate(CONTEXTS)}
    return index_of(texts, reader, tmp_path_factory.mktemp("asked"), max_tokens=6)


def test_by_brute_force(index: Index):
    questions, texts = [question for question, _ in ASKED], [CONTEXTS[number] + "\n" for _, number in ASKED]
    texts[4] = "no such text"
    scores = search_scores(index, questions, texts)
    recalls, successes, reciprocal, gains = [], [], [], []
    for question, text in zip(questions, texts, strict=True):
        wanted = {n for n, passage in enumerate(index.passages) if passage.text in text}
        order = [found.number for found in index.search(question, k=100)]
        hits = [number in wanted for number in order]
        recalls.append(sum(hits[:1]) / max(1, len(wanted)))
        successes.append(float(any(hits[:5])))
        reciprocal.append(1 / (hits.index(True) + 1) if any(hits) else 0.0)
        gain = sum(hit / np.log2(place + 2) for place, hit in enumerate(hits[:10]))
        gains.append(gain / max(1e-9, sum(1 / np.log2(place + 2) for place in range(min(10, len(wanted))))))
    assert scores["recall_at_1"] == pytest.approx(np.mean(recalls))
    assert scores["success_at_5"] == pytest.approx(np.mean(successes))
    assert scores["mrr"] == pytest.approx(np.mean(reciprocal))
    assert scores["ndcg_at_10"] == pytest.approx(np.mean(gains), abs=1e-6)
    assert scores["missing"] == 0.2
    assert 0 < scores["recall_at_1"] < 1


def test_answers_beside_those_with_the_text_given(index: Index, reader):
    rows = [{"question": q, "context": CONTEXTS[n], "answers": [CONTEXTS[n].split()[0]]} for q, n in ASKED[:3]]
    scores = answer_scores(index, reader, rows)
    own = [index.ask(row["question"], reader, top_k=1) for row in rows]
    expected = [f1(answers[0]["answer"], row["answers"]) for answers, row in zip(own, rows, strict=True)]
    given = [f1(reader.answer([row])[0]["answer"], row["answers"]) for row in rows]
    assert scores["f1"] == pytest.approx(np.mean(expected))
    assert scores["given_f1"] == pytest.approx(np.mean(given))


def test_questions_and_texts_must_be_as_many(index: Index):
    for questions, texts in (([], []), (["a"], [])):
        with pytest.raises(InputError, match="expected as many, at least 1"):
            search_scores(index, questions, texts)
