"""One span of an answerer: its two logits, in the window that it is answered in."""

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertQuestionAnswerer
from tests.tasks.tiny_questions import QUESTIONS, answerer
from tests.trust.explain.explain_test import check


@pytest.fixture(scope="module")
def model() -> BertQuestionAnswerer:
    return answerer(max_length=48, config={"max_position_embeddings": 64})


def logits_of(model: BertQuestionAnswerer, question: str, context: str) -> np.ndarray:
    return model(model.preprocessor([question], [context])).numpy()[0]


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "rollout"])
def test_the_answer_of_the_model(model: BertQuestionAnswerer, method: str):
    rows = [(question, context) for question, context, _ in QUESTIONS[:3]]
    for (question, context), found in zip(rows, model.explain(rows, method), strict=True):
        check(found)
        answer = model.answer([(question, context)])[0]
        assert found["answer"] == pytest.approx(answer)
        assert found["label"] == answer["answer"]
        assert found["cut"] == []
        assert {word["field"] for word in found["words"]} == {"question", "context"}
        if method != "rollout":
            # The score of the answer, without what the softmax takes off.
            logits = logits_of(model, question, context)
            off = np.log(np.exp(logits.astype("float64")).sum(-1)).sum()
            assert found["score"] == pytest.approx(np.log(answer["score"]) + off, abs=1e-4)


def test_no_answer_stands_at_the_first_token(model: BertQuestionAnswerer):
    question, context, _ = QUESTIONS[-1]
    (found,) = model.explain([(question, context)], target="")
    check(found)
    assert (found["label"], found["answer"]["answer"]) == ("", "")
    assert found["score"] == pytest.approx(logits_of(model, question, context)[:, 0].sum(), abs=1e-4)


def test_a_span_of_the_callers(model: BertQuestionAnswerer):
    question, context, answer = QUESTIONS[4]
    start = context.index(answer)
    (found,) = model.explain([(question, context)], target={"start": start, "end": start + len(answer)})
    check(found)
    assert found["label"] == "old vienna"


def test_a_long_text_is_explained_in_one_window():
    model = answerer(max_length=24, doc_stride=6)
    question, (context, answer) = "who lived in oslo", (" ".join(["anna lived in graz."] * 9), "graz")
    start = context.index(answer, 80)
    target = {"start": start, "end": start + 4}
    (found,) = model.explain([(question, context)], target=target)
    check(found)
    assert [(part["field"], part["reason"]) for part in found["cut"]] == [("context", "window")] * 2
    assert found["cut"][0]["end"] <= start < found["cut"][1]["start"]
    changed = "bela" + context[4:]
    (other,) = model.explain([(question, changed)], target=target)
    assert other["score"] == pytest.approx(found["score"], abs=1e-6)
    (none,) = model.explain([(question, context)], target="")
    check(none)
    with pytest.raises(InputError, match=r"target: no window holds all of bytes 0 to \d+ of the context"):
        model.explain([(question, context)], target={"start": 0, "end": len(context)})


def test_a_long_question_is_cut():
    model = answerer(max_length=24, max_question_length=4)
    (found,) = model.explain([("who was king of old oslo", "anna lived in graz.")])
    check(found)
    assert found["cut"] == [{"field": "question", "start": 16, "end": 24, "reason": "max_length"}]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("graz", "target='graz': of an answerer a span is explained, a dict of start and end, or '' for no answer"),
        ({"start": 4, "end": 5}, "target: no word stands from byte 4 to 5 of the context"),
    ],
)
def test_bad_targets(model: BertQuestionAnswerer, target, message: str):
    with pytest.raises(InputError, match=message):
        model.explain([("who", "anna lived in graz.")], target=target)
