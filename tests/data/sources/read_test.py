"""Truth: the rows as written into small files by hand; for errors, the file, line and field that is wrong."""

import csv
import gzip
import json
import os

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
    "UTF-16 without a mark": ("a.tsv", "text\tlabel\n".encode("utf-16-le"), {}, "line 1: holds NUL.*utf-16-le"),
    "no header": ("a.tsv", "x\ty\n", {}, r"no column 'text'; .* 'x', 'y'; if the file has no header line, .*--columns"),
    "nan": ("a.tsv", "text\tlabel\nx\tnan\n", {}, "line 2: .*'nan' looks like a label that is missing"),
    "nan in JSON": ("a.jsonl", '{"text": "x", "label": NaN}', {}, "line 1: .*the label is nan, which is no class"),
    "a list for one label": ("a.tsv", "text\tlabel\nx\t['y']\n", {}, "looks like a list of labels; .*--multi_label"),
    "a tuple for one label": ("a.tsv", "text\tlabel\nx\t('y', 'z')\n", {}, "looks like a list of labels"),
    "a set for one label": ("a.tsv", "text\tlabel\nx\t{'y'}\n", {}, "looks like a list of labels"),
    "a list without quotes": ("a.tsv", "text\tlabel\nx\t[y, z]\n", {}, "looks like a list of labels"),
    "one hot": ("a.jsonl", '{"text": "x", "label": [1, 0, 0]}', {"label_type": "classes"}, "0 or 1 for each class"),
    "one hot in a cell": ("a.csv", 'text,label\nx,"[0, 1, 1]"\n', {"label_type": "classes"}, "0 or 1 for each class"),
    "an object for labels": ("a.jsonl", '{"text": "x", "label": {"y": 1}}', {"label_type": "classes"}, "found dict"),
    "half a surrogate as a label": (
        "a.jsonl",
        '{"text": "x", "label": "\\ud800"}',
        {},
        "line 1: .*half of a surrogate pair",
    ),
    "no separator": ("a.tsv", "text\tlabel\nx\ty\n", {"label_separator": ""}, "label_separator is empty"),
    "gzip by another name": ("a.csv", gzip.compress(b"text,label\n"), {}, "is no text, but packed by gzip"),
    "Excel": ("a.csv", b"PK\x03\x04\x14\x00", {}, r"is no text, but .* Excel workbook \(.xlsx\)"),
    "many digits": ("a.jsonl", '{"text": "x", "label": ' + "9" * 5000 + "}", {}, "line 1: a number of more than 4,300"),
    "deep JSON": ("a.jsonl", "[" * 100_000, {}, "nested too deep"),
    "deep JSON in a row": ("a.jsonl", '{"text": ' + "[" * 100_000, {}, "line 1: the JSON is nested too deep"),
    "columns of pandas": ("a.json", '{"text": {"0": "x"}, "label": {"0": "y"}}', {}, "orient='records', lines=True"),
    "long number": ("a.jsonl", f'{{"text": "x", "label": {"9" * 400}}}', {"label_type": "number"}, "line 1: .*number"),
    "bad JSON": ("a.jsonl", '{"text": "x", "label": "y"}\n{"text": \n', {}, "a.jsonl, line 2: bad JSON"),
    "JSON array": ("a.json", '[{"text": "x", "label": "y"},\n {"text": "z"}]', {}, "a.json, row 2: no field 'label'"),
    "JSON array of others": ("a.json", "[1]", {}, "a.json, row 1: expected a JSON object, found int"),
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


READ = {
    "UTF-16": ("a.csv", "text,label\nKöln,x\n".encode("utf-16"), {}),
    "UTF-16 BE with a mark": ("a.csv", "\ufefftext,label\nKöln,x\n".encode("utf-16-be"), {}),
    "UTF-32": ("a.jsonl", '{"text": "Köln", "label": "x"}'.encode("utf-32"), {}),
    "UTF-8 with a mark, named": ("a.csv", "\ufefftext,label\nKöln,x\n".encode(), {"encoding": "utf-8"}),
    "Latin": ("a.tsv", "text\tlabel\nKöln\tx\n".encode("cp1252"), {"encoding": "cp1252"}),
    "Chinese": ("a.tsv", "text\tlabel\nKöln\tx\n".replace("ö", "").encode("gb18030"), {"encoding": "gb18030"}),
    "line ends of old": ("a.csv", "text,label\rKöln,x\r".encode(), {}),
    "line ends of old, UTF-16": ("a.tsv", "text\tlabel\rKöln\tx\r".encode("utf-16"), {}),
    "semicolons": ("a.csv", 'text;label\n"Köln";x\n'.encode(), {"delimiter": ";"}),
    "bars, not quoted": ("a.csv", "text|label\nKöln|x\n".encode(), {"delimiter": "|", "quoting": False}),
    "quoted tabs": ("a.tsv", '"text"\t"label"\n"Köln"\tx\n'.encode(), {"quoting": True}),
    "a JSON array": ("a.json", ' \n[{"text": "Köln",\n "label": "x"}]'.encode(), {}),
    "a JSON array, packed": ("a.json.gz", '[{"text": "Köln", "label": "x"}]'.encode(), {}),
}


@pytest.mark.parametrize("case", READ)
def test_files_as_they_are_written(write, case):
    name, content, options = READ[case]
    found = list(read(write(name, content), label="label", **options).as_numpy_iterator())
    text = "Kln" if case == "Chinese" else "Köln"
    assert found == [{"text": text.encode(), "label": b"x"}]


def test_numbers_and_booleans_are_one_class_however_they_are_spelled(write):
    lines = '{"text": "a", "label": 1}\n{"text": "a", "label": 1.0}\n{"text": "a", "label": "1.0"}\n'
    assert values(read(write("a.jsonl", lines), label="label"), "label") == ["1", "1", "1"]
    lines = '{"text": "a", "label": true}\n{"text": "a", "label": "True"}\n'
    assert values(read(write("a.jsonl", lines), label="label", labels=[True, False]), "label") == ["true", "true"]
    rows = read(write("a.csv", "text,label\na,nan\n"), label="label", labels=["nan", "fra"])
    assert values(rows, "label") == ["nan"], "a language, where the classes are named"


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("['x', 'y']", [b"x", b"y"]),
        ('["x", "y"]', [b"x", b"y"]),
        ("['x' 'y']", [b"x", b"y"]),  # NumPy
        ("[1, 2.0]", [b"1", b"2"]),
        (r"['it\'s', 'y|z']", [b"it's", b"y|z"]),
        ("[]", []),
        ("[x]|y", [b"[x]", b"y"]),
        ("[OTHER]", [b"[OTHER]"]),
    ],
)
def test_lists_in_cells(write, cell, labels):
    (row,) = read(write("a.tsv", f"text\tlabel\na\t{cell}\n"), label="label", label_type="classes").as_numpy_iterator()
    assert row["label"].tolist() == labels


def test_weights(write):
    path = write("a.csv", "text,label,w\na,x,1\nb,y,0.5\n")
    rows = list(read(path, label="label", weight="w").as_numpy_iterator())
    assert [row["weight"] for row in rows] == [1.0, 0.5]
    with pytest.raises(InputError, match="line 2: field 'w': expected a weight of 0 or more, found '-1'"):
        read(write("b.csv", "text,w\na,-1\n"), weight="w")


def test_tsv_that_looks_quoted_is_warned_of(write, caplog):
    quoted = 'text\tlabel\n"He said ""no"""\tx\nplain\ty\n'
    assert values(read(write("a.tsv", quoted), label="label"), "text") == ['"He said ""no"""', "plain"]
    assert "quoting=True (--quoting)" in caplog.text
    caplog.clear()
    assert values(read(write("a.tsv", quoted), label="label", quoting=True), "text") == ['He said "no"', "plain"]
    read(write("b.tsv", quoted + '5" of "rain\tz\n'), label="label")
    assert not caplog.text
    with pytest.raises(InputError, match=r"line 2: 3 fields.*quoted as pandas and Excel write it"):
        read(write("c.tsv", 'text\tlabel\n"a\tb"\tx\n'), label="label")


def test_what_would_fill_the_memory(tmp_path, write):
    with pytest.raises(InputError, match=r"line 2: longer than 100 bytes; raise max_line_bytes \(--max_line_bytes\)"):
        read(write("a.tsv", "text\n" + "x" * 101 + "\n"), max_line_bytes=100)
    (tmp_path / "line.csv.gz").write_bytes(gzip.compress(b"text\n" + bytes(1 << 26)))
    with pytest.raises(InputError, match="line 2: longer than 16,777,216 bytes"):
        read(tmp_path / "line.csv.gz")
    (tmp_path / "lines.csv.gz").write_bytes(gzip.compress(b"text\n" + (b"x" * 1000 + b"\n") * 70_000))
    with pytest.raises(InputError, match="unpacks to more than 200 times its"):
        read(tmp_path / "lines.csv.gz")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"pipe.csv: is a pipe or device"):
        read(tmp_path / "pipe.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "utf-9"}, "encoding 'utf-9': not one that is known"),
        ({"encoding": "hex"}, "encoding 'hex': not one that is known"),
        ({"encoding": "ascii"}, "line 1 or soon after: not ascii"),
        ({"delimiter": ";;"}, "delimiter ';;': expected one character"),
        ({"max_line_bytes": 0}, "max_line_bytes 0"),
        ({"columns": "text"}, "columns: expected a list of different names"),
    ],
)
def test_formats_that_are_none(write, options, message):
    with pytest.raises(InputError, match=message):
        read(write("a.csv", "text,label\nKöln,x\n"), **options)
    with pytest.raises(InputError, match=r"delimiter and quoting are for .csv and .tsv"):
        read(write("a.jsonl", "{}"), delimiter=";")


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


def test_lists_of_labels_in_cells_of_every_spelling(write):
    cells = ["['x', 'y']", '["x", "y"]', "['x' 'y']", "('x', 'y')", "{'x', 'y'}", "[x, y]", "x|y"]
    path = write("a.tsv", "text\tlabel\n" + "".join(f"t\t{cell}\n" for cell in cells))
    made = read(path, label="label", label_type="classes")
    assert [row["label"].tolist() for row in made.as_numpy_iterator()] == [[b"x", b"y"]] * len(cells)
    path = write("b.tsv", "text\tlabel\nt\t(1)\n")  # no list, but a name
    assert values(read(path, label="label"), "label") == ["(1)"]


def test_a_tab_as_a_shell_writes_it(write):
    assert values(read(write("a.csv", "text\tlabel\nx\ty\n"), label="label", delimiter=r"\t"), "label") == ["y"]
