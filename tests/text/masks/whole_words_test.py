"""Which tokens begin a word, for both kinds of tokenizer."""

import pytest

from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.masks.whole_words import begins_word
from keras_bert.text.word_piece.tokenizer import BertTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def words_of(tokenizer, texts):
    """Each text cut where words begin."""
    ids, starts, _ = tokenizer.tokenize_with_offsets(texts)
    begins = ids.with_values(begins_word(ids, tokenizer)).to_list()
    found = []
    for text, flags, places in zip(texts, begins, starts.to_list(), strict=True):
        cuts = [place for flag, place in zip(flags, places, strict=True) if flag]
        encoded = text.encode()
        spans = zip(cuts, [*cuts, len(encoded)][1:], strict=True) if cuts else ()
        found.append([encoded[start:end].decode().strip() for start, end in spans])
    return found


def test_pieces_go_on_with_words():
    tokenizer = BertTokenizer([*SPECIAL, *"ab(),", "##b", "##a", *"北京", "##"])
    assert words_of(tokenizer, ["abba (ab),b", "", "b北京a", "x ## ab"]) == [
        ["abba", "(", "ab", ")", ",", "b"],
        [],
        ["b", "北", "京", "a"],
        ["x", "#", "#", "ab"],
    ]


def test_bytes_go_on_with_words():
    """A vocabulary of bytes alone: every character is cut into its bytes."""
    characters = sorted({chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))})
    characters += [chr(256 + number) for number in range(256 - len(characters))]
    tokenizer = BytePairTokenizer([*SPECIAL, *characters], [])
    assert words_of(tokenizer, ["abba (été) b2,c", "年5月の問", "ok"]) == [
        ["abba", "", "(", "été", ")", "", "b2", ",", "c"],
        ["年5", "月", "の", "問"],
        ["ok"],
    ]


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_no_tokens(texts):
    tokenizer = BertTokenizer([*SPECIAL, "a"])
    assert begins_word(tokenizer.tokenize(texts), tokenizer).shape == (0,)
