"""Each kind of document: its text, title and places; what cannot be read is named and nothing else is lost."""

import csv
import gzip
import io
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.retrieval import Document, NotRead, read_documents

TEXT = "Füße und Hände.\r\n\r\nDer zweite Satz: 中文。 Ende 😀.\n"


def read(*paths: Path, **options: str) -> list[Document]:
    return list(read_documents(list(paths), **options))


def make_pdf(path: Path, pages: list[str], title: str = "", password: str = "") -> Path:
    """A PDF as the specification has it, ISO 32000-1, 7.5: objects, a table of their places, a trailer."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else ""
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * index} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    if title:
        objects.append(f"<< /Title ({title}) >>")
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    info = f" /Info {len(objects)} 0 R" if title else ""
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R{info} >>\nstartxref\n{len(data)}\n%%EOF\n"
    path.write_bytes(data + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode())
    if password:
        pypdf = pytest.importorskip("pypdf")
        writer = pypdf.PdfWriter(clone_from=path)
        writer.encrypt(password, algorithm="RC4-128")
        writer.write(path)
    return path


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("name", ["a.txt", "a.MD", "a.txt.gz"])
def test_places_of_text_files_are_bytes_of_the_file(mark: bytes, name: str, tmp_path: Path):
    data = mark + TEXT.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (document,) = read(tmp_path / name)
    assert (document.text, document.title, document.file) == (TEXT, "a", str(tmp_path / name))
    assert document.in_file
    places = document.byte_places(np.arange(len(TEXT) + 1)).tolist()
    assert [data[a:b].decode() for a, b in itertools.pairwise(places)] == list(TEXT)


def test_the_title_of_markdown_is_its_first_heading(tmp_path: Path):
    (tmp_path / "a.md").write_text("text\n\n## The *garden* ##\r\n\n# Later\n", encoding="utf-8")
    assert read(tmp_path / "a.md")[0].title == "The *garden*"


def test_a_web_page_is_its_text(tmp_path: Path):
    pytest.importorskip("bs4", reason="needs the documents extra")
    page = """<!doctype html><html><head><title>A &amp; <b>B</b></title><style>p {x: y}</style>
    <script>document.write("<p>no</p>")</script></head><body><nav>Home</nav><h1>Head</h1>
    <p>One <b>bo</b>ld&nbsp;word<br>and a line.<p>Two &lt;script&gt; &#20013;</p><!-- no --><template>no</template>
    <ul><li>x<li>y</ul><table><tr><td>1</td><td>2</td></tr></table><noscript>no</noscript>"""
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    (document,) = read(tmp_path / "a.html")
    assert document.text == "Home\n\nHead\n\nOne bold word\nand a line.\n\nTwo <script> 中\n\nx\n\ny\n\n1 2"
    assert (document.title, document.in_file) == ("A & B", False)


def test_what_html_lets_authors_leave_out_loses_nothing(tmp_path: Path):
    """The ends of head, p and li, and the tags html and body (HTML standard, 13.1.2.4)."""
    pytest.importorskip("bs4", reason="needs the documents extra")
    (tmp_path / "a.html").write_text("<head><title>T</title><meta charset=utf-8><p>One<p>Two<ul><li>x<li>y")
    (document,) = read(tmp_path / "a.html")
    assert (document.title, document.text) == ("T", "One\n\nTwo\n\nx\n\ny")


def test_a_web_page_may_name_its_encoding_and_is_not_guessed(tmp_path: Path):
    pytest.importorskip("bs4", reason="needs the documents extra")
    (tmp_path / "a.html").write_bytes('<meta charset="gb18030"><p>中文'.encode("gb18030"))
    assert read(tmp_path / "a.html")[0].text == "中文"
    for head, message in (
        (b"", "not UTF-8.*or name the encoding"),
        (b'<meta charset="rot99">', "says that it is rot99"),
    ):
        (tmp_path / "a.html").write_bytes(head + "<p>Füße".encode("latin-1"))
        with pytest.raises(InputError, match=message):
            read(tmp_path / "a.html")


def test_nested_pages_come_to_an_end(tmp_path: Path):
    pytest.importorskip("bs4", reason="needs the documents extra")
    (tmp_path / "deep.html").write_text("<div>" * 20000 + "deep", encoding="utf-8")
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    not_read = NotRead()
    found = [document.text for document in read_documents(tmp_path, not_read=not_read)]
    assert found in (["text"], ["text", "deep"])
    assert len(found) + len(not_read.problems) == 2


def test_a_pdf_has_pages(tmp_path: Path):
    pytest.importorskip("pypdf", reason="needs the documents extra")
    (document,) = read(make_pdf(tmp_path / "a.pdf", ["First page.", "", "Third page."], "The title"))
    assert (document.text, document.title) == ("First page.\n\n\n\nThird page.", "The title")
    assert [document.page_of(document.text.index(word)) for word in ("First", "Third")] == [1, 3]
    assert document.page_of(len("First page.\n\n")) == 2


def test_a_pdf_without_text_and_one_that_is_locked_are_named(tmp_path: Path):
    pytest.importorskip("pypdf", reason="needs the documents extra")
    with pytest.raises(InputError, match=r"scan.pdf: a PDF of 2 pages without text; is it a scan\?"):
        read(make_pdf(tmp_path / "scan.pdf", ["", ""]))
    with pytest.raises(InputError, match=r"locked.pdf: asks for a password"):
        read(make_pdf(tmp_path / "locked.pdf", ["Secret"], password="x"))
    for content in (b"%PDF-1.4\nbroken", b"", b"\0" * 100):
        (tmp_path / "broken.pdf").write_bytes(content)
        with pytest.raises(InputError, match=r"broken.pdf: cannot be read as PDF"):
            read(tmp_path / "broken.pdf")


def test_rows_are_documents(tmp_path: Path):
    rows = [('A "quoted" text,\nin two lines', "One"), ("", "empty"), ("中文", "")]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("body", "name"), *rows])
    (tmp_path / "a.csv").write_text(buffer.getvalue(), encoding="utf-8", newline="")
    lines = "".join(json.dumps({"body": body, "name": name}) + "\n" for body, name in rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "a.json").write_text(json.dumps([{"body": body, "name": name} for body, name in rows]))
    for name, last in (("a.csv", 5), ("a.jsonl.gz", 3), ("a.json", 3)):
        first, second = read(tmp_path / name, text="body", title="name")
        assert (first.text, first.title, first.in_file) == (rows[0][0], "One", False)
        assert (second.text, second.title, second.line) == ("中文", name.split(".")[0], last)
        assert second.byte_places(np.array([0, 2])).tolist() == [0, 6]
    assert read(tmp_path / "a.jsonl.gz", text="body", title="none")[0].title == "a"
    (tmp_path / "b.tsv").write_text("text\nx y\n")
    assert [(row.text, row.title, row.line) for row in read(tmp_path / "b.tsv")] == [("x y", "b", 2)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"first\nsecond \xff", r"a.txt, line 2: not UTF-8: byte 0xff at byte 13 of the file"),
        ("a.txt", "Füße".encode("utf-16"), r"a.txt, line 1: not UTF-8"),
        ("a.txt", "text".encode("utf-16-le"), r"a.txt, line 1: holds NUL.*UTF-16\?"),
        ("a.txt", b"", r"a.txt: holds no text"),
        ("a.txt", b" \r\n\t", r"a.txt: holds no text"),
        ("a.txt.gz", b"no gzip", r"a.txt.gz: damaged or truncated gzip"),
        ("a.txt.gz", gzip.compress(b"text " * 1000)[:-9], r"a.txt.gz: damaged or truncated gzip"),
        ("a.txt.gz", gzip.compress(b" " * (1 << 27)), r"a.txt.gz: unpacks to more than 200 times"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', r"a.jsonl, line 1: field 'text': half of a surrogate pair"),
        ("a.jsonl", b'{"text": 1}\n', r"a.jsonl, line 1: field 'text': expected a string"),
        ("a.jsonl", b'{"txt": "a"}\n', r"no field 'text'; the fields are: 'txt'"),
        ("a.csv", b"text,label\na\n", r"a.csv, line 2: 1 field"),
        ("a.csv", b"text,title,title\na,b,c\n", r"2 columns are named 'title'"),
        ("a.csv", b'text\n""\n', r"a.csv: holds no text in 'text'"),
        ("a.png", b"x", r"a.png: a document of an unknown kind; expected .txt, .md"),
    ],
    ids=lambda value: "content" if isinstance(value, bytes) else None,  # of gzip with the time in it
)
def test_a_file_that_is_named_must_be_read(name: str, content: bytes, message: str, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)


def test_of_a_folder_the_others_are_read_and_each_problem_named(tmp_path: Path):
    pytest.importorskip("pypdf", reason="needs the documents extra")
    for number in range(5):
        (tmp_path / f"{number}.txt").write_text(f"text {number}", encoding="utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF")
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    (tmp_path / "picture.png").write_bytes(b"x")
    (tmp_path / os.fsdecode(b"name\xff.txt")).write_text("text")
    not_read = NotRead()
    texts = [document.text for document in read_documents(tmp_path, not_read=not_read)]
    assert texts == [f"text {number}" for number in range(5)]
    assert len(not_read.problems) == 3
    assert "cannot be read as PDF" in not_read.problems[str(tmp_path / "broken.pdf")]
    assert "not UTF-8: byte 0xe9" in not_read.problems[str(tmp_path / "latin.txt")]
    assert not_read.other_kinds == 1


def test_an_empty_folder_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match=rf"{tmp_path}: there are no documents; expected \.txt"):
        read(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError, match="there are no documents, only 1 files of other kinds"):
        read(tmp_path)


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.txt"
    path.write_text("first", encoding="utf-8")
    whole = Path.read_bytes

    def changed(self: Path) -> bytes:
        data = whole(self)
        self.write_text("first and more", encoding="utf-8")
        return data

    monkeypatch.setattr(Path, "read_bytes", changed)
    with pytest.raises(InputError, match=r"a\.txt: changed while it was read"):
        read(path)
