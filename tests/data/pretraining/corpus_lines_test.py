"""Lines of a corpus: which there are, what is refused, what is counted."""

import gzip

import pytest

from keras_bert.data.pretraining.corpus_lines import LONGEST_LINE, CorpusLines, in_batches
from keras_bert.errors import InputError


def test_lines_of_files_and_globs(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"\xef\xbb\xbfone\r\n\n  two \nthree")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"zero\n"))
    lines = CorpusLines([f"{tmp_path}/*"])
    for _ in range(2):
        assert list(lines) == [b"zero", b"one", b"two", b"three"]
        assert (lines.lines, lines.size, lines.invalid_lines) == (4, 15, 0)
    assert list(CorpusLines([f"{tmp_path}/b.txt", f"{tmp_path}/b.txt"])) == [b"one", b"two", b"three"] * 2


def test_lines_that_are_not_utf_8(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"good\nb\xff d\ngood\ngood\n")
    lines = CorpusLines([f"{tmp_path}/a.txt"])
    assert list(lines) == [b"good", "b\ufffd d".encode(), b"good", b"good"]
    assert lines.invalid_lines == 1
    with pytest.raises(InputError, match="line at byte 5 is not UTF-8"):
        list(CorpusLines([f"{tmp_path}/a.txt"], strict=True))
    (tmp_path / "a.txt").write_bytes("é\nü\nab\n".encode("latin-1"))
    with pytest.raises(InputError, match="2 of 3 lines are not UTF-8"):
        list(CorpusLines([f"{tmp_path}/a.txt"]))


def test_long_lines_are_cut_between_words(tmp_path):
    words = [f"word{number}" for number in range(3000)]
    (tmp_path / "a.txt").write_text(" ".join(words))
    found = list(CorpusLines([str(tmp_path / "a.txt")]))
    assert max(map(len, found)) <= LONGEST_LINE
    assert b" ".join(found).decode().split() == words


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "there is no text"), (b" \n\n\t\n", "there is no text"), (b"a\0b", "NUL bytes"), (None, "no such file")],
)
def test_no_text(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(CorpusLines([str(tmp_path / "a.txt")]))


def test_a_damaged_gzip_file_and_a_folder(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text " * 1000)[:-9])
    with pytest.raises(InputError, match="damaged or truncated gzip"):
        list(CorpusLines([str(tmp_path / "a.gz")]))
    with pytest.raises(InputError, match="is a folder"):
        list(CorpusLines([str(tmp_path)]))


def test_batches_hold_every_line_once():
    lines = [b"x" * (number % 300) for number in range(5000)]
    batches = list(in_batches(iter(lines)))
    assert [line for batch in batches for line in batch] == lines
    assert max(map(len, batches)) <= 2048
    assert max(sum(map(len, batch)) for batch in batches) < (1 << 17) + 300
    assert list(in_batches(iter([]))) == []


def test_lines_of_a_tfds_data_set(tmp_path):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    texts = ["one\n\ntwo", "中文", ""]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="mine",
        version="1.0.0",
        data_dir=str(tmp_path),
        features=tfds.features.FeaturesDict({"body": tfds.features.Text()}),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices({"body": texts})},
    )
    for name in ("tfds:mine", "tfds:mine:train", "tfds:mine:1.0.0:train"):
        lines = CorpusLines([name], text="body", data_dir=str(tmp_path))
        assert sorted(lines) == sorted([b"one", b"two", "中文".encode()])
    with pytest.raises(InputError, match="no split 'dev'"):
        list(CorpusLines(["tfds:mine:dev"], text="body", data_dir=str(tmp_path)))
