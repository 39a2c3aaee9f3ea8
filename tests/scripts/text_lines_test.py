"""Reading texts a line each, from a file and as they arrive at standard input."""

import gzip
import io
import os
import threading
from pathlib import Path
from unittest import mock

import pytest

from keras_bert.errors import InputError
from keras_bert.scripts.text_lines import read_text_lines


def read_stdin(data: bytes) -> list[str]:
    with mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(data))):
        return [line for window in read_text_lines("-", 2) for line in window]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\r\ntwo\n", ["one", "two"]),
        (b"\n\nthree\n", ["", "", "three"]),
        ("\ufeffone\n中\x00\n".encode(), ["one", "中\x00"]),
        ("a\u2028b\x85c\rd\n".encode(), ["a\u2028b\x85c\rd"]),
        (b"x" * 5_000_000, ["x" * 5_000_000]),
    ],
    ids=["nothing", "no end", "one", "windows", "blank", "mark", "other line ends", "5 MB"],
)
def test_lines_of_standard_input(data: bytes, lines: list[str]):
    assert read_stdin(data) == lines


def test_files_have_the_same_lines_in_windows(tmp_path: Path):
    data = "\ufeffone\r\n\n中 \u2028\n".encode()
    (tmp_path / "texts.txt").write_bytes(data)
    (tmp_path / "texts.txt.gz").write_bytes(gzip.compress(data))
    for name in ("texts.txt", "texts.txt.gz"):
        assert list(read_text_lines(str(tmp_path / name), 2)) == [["one", ""], ["中 \u2028"]]


def test_what_has_arrived_is_given_at_once():
    """A program that asks and waits for the answer before it asks again must get it."""
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb") as source,
        os.fdopen(writer, "wb", buffering=0) as sink,
        mock.patch("sys.stdin", io.TextIOWrapper(source)),
    ):
        windows = read_text_lines("-", 512)
        sink.write(b"first\nsecond\nthi")
        assert next(windows) == ["first", "second"]
        timer = threading.Timer(0.05, lambda: (sink.write(b"rd\n"), sink.close()))
        timer.start()
        assert next(windows) == ["third"]
        assert list(windows) == []
        timer.join()


def test_a_line_that_is_no_utf8_is_named_after_the_lines_before_it():
    with mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\nab\xff\nfour\n"))):
        windows = read_text_lines("-", 8)
        assert next(windows) == ["one", "two"]
        with pytest.raises(InputError, match=r"^standard input, line 3: not UTF-8 \(byte 3 of the line\)$"):
            next(windows)


def test_bad_files_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        next(read_text_lines(str(tmp_path / "none.txt"), 8))
    (tmp_path / "latin.txt").write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(InputError, match=r"latin\.txt, line 2: not UTF-8"):
        list(read_text_lines(str(tmp_path / "latin.txt"), 8))


def test_lines_in_another_encoding(tmp_path: Path):
    with mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO("Köln\nÜlm\n".encode("cp1252")))):
        assert list(read_text_lines("-", 8, encoding="cp1252")) == [["Köln", "Ülm"]]
    (tmp_path / "a.txt").write_bytes("Köln\n".encode("utf-16"))
    assert list(read_text_lines(str(tmp_path / "a.txt"), 8)) == [["Köln"]]
    with (
        mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\n"))),
        pytest.raises(InputError, match="encoding 'utf-9': not one that is known"),
    ):
        next(read_text_lines("-", 8, encoding="utf-9"))


def test_a_line_without_end_is_no_line(tmp_path: Path):
    with mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(b"one\n" + b"x" * 200))):
        windows = read_text_lines("-", 8, max_line_bytes=100)
        assert next(windows) == ["one"]
        with pytest.raises(InputError, match=r"^standard input, line 2: longer than 100 bytes"):
            next(windows)


def test_a_closed_standard_input_is_said():
    with mock.patch("sys.stdin", None), pytest.raises(InputError, match="--input=FILE"):
        next(read_text_lines("-", 8))
