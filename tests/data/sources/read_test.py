"""Truth: the rows as written into small files by hand; for errors, the file, line and field that is wrong."""

import csv
import gzip
import json

import pytest
import tensorflow as tf

from keras_bert.data import label_names, read
from keras_bert.errors import InputError


def values(rows, key):
    return [row[key].decode() if isinstance(row[key], bytes) else row[key] for row in rows.as_numpy_iterator()]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.tsv", 'id\tsentence\ttopic\n1\tso "good"\tyes\n2\t"no\tno\n'),
        ("rows.csv", 'id,sentence,topic\n1,"so ""good""",yes\n2,"""no",no\n'),
        (
            "rows.jsonl",
            '{"id": 1, "sentence": "so \\"good\\"", "topic": "yes"}\n{"sentence": "\\"no", "topic": "no"}\n',
        ),
        ("rows.json", '{"sentence": "so \\"good\\"", "topic": "yes"}\n\n{"sentence": "\\"no", "topic": "no"}'),
    ],
)
@pytest.mark.parametrize("change", ["none", "windows line ends", "byte-order mark", "no last line end"])
def test_the_same_rows_from_every_format(write, name, content, suffix, change):
    if change == "windows line ends":
        content = content.replace("\n", "\r\n")
    elif change == "byte-order mark":
        content = "\ufeff" + content
    elif change == "no last line end":
        content = content.removesuffix("\n")
    rows = read(write(name + suffix, content), text="sentence", label="topic")
    assert rows.cardinality() == 2
    assert rows.element_spec == {"text": tf.TensorSpec((), tf.string), "label": tf.TensorSpec((), tf.string)}
    assert values(rows, "text") == ['so "good"', '"no']
    assert values(rows, "label") == ["yes", "no"]


def test_pairs_and_numbers(write):
    rows = read(write("p.tsv", "a\tb\tscore\nx\ty\t2.5\n\tz\t-1e3\n"), "a", "b", "score", label_type="number")
    assert rows.element_spec["label"] == tf.TensorSpec((), tf.float32)
    assert values(rows, "text") == ["x", ""]
    assert values(rows, "text_pair") == ["y", "z"]
    assert values(rows, "label") == [2.5, -1000.0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.tsv", "text\tlabel\na\tx|y\nb\t\nc\t y \n"),
        ("m.jsonl", '{"text":"a","label":["x","y"]}\n{"text":"b","label":[]}\n{"text":"c","label":"y"}\n'),
    ],
)
def test_several_labels(write, name, content):
    rows = read(write(name, content), label="label", label_type="classes", labels=["y", "x"])
    assert rows.element_spec["label"] == tf.TensorSpec((None,), tf.string)
    assert [row["label"].tolist() for row in rows.as_numpy_iterator()] == [[b"x", b"y"], [], [b"y"]]
    assert rows.cardinality() == 3
    assert label_names(rows) == ["x", "y"]


def test_other_separator(write):
    rows = read(write("m.tsv", "text\tlabel\na\tx|1, y\n"), label="label", label_type="classes", label_separator=",")
    assert label_names(rows) == ["x|1", "y"]


def test_json_labels_that_are_no_strings(write):
    path = write("j.jsonl", '{"text":"a","label":1}\n{"text":"b","label":true}\n')
    assert values(read(path, label="label"), "label") == ["1", "true"]


def test_file_without_header(write):
    rows = read(
        write("ag.csv", '"3","T, 1","D"\n"1","T2","E"\n'), "title", label="class", columns=["class", "title", "text"]
    )
    assert values(rows, "text") == ["T, 1", "T2"]
    assert label_names(rows) == ["1", "3"]


def test_label_names_order(write):
    rows = read(
        write("n.tsv", "text\tlabel\n" + "".join(f"t\t{label}\n" for label in ("10", "9", "2", "9"))), label="label"
    )
    assert label_names(rows) == ["2", "9", "10"]
    rows = read(write("n.tsv", "text\tlabel\n" + "".join(f"t\t{label}\n" for label in ("b", "9", "10"))), label="label")
    assert label_names(rows) == ["10", "9", "b"]


def test_only_line_feeds_end_a_line(write):
    text = "a\u2028b\u0085c\x0bd\x0ce\x00f\x1cg"
    for name, content in (
        ("u.tsv", f"text\tlabel\n{text}\tx\n"),
        ("u.csv", f"text,label\n{text},x\n"),
        ("u.jsonl", json.dumps({"text": text, "label": "x"}) + "\n"),
    ):
        assert values(read(write(name, content), label="label"), "text") == [text]


def test_csv_fields_with_line_ends_and_a_megabyte(write):
    long = "x" * 2**20
    before = csv.field_size_limit()
    rows = read(write("l.csv", f'text,label\n"a\nb\r\nc",x\n{long},y\n\n"",z\n'), label="label")
    assert values(rows, "text") == ["a\nb\r\nc", long, ""]
    assert csv.field_size_limit() == before


def test_blank_lines(write):
    assert values(read(write("b.tsv", "text\n\na\n\n")), "text") == ["", "a", ""]
    assert values(read(write("b.tsv", "text\tid\n\na\t1\n\n")), "text") == ["a"]


ERRORS = {
    "missing column": (
        "a.tsv",
        "sentence\tlabel\nx\ty\n",
        {},
        "a.tsv, line 1: no column 'text'; .* 'sentence', 'label'",
    ),
    "column twice": ("a.tsv", "text\ttext\nx\ty\n", {}, "a.tsv, line 1: 2 columns are named 'text'"),
    "tabs in csv": ("a.csv", "text\tlabel\nx\ty\n", {}, "line 1: no column 'text'.*wrong delimiter.*tabs"),
    "semicolons in csv": ("a.csv", "text;label\nx;y\n", {}, "line 1: no column 'text'.*wrong delimiter.*semicolons"),
    "commas in tsv": ("a.tsv", "text,label\nx,y\n", {}, "line 1: no column 'text'.*wrong delimiter.*commas"),
    "commas, no header": ("a.tsv", "x,y\n", {"columns": ["text", "label"]}, "line 1: 1 field, expected 2.*commas"),
    "too few fields": (
        "a.tsv",
        "text\tlabel\nx\ty\nz\n",
        {},
        r"a.tsv, line 3: 1 field, expected 2 \('text', 'label'\)",
    ),
    "too many fields": ("a.csv", 'text,label\n"x\n1",y\na,b,c\n', {}, "a.csv, line 4: 3 fields, expected 2"),
    "open quotation": ("a.csv", 'text,label\nx,y\n"x,y\nz,w\n', {}, "a.csv, line 3: not CSV: unexpected end"),
    "text after quotation": ("a.csv", 'text,label\n"x" z,y\n', {}, "a.csv, line 2: not CSV"),
    "lone carriage return": ("a.csv", "text,label\nx\rz,y\n", {}, "a.csv, line 2: not CSV"),
    "not UTF-8": ("a.tsv", b"text\tlabel\nok\ty\ncaf\xe9\ty\n", {}, "line 3: not UTF-8: byte 0xe9 at position 4"),
    "not UTF-8, csv": ("a.csv", b"text,label\nok,y\ncaf\xe9,y\n", {}, "line 3: not UTF-8: byte 0xe9 at position 4"),
    "UTF-16": ("a.tsv", "text\tlabel\n".encode("utf-16"), {}, "line 1: not UTF-8: byte 0xff at position 1"),
    "bad JSON": ("a.jsonl", '{"text": "x", "label": "y"}\n{"text": \n', {}, "a.jsonl, line 2: bad JSON"),
    "JSON array": (
        "a.json",
        '[{"text": "x", "label": "y"}]\n',
        {},
        "a.json, line 1: expected a JSON object, found list",
    ),
    "no JSON field": ("a.jsonl", '{"text": "x"}\n', {}, "a.jsonl, line 1: no field 'label'; the fields are: 'text'"),
    "text a number": (
        "a.jsonl",
        '{"text": 3, "label": "y"}\n',
        {},
        "line 1: field 'text': expected a string, found int",
    ),
    "text null": (
        "a.jsonl",
        '{"text": null, "label": "y"}\n',
        {},
        "line 1: field 'text': expected a string, found null",
    ),
    "half a surrogate": ("a.jsonl", '{"text": "a\\ud800", "label": "y"}\n', {}, r"line 1: field 'text': .*U\+D800"),
    "label a list": ("a.jsonl", '{"text": "x", "label": ["y"]}\n', {}, "line 1: field 'label': expected one label"),
    "empty label": ("a.tsv", "text\tlabel\nx\ty\nz\t \n", {}, "a.tsv, line 3: field 'label': the label is empty"),
    "null label": ("a.jsonl", '{"text": "x", "label": null}\n', {}, "line 1: field 'label': the label is empty"),
    "unknown label": (
        "a.tsv",
        "text\tlabel\nx\tmaybe\n",
        {"labels": ["no", "yes"]},
        "line 2: field 'label': unknown label 'maybe'; expected one of 'no', 'yes'$",
    ),
    "unknown of many": (
        "a.tsv",
        "text\tlabel\nx\tmaybe\n",
        {"labels": [f"l{n}" for n in range(150)]},
        r"'l7', \.\.\. \(150 labels\)$",
    ),
    "unknown in several": (
        "a.tsv",
        "text\tlabel\nx\tno|maybe\n",
        {"labels": ["no"], "label_type": "classes"},
        "line 2: .*'maybe'",
    ),
    "empty in several": ("a.tsv", "text\tlabel\nx\ta||b\n", {"label_type": "classes"}, "line 2: .* the label is empty"),
    "no number": (
        "a.tsv",
        "text\tlabel\nx\tfive\n",
        {"label_type": "number"},
        "line 2: field 'label': .*number.*'five'",
    ),
    "not a number": ("a.tsv", "text\tlabel\nx\tnan\n", {"label_type": "number"}, "line 2: .*finite number.*'nan'"),
    "infinite": ("a.tsv", "text\tlabel\nx\t1e999\n", {"label_type": "number"}, "line 2: .*finite number.*'1e999'"),
    "true is no number": ("a.jsonl", '{"text":"x","label":true}', {"label_type": "number"}, "line 1: .*a number"),
    "empty": ("a.tsv", "", {}, "a.tsv: the file is empty"),
    "empty, gzip": ("a.csv.gz", "", {}, "a.csv.gz: the file is empty"),
    "byte-order mark only": ("a.csv", "\ufeff", {}, "a.csv: the file is empty"),
    "blank lines only": ("a.csv", "\n\n", {}, "a.csv: the file is empty"),
    "header only": ("a.tsv", "text\tlabel\n", {}, r"a.tsv: there are no rows \(a header only\)"),
    "suffix": ("a.xlsx", "x", {}, "a.xlsx: unknown kind of file; expected one of .csv"),
    "columns of JSON": ("a.jsonl", "{}", {"columns": ["text"]}, "a.jsonl: columns are for .csv and .tsv"),
    "split of a file": ("a.tsv", "x", {"split": "dev"}, "a.tsv: a file has no splits"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_the_place(write, case):
    name, content, arguments, message = ERRORS[case]
    with pytest.raises(InputError, match=message) as caught:
        read(write(name, content), **({"label": "label"} | arguments))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match=r"nothing.tsv: no such file"):
        read(tmp_path / "nothing.tsv")
    with pytest.raises(InputError, match=r"nothing: no such file .*library_docs"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(b"text\tlabel\n" + b"".join(b"%d\ty\n" % (n * n) for n in range(5000)))
    for content in (whole[: len(whole) // 2], whole[:-4] + b"abcd", b"text\tlabel\nx\ty\n"):
        (tmp_path / "a.tsv.gz").write_bytes(content)
        with pytest.raises(InputError, match=r"a.tsv.gz: damaged or truncated gzip"):
            read(tmp_path / "a.tsv.gz", label="label")


def test_bad_arguments(write):
    path = write("a.tsv", "text\tlabel\nx\t1\n")
    with pytest.raises(InputError, match="label_type 'float'"):
        read(path, label="label", label_type="float")
    with pytest.raises(InputError, match="labels are given"):
        read(path, labels=["1"])
    with pytest.raises(InputError, match="no label"):
        label_names(read(path))
    with pytest.raises(InputError, match="is a number"):
        label_names(read(path, label="label", label_type="number"))


def test_real_files(shared_data):
    """Row counts and labels as the data sets' description gives them."""
    sst2 = shared_data / "text_classification" / "sst2"
    rows = read(sst2 / "train.tsv", text="sentence", label="label", labels=["0", "1"])
    assert rows.cardinality() == 67349
    ag_news = read(
        shared_data / "text_classification" / "ag_news" / "test.csv",
        text="title",
        text_pair="description",
        label="class",
        columns=["class", "title", "description"],
    )
    assert ag_news.cardinality() == 1600
    assert label_names(ag_news) == ["1", "2", "3", "4"]
    pairs = shared_data / "sentence_pair"
    mrpc = read(pairs / "mrpc" / "train.tsv", "#1 String", "#2 String", "Quality")
    assert mrpc.cardinality() == 3668
    clinc = read(shared_data / "text_classification" / "clinc150" / "train.tsv", label="intent")
    assert len(label_names(clinc)) == 150
