"""Tokens of a text: the model's own ids, and the words that they are of."""

import numpy as np

from keras_bert.text.markers import MARKERS, tokenize_with_markers
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from keras_bert.trust.explain.field_tokens import field_tokens
from tests.tasks import tiny
from tests.text.byte_level import byte_level

TOKENIZER = BertTokenizer([*tiny.VOCABULARY, *MARKERS, "!"])


def words_of(text: str, **options) -> list[str]:
    tokens = field_tokens(TOKENIZER, text.encode(), **options)
    return [text.encode()[start:end].decode() for start, end in tokens.places]


def test_words_are_parts_of_the_text():
    text = "Good  books, nÖt\tbad!"
    tokens = field_tokens(TOKENIZER, text.encode())
    assert words_of(text) == ["Good", "books", ",", "nÖt", "bad", "!"]
    assert tokens.ids.tolist() == TOKENIZER([text]).to_list()[0]
    assert tokens.word.tolist() == [0, 1, 1, 2, 3, 4, 5]


def test_an_empty_text():
    tokens = field_tokens(TOKENIZER, b"")
    assert (len(tokens.ids), tokens.places.shape, tokens.words("text")) == (0, (0, 2), [])


def test_markers_are_tokens_and_no_words():
    text = "good <e1>books</e1> and <e2>film</e2>!"
    tokens = field_tokens(TOKENIZER, text.encode(), MARKERS)
    assert words_of(text, markers=MARKERS) == ["good", "books", "and", "film", "!"]
    assert tokens.ids.tolist() == tokenize_with_markers(TOKENIZER, [text]).to_list()[0]
    is_marker = np.isin(tokens.ids, [TOKENIZER.token_to_id(marker) for marker in MARKERS])
    assert (tokens.word[is_marker] == -1).all()
    for start, end, token in zip(tokens.starts, tokens.ends, tokens.ids, strict=True):
        assert text[start:end].removesuffix("s") in TOKENIZER.id_to_token(int(token)) or text[start:end] == "s"


def test_a_prompt_has_tokens_and_no_words():
    tokens = field_tokens(TOKENIZER, b"bad film", before=b"the book was ")
    assert tokens.ids.tolist() == TOKENIZER(["the book was bad film"]).to_list()[0]
    assert tokens.word.tolist() == [-1, -1, -1, 0, 1]
    assert tokens.places.tolist() == [[0, 3], [4, 8]]


def test_words_of_a_byte_level_vocabulary():
    """A token begins with the blank before its word, and may be a part of a character."""
    tokenizer = byte_level("good", "film", "Vienna")
    text = "good films in “Vienna”, 北京 e\u0301"
    tokens = field_tokens(tokenizer, text.encode())
    words = [text.encode()[start:end].decode() for start, end in tokens.places]
    assert words == ["good", "films", "in", "“", "Vienna", "”", ",", "北", "京", "e\u0301"]
    assert tokens.ids.tolist() == tokenizer([text]).to_list()[0]
    assert set(tokens.word) - {-1} == set(range(len(words)))
