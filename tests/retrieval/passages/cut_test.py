"""Passages: exactly what stands in the text, within the budget, nothing left out, some of it twice."""

import itertools
import random

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval.passages.cut import Cut, PassageCutter
from keras_bert.text import BertTokenizer
from tests.tasks import tiny

TOKENIZER = BertTokenizer([*tiny.VOCABULARY, ".", "!", "。", "中", "文"])


def texts_of(text: str, max_tokens: int, overlap: int = 0) -> list[str]:
    return [text[cut.start : cut.end] for cut in PassageCutter(TOKENIZER, max_tokens, overlap).cut([text])[0]]


def check(text: str, cuts: list[Cut], max_tokens: int) -> None:
    """Within the budget, with the tokens of the text itself, every character with a token in one passage or more."""
    covered = np.zeros(len(text), bool)
    for cut in cuts:
        covered[cut.start : cut.end] = True
        assert 1 <= len(cut.ids) <= max_tokens
        assert not text[cut.start].isspace()
        assert not text[cut.end - 1].isspace()
    assert "".join(character for character, there in zip(text, covered, strict=True) if not there).split() == []


@pytest.mark.parametrize("overlap", [0, 3, 7])
@pytest.mark.parametrize("max_tokens", [8, 13, 30])
def test_random_texts_are_whole_and_within_the_budget(max_tokens: int, overlap: int):
    draw = random.Random(max_tokens * 10 + overlap)
    words = [word for word in tiny.VOCABULARY[5:] if "#" not in word] + ["中文", "books", "unknown"]
    signs = [". ", "! ", "。", " ", "\n", "\r\n\r\n", "\n\n", "  "]
    texts = ["".join(draw.choice(words) + draw.choice(signs) for _ in range(draw.randint(0, 90))) for _ in range(40)]
    for text, cuts in zip(texts, PassageCutter(TOKENIZER, max_tokens, overlap).cut(texts), strict=True):
        check(text, cuts, max_tokens)
        alone = TOKENIZER.tokenize([text[cut.start : cut.end] for cut in cuts]).to_list() if cuts else []
        assert [cut.ids.tolist() for cut in cuts] == alone
        for before, after in itertools.pairwise(cuts):
            assert before.start < after.start
            assert before.end < after.end
            repeated = text[after.start : before.end] if after.start < before.end else ""
            assert len(TOKENIZER.tokenize([repeated]).to_list()[0]) <= overlap


def test_sentences_stay_whole_and_the_last_ones_are_repeated():
    text = "The good film. A bad book! The plain food was cold."
    assert texts_of(text, 8) == ["The good film. A bad book!", "The plain food was cold."]
    assert texts_of(text, 10, 4) == ["The good film. A bad book!", "A bad book! The plain food was cold."]
    assert texts_of("好中文。中文中。文", 5) == ["好中文。", "中文中。文"]


def test_lines_of_a_paragraph_are_one_text_and_empty_lines_part():
    assert texts_of("the good\nfilm was bad. Very\ngood", 6) == ["the good\nfilm was bad.", "Very\ngood"]
    assert texts_of("the good film\n\nwas bad", 4) == ["the good film", "was bad"]


def test_a_long_sentence_is_cut_between_lines_or_words():
    assert texts_of("good bad good bad good", 2) == ["good bad", "good bad", "good"]
    assert texts_of("good\nbad\ngood bad\ngood good", 4) == ["good\nbad\ngood bad", "good good"]
    assert texts_of("good\nbad good\nbad good", 4) == ["good\nbad good", "bad good"]
    assert texts_of("good books good books", 3) == ["good books", "good books"]


def test_what_has_no_blanks_is_cut_all_the_same():
    assert texts_of("bookss" + "s" * 6, 3) == ["bookss", "sss", "sss"]
    unknown = "x" * 1000
    assert [len(text) for text in texts_of(f"good {unknown} bad", 2)] == [205, 400, 400, 3]
    assert texts_of("." * 7, 3) == ["...", "...", "."]
    assert texts_of("中" * 5, 2) == ["中中", "中中", "中"]


def test_texts_without_tokens_give_no_passage():
    cutter = PassageCutter(TOKENIZER, 4, 1)
    assert cutter.cut(["", " \n ", "\u200b\n\n\u200b", "book"]) == [[], [], [], cutter.cut(["book"])[0]]
    assert cutter.cut([]) == []


@pytest.mark.parametrize(("max_tokens", "overlap"), [(0, 0), (5, 5), (5, -1)])
def test_impossible_numbers_are_refused(max_tokens: int, overlap: int):
    with pytest.raises(InputError, match=f"max_tokens is {max_tokens} and overlap {overlap}"):
        PassageCutter(TOKENIZER, max_tokens, overlap)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["book " * 2_000_000, "x" * 10_000_000, "Good. " * 1_700_000], ids=["words", "x", "dots"]
)
def test_ten_million_characters_take_seconds(text: str):
    cuts = PassageCutter(TOKENIZER, 200, 40).cut([text])[0]
    assert (cuts[0].start, cuts[-1].end) == (0, len(text.rstrip()))
