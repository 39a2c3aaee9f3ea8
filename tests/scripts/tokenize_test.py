"""`keras-bert tokenize`: pieces, ids and places in characters."""

from pathlib import Path

import pytest

from keras_bert.text.byte_pair.byte_pair_files import save_byte_pairs
from keras_bert.text.byte_pair.byte_words import byte_characters
from tests.scripts.programs import SPECIAL, VOCABULARY, run_program


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(VOCABULARY), encoding="utf-8")
    return path


def test_offsets_are_characters_of_the_text(vocabulary: Path):
    text = "  Thé FILMS😀 — 中film , [SEP]"
    (row,) = run_program("tokenize", f"--vocabulary={vocabulary}", stdin=text + "\n").json_lines
    assert row["text"] == text
    assert row["ids"] == [VOCABULARY.index(token) for token in row["tokens"]]
    plain = [
        (token.removeprefix("##"), text[start:end])
        for token, (start, end) in zip(row["tokens"], row["offsets"], strict=True)
        if token not in SPECIAL
    ]
    assert plain == [("the", "Thé"), ("中", "中"), ("film", "film"), (",", ",")]


def test_case_and_special_tokens_follow_the_flags(vocabulary: Path):
    def tokens(text: str, *flags: str) -> list[str]:
        (row,) = run_program("tokenize", f"--vocabulary={vocabulary}", *flags, stdin=text).json_lines
        return row["tokens"]

    assert tokens("FILM film") == ["film", "film"]
    assert tokens("FILM film", "--nolowercase") == ["[UNK]", "film"]
    assert tokens("film [MASK]", "--special_tokens_in_text") == ["film", "[MASK]"]
    assert tokens("film [MASK]").count("[MASK]") == 0


def test_a_preset_brings_its_tokenizer(encoder: Path, tmp_path: Path):
    (tmp_path / "lines.txt").write_text("A film.\n\nTHE books\n")
    done = run_program("tokenize", f"--preset={encoder}", f"--input={tmp_path}/lines.txt")
    assert [row["tokens"] for row in done.json_lines] == [["a", "film", "."], [], ["the", "book", "##s"]]
    (row,) = run_program("tokenize", f"--preset={encoder}", "--nolowercase", stdin="A film").json_lines
    assert row["tokens"] == ["[UNK]", "film"]


def test_a_folder_of_byte_pairs(tmp_path: Path):
    save_byte_pairs([*SPECIAL, *byte_characters(), "he", "Ġhe"], ["h e", "Ġ he"], tmp_path)
    done = run_program("tokenize", f"--vocabulary={tmp_path}", "--special_tokens_in_text", stdin="he é he[SEP]")
    (row,) = done.json_lines
    assert row["tokens"] == ["he", "Ġ", "Ã", "©", "Ġhe", "[SEP]"]
    assert row["offsets"] == [[0, 2], [2, 3], [3, 4], [3, 4], [4, 7], [7, 12]]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--preset=runs/none"], "runs/none: no such folder or preset"),
        (["--vocabulary=none.txt"], "none.txt: cannot read the vocabulary"),
        (["--input=none.txt"], "none.txt: no such file"),
    ],
)
def test_bad_input(encoder: Path, flags: list[str], words: str):
    assert words in run_program("tokenize", f"--preset={encoder}", *flags).error


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["film", "book"], "no [PAD], [UNK], [CLS], [SEP], [MASK] among its 2 entries"),
        ([*SPECIAL, "film", "book", "film"], "line 8: 'film' is already on line 6; entries occur once"),
        ([*SPECIAL, "", "film"], "line 6: the entry is empty"),
    ],
)
def test_bad_vocabularies(tmp_path: Path, entries: list[str], words: str):
    (tmp_path / "vocab.txt").write_text("\n".join(entries) + "\n")
    error = run_program("tokenize", f"--vocabulary={tmp_path}/vocab.txt").error
    assert error.startswith(f"{tmp_path}/vocab.txt")
    assert words in error


def test_text_that_is_no_utf8(encoder: Path):
    error = run_program("tokenize", f"--preset={encoder}", stdin=b"film\n\xff\n").error
    assert error == "standard input, line 2: not UTF-8 (byte 1 of the line)"
