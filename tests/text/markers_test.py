"""Markers in a text: their ids where they are written, and all other text as it is without them."""

import keras
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.markers import MARKERS, has_tokens, tokenize_with_markers
from keras_bert.text.preprocessor import BertPreprocessor
from keras_bert.text.word_piece.tokenizer import BertTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "bre", "##ad", "butter", "<", ">", "/", "e1", "e", "##e"]
TOKENIZER = BertTokenizer([*WORDS, *MARKERS])


def tokens(text: str | bytes, markers: tuple[str, ...] = MARKERS) -> list[str]:
    ids = tokenize_with_markers(TOKENIZER, tf.constant([text]), markers)[0]
    return [TOKENIZER.id_to_token(int(token_id)) for token_id in ids]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the <e1>bread</e1>, <e2> butter </e2>", "the <e1> bre ##ad </e1> [UNK] <e2> butter </e2>"),
        ("<e1>bread</e1><e2>butter</e2>", "<e1> bre ##ad </e1> <e2> butter </e2>"),
        ("bre<e1>ad", "bre <e1> [UNK]"),
        ("<e1><e1>", "<e1> <e1>"),
        ("<E1> < e1> <e1", "< e1 > < e1 > < e1"),
        ("the\x1fbutter\x1f<e1>", "[UNK] <e1>"),
        ("", ""),
        ("bread", "bre ##ad"),
        (b"\xff <e2>butter", "[UNK] <e2> butter"),
    ],
)
def test_markers_become_their_ids(text: str | bytes, expected: str):
    assert " ".join(tokens(text)) == expected


def test_without_markers_the_ids_are_the_tokenizers():
    texts = ["the bread", "", "bread and <b>butter</b> \x1f", "e" * 500]
    assert tokenize_with_markers(TOKENIZER, tf.constant(texts)).to_list() == TOKENIZER(texts).to_list()
    assert tokens("<e1>bread", markers=("</e2>",)) == ["<", "e1", ">", "bre", "##ad"]


def test_rows_stay_apart():
    texts = ["<e1>the", "", "butter</e1>", "the"]
    rows = tokenize_with_markers(TOKENIZER, tf.constant(texts)).to_list()
    assert rows == [tokenize_with_markers(TOKENIZER, tf.constant([text]))[0].numpy().tolist() for text in texts]
    assert tokenize_with_markers(TOKENIZER, tf.constant([], tf.string)).to_list() == []


def test_byte_pair_tokenizers_have_markers_too():
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *byte_characters(), *MARKERS]
    tokenizer = BytePairTokenizer(entries, [])
    ids = tokenize_with_markers(tokenizer, tf.constant(["<e1>bread</e1>"])).to_list()[0]
    assert [tokenizer.id_to_token(token_id) for token_id in ids] == ["<e1>", *"bread", "</e1>"]


def test_has_tokens_wants_all_of_them():
    rows = tf.ragged.constant([[1, 2, 3], [2], [], [3, 1]], tf.int32)
    assert has_tokens(rows, [1, 3]).numpy().tolist() == [True, False, False, True]


def test_the_preprocessor_packs_and_keeps_them():
    preprocessor = BertPreprocessor(TOKENIZER, max_length=6, markers=MARKERS)
    ids = preprocessor(["<e1>bread</e1> the <e2>butter</e2>"])["token_ids"].numpy()[0].tolist()
    assert [TOKENIZER.id_to_token(token_id) for token_id in ids] == ["[CLS]", "<e1>", "bre", "##ad", "</e1>", "[SEP]"]
    pair = preprocessor.pack(["<e1>"], ["<e2>"])["token_ids"].to_list()[0]
    assert [TOKENIZER.id_to_token(token_id) for token_id in pair] == ["[CLS]", "<e1>", "[SEP]", "<e2>", "[SEP]"]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(preprocessor))
    assert again.markers == MARKERS
    assert preprocessor.settings == {"max_length": 6, "truncation": "longest_first", "markers": list(MARKERS)}
    assert "markers" not in BertPreprocessor(TOKENIZER).settings


def test_a_marker_that_is_no_entry_is_refused():
    with pytest.raises(InputError, match="'<e1>' is no entry of the vocabulary"):
        BertPreprocessor(BertTokenizer(WORDS), markers=MARKERS)
