"""What is predicted from where."""

from keras_bert.tasks.generation.rows import source_rows, teacher_rows
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny

CLS, SEP = 2, 3


def ids(text: str) -> list[int]:
    return [tiny.VOCABULARY.index(word) for word in text.split()]


def test_the_target_is_predicted_token_by_token_and_then_its_end():
    tokenizer = BertTokenizer(tiny.VOCABULARY)
    inputs, targets, weights = teacher_rows(tokenizer, ["good film", "book"], ["bad food", ""], 10, 5)
    assert inputs["token_ids"].to_list() == [[CLS, *ids("good film"), SEP, *ids("bad food")], [CLS, *ids("book"), SEP]]
    assert inputs["segment_ids"].to_list() == [[0, 0, 0, 0, 1, 1], [0, 0, 0]]
    assert inputs["target_positions"].to_list() == [[3, 4, 5], [2]]
    assert targets.to_list() == [[*ids("bad food"), SEP], [SEP]]
    assert weights.to_list() == [[1, 1, 1], [1]]


def test_a_target_that_is_cut_has_no_end():
    tokenizer = BertTokenizer(tiny.VOCABULARY)
    inputs, targets, _ = teacher_rows(tokenizer, ["book"] * 2, ["a bad cold book", "a bad book"], 10, 4)
    assert targets.to_list() == [ids("a bad cold"), [*ids("a bad book"), SEP]]
    assert inputs["token_ids"].to_list()[0] == [CLS, *ids("book"), SEP, *ids("a bad cold")]
    assert inputs["target_positions"].to_list() == [[2, 3, 4], [2, 3, 4, 5]]


def test_sources_are_cut():
    assert source_rows(BertTokenizer(tiny.VOCABULARY), ["a bad cold book", ""], 4).to_list() == [
        [CLS, *ids("a bad"), SEP],
        [CLS, SEP],
    ]
