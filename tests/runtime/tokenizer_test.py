"""The ids of `keras_bert.runtime` are those of the graph: every character, and every setting of a tokenizer."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.checkpoints.tokenizer_files import write_tokenizer_files
from keras_bert.checkpoints.tokenizer_json import write_tokenizer_json
from keras_bert.runtime.tokenizer import TextTokenizer
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.token_layer import TokenLayer
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.runtime.awkward import AWKWARD
from tests.tasks import tiny


def runtime_tokenizer(tokenizer: TokenLayer, folder: Path) -> TextTokenizer:
    """What an export gives the runtime of a tokenizer."""
    merges = tokenizer.get_merges()
    write_tokenizer_files(folder, tokenizer.get_vocabulary(), tokenizer.settings, merges)
    if merges is None:
        write_tokenizer_json(folder, tokenizer.get_vocabulary(), tokenizer.settings)
    names = {"pad": "pad", "unknown": "unk", "cls": "cls", "sep": "sep"}
    ids = {name: getattr(tokenizer, f"{own}_token_id") for name, own in names.items()}
    kind = "word_piece" if merges is None else "byte_level"
    in_text = tokenizer.special_tokens_in_text
    return TextTokenizer(folder / "tokenizer.json", {"kind": kind, "special_tokens_in_text": in_text, **ids})


def check_same(tokenizer: TokenLayer, folder: Path, texts: list[Any]) -> None:
    ours = runtime_tokenizer(tokenizer, folder)
    given = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts]
    expected = tokenizer.tokenize(given).to_list()
    for text, ids in zip(texts, expected, strict=True):
        assert ours.ids(text).tolist() == ids, text


@pytest.mark.slow
@pytest.mark.parametrize("strip_accents", [False, True])
@pytest.mark.parametrize("lowercase", [False, True])
def test_every_character_in_a_word_has_the_ids_of_the_graph(lowercase: bool, strip_accents: bool, tmp_path: Path):
    codes = [code for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    # Without Tangut, so that a letter is left to stand for what is no character.
    known = [chr(code) for code in codes if not 0x17000 <= code < 0x187F8]
    characters = [character for character in known if not character.isspace() and character.isprintable()]
    tokenizer = BertTokenizer([*tiny.SPECIAL, *characters, *(f"##{c}" for c in characters)], lowercase, strip_accents)
    ours = runtime_tokenizer(tokenizer, tmp_path)
    texts = [f"a{chr(code)}b" for code in codes]
    expected = tokenizer.tokenize(texts).to_list()
    different = [
        f"U+{code:04X}"
        for code, text, ids in zip(codes, texts, expected, strict=True)
        if ours.ids(text).tolist() != ids
    ]
    assert different == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lowercase": False},
        {"lowercase": False, "strip_accents": True},
        {"special_tokens_in_text": True},
        {"added_tokens": ["film", {"content": "very", "single_word": True}, {"content": "Bad", "lstrip": True}]},
    ],
)
def test_every_setting_of_word_pieces(options: dict[str, Any], tmp_path: Path):
    tokenizer = BertTokenizer([*tiny.VOCABULARY, "Bad"], **options)
    texts = [*tiny.TEXTS, *AWKWARD, "everyfilm very Bad badfilm", "[SEP]good[MASK]"]
    check_same(tokenizer, tmp_path, texts)


def test_byte_level_vocabularies(tmp_path: Path):
    tokenizer = BytePairTokenizer([*tiny.SPECIAL, *byte_characters(), "oo", "goo", "good"], ["o o", "g oo", "goo d"])
    texts = [text for text in AWKWARD if isinstance(text, str) and "\ud83d" not in text and "\udc80" not in text]
    check_same(tokenizer, tmp_path, [text for text in texts if text.isprintable()])


def test_places_are_those_of_the_graph(tmp_path: Path):
    tokenizer = BertTokenizer(tiny.VOCABULARY)
    ours = runtime_tokenizer(tokenizer, tmp_path)
    for text in AWKWARD:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        ids, starts, ends = (tensor.numpy().tolist() for tensor in tokenizer.tokenize_with_offsets(data))
        read = ours.text(data)
        tokens = ours.tokens(read.characters, places=True)
        assert tokens.ids.tolist() == ids, text
        assert [read.place(int(place)) for place in tokens.starts] == starts, text
        assert [read.place(int(place)) for place in tokens.ends] == ends, text


def test_a_letter_of_the_vocabulary_never_stands_for_what_is_no_character(tmp_path: Path):
    tokenizer = BertTokenizer([*tiny.VOCABULARY, "\U00012000"])
    ours = runtime_tokenizer(tokenizer, tmp_path)
    assert ours.odd == "\U00012001"
    assert ours.ids(b"\xff").tolist() == [tokenizer.unk_token_id]
    fields = json.loads((tmp_path / "tokenizer.json").read_text())
    assert fields["model"]["max_input_chars_per_word"] == 100, "the file stays as Hugging Face has it"
    assert np.array_equal(ours.ids("\U00012000"), [len(tiny.VOCABULARY)])
