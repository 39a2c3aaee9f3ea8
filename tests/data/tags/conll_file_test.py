"""CoNLL files: small ones of every kind, and what is wrong with one, by its line."""

import gzip
from pathlib import Path

import pytest

from keras_bert.data.tags.conll_file import Sentence, read_conll
from keras_bert.errors import InputError


def read(tmp_path: Path, text: str, **columns: int) -> tuple[list[Sentence], bool]:
    path = tmp_path / "file.conll"
    path.write_bytes(text.encode())
    return read_conll(path, **columns)


@pytest.mark.parametrize("divider", ["\t", " ", "   "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_words_tags_and_lines(divider: str, line_end: str, tmp_path: Path):
    lines = ["Ada NN B-PER", "writes VB O", "", "", "London NN B-LOC"]
    text = line_end.join(line.replace(" ", divider) for line in lines)
    sentences, says_documents = read(tmp_path, text)
    assert sentences == [
        Sentence(["Ada", "writes"], ["B-PER", "O"], [1, 2], 0),
        Sentence(["London"], ["B-LOC"], [5], 1),
    ]
    assert not says_documents
    assert read(tmp_path, text, word_column=1, tag_column=0)[0][0][:2] == (["NN", "VB"], ["Ada", "writes"])


def test_documents(tmp_path: Path):
    text = "-DOCSTART- -X- O\n\na x O\n\nb x O\n-DOCSTART- -X- O\nc x O\n"
    sentences, says_documents = read(tmp_path, text)
    assert says_documents
    assert [(item.words, item.document) for item in sentences] == [(["a"], 1), (["b"], 1), (["c"], 2)]


def test_comments_and_words_that_look_like_some(tmp_path: Path):
    text = "# a comment of its own\n#Madrid\tB-LOC\n#\tO\n\n# text = a b\n# one\nb\tO\n#tag\tO\n"
    sentences, _ = read(tmp_path, text)
    assert [item.words for item in sentences] == [["#Madrid", "#"], ["b", "#tag"]]


def test_universal_dependencies(tmp_path: Path):
    rest = "\t_" * 6
    text = f"# newdoc id = 1\n# text = del\n1-2\tdel\t_\t_{rest}\n1\tde\tde\tADP{rest}\n2\tel\tel\tDET{rest}\n"
    sentences, says_documents = read(tmp_path, text, word_column=1, tag_column=3)
    assert sentences[0][:2] == (["de", "el"], ["ADP", "DET"])
    assert says_documents


def test_a_gzip_file_with_a_byte_order_mark(tmp_path: Path):
    path = tmp_path / "file.txt.gz"
    path.write_bytes(gzip.compress("\ufeff中\tB-LOC\n".encode()))
    assert read_conll(path)[0][0].words == ["中"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a x O\n\nb O\n", "line 3: 2 columns, expected 3 as in line 1"),
        ("a\tO\n#Madrid\n", "line 2: 1 column, expected 2"),
        ("a\tO\n\n#Madrid\n", "line 3: 1 column, expected 2"),
        ("a\tO\n\tO\n", "line 2: an empty word"),
        ("a\tO\nb\t\n", "line 2: an empty tag"),
        ("", "the file is empty"),
        ("\n \n", "there is no word in it"),
        ("-DOCSTART-\tO\n\n", "there is no word in it"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_column_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError, match=r"line 1: no column 3 \(from 0\); the line has 2"):
        read(tmp_path, "a\tO\n", tag_column=3)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("a\nb\n", {}, r"line 1: column 0 \(from 0\) is that of the words and of the tags; the line has 1"),
        (
            "a O\n",
            {"word_column": 1},
            "line 1: column 1 .* that of the words and of the tags; the line has 2",
        ),
    ],
)
def test_words_are_no_tags(text: str, columns: dict[str, int], message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text, **columns)
