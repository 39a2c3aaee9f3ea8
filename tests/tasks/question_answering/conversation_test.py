"""Earlier turns before a question, for `answer` and for the graph that is served."""

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from tests.tasks.tiny_questions import QUESTIONS, answerer


def test_earlier_turns_are_read_as_lines_before_the_question():
    model = answerer()
    question, context, _ = QUESTIONS[0]
    turns = ["who was king of oslo", {"question": "when was carl born", "answer": "1066"}]
    joined = f"who was king of oslo\nwhen was carl born\n1066\n{question}"
    asked = {"question": question, "context": context, "history": turns}
    answers = model.answer([asked, (joined, context), (question, context), {**asked, "history": []}], n_best=3)
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]
    assert answers[0] != answers[2]
    served = model.answer_strings(tf.constant([joined]), tf.constant([context]))
    assert served["score"].numpy()[0] == pytest.approx(answers[0]["score"], abs=1e-6)
    with pytest.raises(InputError, match="text 0: field 'history': expected a list"):
        model.answer([{**asked, "history": "who"}])
    with pytest.raises(InputError, match="text 0: history goes with a question that is a string, not bytes"):
        model.answer([{**asked, "question": question.encode()}])
