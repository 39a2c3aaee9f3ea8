"""Pictures of words and of attention: written whole, whatever the words are."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.page import draw_attention, draw_explained, draw_words
from tests.trust.page.explained import attention, explanation

PNG = b"\x89PNG\r\n\x1a\n"


def test_bars_of_words(tmp_path: Path):
    texts = ["a gripping $film$ <b> 好", "word " * 100]
    draw_words(tmp_path / "words.png", [explanation(text, label="a $label$") for text in texts])
    assert (tmp_path / "words.png").read_bytes().startswith(PNG)


def test_maps_of_attention(tmp_path: Path):
    one = attention(["[CLS]", "good", "$fi$lm", "[SEP]"], [1, 2], [1, 2, 3, 4, 5])
    draw_attention(tmp_path / "maps.png", one)
    assert (tmp_path / "maps.png").read_bytes().startswith(PNG)


def test_what_a_picture_holds_of_many(tmp_path: Path):
    draw_explained(tmp_path / "words.png", [explanation("", words=[]), *[explanation("good film")] * 20])
    maps = attention(["[CLS]", "good", "[SEP]"], [1], [1])
    draw_explained(tmp_path / "maps.png", [maps] * 20)
    assert all((tmp_path / name).read_bytes().startswith(PNG) for name in ("words.png", "maps.png"))
    with pytest.raises(InputError, match="0 explained texts with words"):
        draw_explained(tmp_path / "none.png", [explanation("", words=[])])


def test_bad_input(tmp_path: Path):
    with pytest.raises(InputError, match="9 explained texts with words; a picture has 1 to 8"):
        draw_words(tmp_path / "a.png", [explanation("good film")] * 9)
    with pytest.raises(InputError, match="0 explained texts with words"):
        draw_words(tmp_path / "a.png", [explanation("good", words=[])])
    with pytest.raises(InputError, match="the explanation has 0 attention maps, none of number 0"):
        draw_attention(tmp_path / "a.png", explanation("good"))
    assert not list(tmp_path.iterdir())
