"""Vocabulary files: what is read, what is refused, in one line that says where."""

import pytest

from keras_bert.errors import InputError
from keras_bert.text.vocabulary import check_vocabulary, load_vocabulary, save_vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_there_and_back(tmp_path):
    entries = [*SPECIAL, "word", "##piece", "\u2028", "\u0085", " "]
    save_vocabulary(entries, tmp_path / "vocab.txt")
    assert load_vocabulary(tmp_path / "vocab.txt") == entries


def test_windows_line_ends(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\r\n".join([*SPECIAL, "word", ""]).encode())
    assert load_vocabulary(tmp_path / "vocab.txt") == [*SPECIAL, "word"]


def test_published_vocabularies_have_their_sizes(shared_data):
    sizes = {"uncased": 30522, "cased": 28996, "chinese": 21128, "multilingual-cased": 119547}  # the data's README
    for name, size in sizes.items():
        assert len(load_vocabulary(shared_data / "vocab" / f"bert-base-{name}.txt")) == size


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no \\[PAD\\]"),
        (b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n", "no \\[MASK\\] among its 4 entries"),
        ("\n".join([*SPECIAL, "a", "b", "a"]).encode(), "line 8: 'a' is already on line 6"),
        ("\n".join([*SPECIAL, "", "b"]).encode(), "line 6: the entry is empty"),
        (b"[PAD]\n\xff\xfe\n", "line 2: not UTF-8"),
        ("\n".join([*SPECIAL, "x" * 300]).encode(), "line 6: the entry has 300 bytes"),
    ],
)
def test_refused_with_the_line(tmp_path, data, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as error:
        load_vocabulary(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read the vocabulary"):
        load_vocabulary(tmp_path / "vocab.txt")


def test_entries_must_be_strings_that_a_file_can_hold(tmp_path):
    with pytest.raises(InputError, match="no string"):
        check_vocabulary([*SPECIAL, 7])
    with pytest.raises(InputError, match="line feed"):
        save_vocabulary([*SPECIAL, "a\nb"], tmp_path / "vocab.txt")
    assert not (tmp_path / "vocab.txt").exists()
