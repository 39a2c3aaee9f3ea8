"""Documents in files: where they begin and end, whatever the white space; what is held out; what is refused."""

import io

import pytest

from keras_bert.data.pretraining import documents as module
from keras_bert.data.pretraining.documents import (
    LONGEST_PART,
    Utf8Count,
    check_share,
    find_documents,
    is_held_out,
    sentences_of,
)
from keras_bert.errors import InputError


def found(data: bytes, layout: str = "sentence_per_line", longest: int = LONGEST_PART):
    parts = list(find_documents(io.BytesIO(data), layout, longest))
    for part in parts:
        assert data[part.offset : part.offset + len(part.text)] == part.text
    return parts


@pytest.mark.parametrize("block", [4, 5, 7, 1 << 20])
@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"", []),
        (b"\n \n\t\n", []),
        (b"a", [b"a"]),
        (b"a\nb\n\nc\n", [b"a\nb", b"c"]),
        (b"\n\na\r\nb\r\n\r\n \t\r\n\r\n c \r\n", [b"a\r\nb", b"c"]),
        ("\ufeffé\n\n\nü\u2028\n".encode(), ["é".encode(), "ü\u2028".encode()]),
    ],
)
def test_blank_lines_divide_documents(monkeypatch, block, data, texts):
    monkeypatch.setattr(module, "_BLOCK", block)
    assert [part.text for part in found(data)] == texts


@pytest.mark.parametrize("block", [3, 5, 1 << 20])
def test_a_document_a_line(monkeypatch, block):
    monkeypatch.setattr(module, "_BLOCK", block)
    parts = found(b"One. Two.\r\n\n  three\nfour", "document_per_line")
    assert [part.text for part in parts] == [b"One. Two.", b"three", b"four"]
    assert not any(part.goes_on for part in parts)


@pytest.mark.parametrize("block", [4, 64, 1 << 20])
def test_a_long_document_comes_in_parts(monkeypatch, block):
    monkeypatch.setattr(module, "_BLOCK", block)
    lines = [b"%03d a line" % number for number in range(40)]
    parts = found(b"\n".join(lines[:30]) + b"\n\n" + b"\n".join(lines[30:]), longest=64)
    assert max(len(part.text) for part in parts) <= 64
    assert b"\n".join(part.text for part in parts).split(b"\n") == lines
    starts = [part.text[:3] for part in parts if not part.goes_on]
    assert starts == [b"000", b"030"]


def test_a_part_ends_with_a_word_or_at_least_a_character():
    assert all(part.text.endswith(b"word") for part in found(b" ".join([b"word"] * 100), longest=33))
    parts = found("語".encode() * 100, longest=32)
    assert "".join(part.text.decode() for part in parts) == "語" * 100


def test_what_is_held_out_depends_on_the_words_alone_and_grows_with_the_share():
    texts = [b"document %d\nof two lines" % number for number in range(20_000)]
    held = {share: {text for text in texts if is_held_out(text, share)} for share in (0.0, 0.02, 0.1)}
    assert not held[0.0]
    assert held[0.02] < held[0.1]
    for share in (0.02, 0.1):
        assert abs(len(held[share]) - 20_000 * share) < 5 * (20_000 * share * (1 - share)) ** 0.5
    assert is_held_out(b"a  b\r\nc", 0.5) == is_held_out(b" a b\nc\n", 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_is_a_share(share):
    with pytest.raises(InputError, match="expected a share"):
        check_share(share)


def test_sentences_are_lines_or_found_by_rule():
    text = "One. Two!\r\n\n \nÜber drei\n".encode()
    assert sentences_of(text, split=False) == [b"One. Two!", "Über drei".encode()]
    assert sentences_of(text, split=True) == [b"One.", b"Two!", "Über drei".encode()]
    assert sentences_of(b"a \xff b\n\xe4\n", split=False) == ["a \ufffd b".encode(), "\ufffd".encode()]


def counted(data: bytes, strict: bool = False) -> Utf8Count:
    count = Utf8Count("corpus.txt", strict)
    for part in find_documents(io.BytesIO(data), "sentence_per_line"):
        count.add(part)
    count.finish()
    return count


def test_lines_that_are_no_utf8_are_counted_or_refused():
    data = "schön\n".encode() * 10 + "schön\n\nnoch schön\n".encode("latin-1") + b"a\n"
    assert counted(data).invalid == 2
    with pytest.raises(InputError, match=r"corpus.txt: the line at byte 70 is not UTF-8.*--strict"):
        counted(data, strict=True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Größe\nmaß\nsüß\n".encode("latin-1"), "3 of 3 lines are not UTF-8: another encoding"),
        ("text\n".encode("utf-16"), "holds NUL bytes: a binary file, or UTF-16"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "holds NUL bytes"),
    ],
)
def test_other_encodings_and_binary_files_are_refused(data, words):
    with pytest.raises(InputError, match=words):
        counted(data)
