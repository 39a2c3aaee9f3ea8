"""Texts as one writes them, out of pieces."""

import pytest
import tensorflow as tf

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.detokenize import detokenize
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.text import byte_pair_peer

TEXTS = [
    'he said "yes" and "no", then left.',
    "it's a well-known fact (1990-1995).",
    "is it 50% or $20?",
    "rock'n'roll; see: and/or!",
    "我爱北京，你呢？",
    "《红楼梦》很好。",
    "",
    "a",
]
WORDS = ["he", "said", "yes", "and", "no", "then", "left", "it", "s", "a", "well", "known", "fact", "1990", "1995",
         "is", "50", "or", "20", "rock", "n", "roll", "see"]  # fmt: skip
SIGNS = list("\",.'-()%$?;:/!，？《》。我爱北京你呢红楼梦很好")
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *SIGNS, "##s", "##ing"]


@pytest.mark.parametrize("text", TEXTS)
def test_common_texts_come_back(text: str):
    tokenizer = BertTokenizer(VOCABULARY)
    assert detokenize(tokenizer, tokenizer([text, "no"])).numpy()[0].decode() == text


def test_quotes_are_counted_in_each_text_by_itself():
    tokenizer = BertTokenizer(VOCABULARY)
    assert detokenize(tokenizer, tokenizer(['" yes', '"no" "'])).numpy().tolist() == [b'"yes', b'"no" "']


def test_pieces_join_and_special_tokens_are_left_out():
    tokenizer = BertTokenizer(VOCABULARY)
    ids = [[tokenizer.token_to_id(piece) for piece in ("[CLS]", "left", "##s", "[SEP]", "see", "##ing", "[PAD]")]]
    assert detokenize(tokenizer, tf.ragged.constant(ids, tf.int32)).numpy().tolist() == [b"lefts seeing"]


def test_bytes_come_back_as_they_were():
    tokenizer = BytePairTokenizer(*byte_pair_peer.learned())
    text = "  two  blanks\n héllo 北京 "
    assert detokenize(tokenizer, tokenizer([text])).numpy()[0].decode() == text
