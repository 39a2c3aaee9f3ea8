"""Both clients, all the way to a server and back."""

import importlib
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXPORT = Path(__file__).resolve().parents[2] / "export"
AWKWARD = [b"", b"\x00", b"a\x00b", b"\xff\xfe\xe4\xb8", b"[SEP]", "😀".encode() * 10_000, b"x" * (1 << 20)]


class Client:
    """A client module, and how its address flag is called."""

    def __init__(self, module: str, flag: str, server):
        self.path = EXPORT / f"{module}.py"
        self.module = importlib.import_module(module)
        self.flag = flag
        self.server = server

    def predict(self, *arguments, **keywords):
        return self.module.predict(self.server.address, *arguments, **keywords)

    def main(self, *arguments, address=None):
        return self.module.main([f"{self.flag}={address or self.server.address}", *arguments])


@pytest.fixture(params=["rest", "grpc"])
def client(request):
    server = request.getfixturevalue(f"{request.param}_server")
    return Client(f"client_{request.param}", {"rest": "--url", "grpc": "--target"}[request.param], server)


def truth(text: bytes) -> tuple[str, float]:
    """Label and score of the model `length`, computed without TensorFlow."""
    long = 1.0 / (1.0 + math.exp(-max(-80.0, min(80.0, (len(text) - 20) / 10))))
    return ("long", long) if long > 0.5 else ("short", 1.0 - long)


def test_answers_are_the_models(client):
    texts = ["x" * length for length in range(70)]
    answers = client.predict("length", texts)
    assert set(answers) == {"label", "score", "scores"}
    for text, label, score, scores in zip(texts, answers["label"], answers["score"], answers["scores"], strict=True):
        if len(text) != 20:  # neither short nor long
            assert label == truth(text.encode())[0]
        assert score == pytest.approx(truth(text.encode())[1], abs=1e-6)
        assert sum(scores) == pytest.approx(1.0, abs=1e-6)
        assert score == max(scores)


def test_requests_are_no_larger_than_the_server_takes(client):
    client.predict("length", ["x"] * 70)
    assert [len(request["text"]) for request in client.server.requests] == [32, 32, 6]
    client.predict("length", ["x"] * 5, batch_size=2)
    assert [len(request["text"]) for request in client.server.requests[3:]] == [2, 2, 1]


def test_every_byte_arrives(client):
    answers = client.predict("length", AWKWARD)
    assert client.server.requests[0]["text"] == AWKWARD
    assert answers["label"] == [truth(text)[0] for text in AWKWARD]


def test_text_is_sent_as_utf_8(client):
    client.predict("length", ["Größe 中文"])
    assert client.server.requests[0]["text"] == ["Größe 中文".encode()]


def test_pairs(client):
    answers = client.predict("pair", ["x" * 15, "x"], ["y" * 15, "y"])
    assert answers["label"] == ["long", "short"]
    assert client.server.requests[0]["text_pair"] == [b"y" * 15, b"y"]


def test_a_regressor_has_a_score_alone(client):
    answers = client.predict("regressor", ["x" * 20, "x" * 1000])
    assert set(answers) == {"score"}
    assert answers["score"] == pytest.approx([2.5, 5.0])


def test_version_and_label_reach_the_server(client):
    client.predict("length", ["x"], version=1)
    client.predict("length", ["x"], version_label="stable")
    client.predict("length", ["x"])
    assert [request["version"] for request in client.server.requests] == ["1", "stable", ""]


def test_no_texts_are_no_request(client):
    assert client.predict("length", []) == {}
    assert client.server.requests == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent", ["x"]), "Servable not found for request: absent"),
        (("length", ["x"], ["y"]), r"input keys do not match the model's: \['text'\]"),
    ],
)
def test_the_servers_error_is_passed_on(client, arguments, message):
    with pytest.raises(RuntimeError, match=message):
        client.predict(*arguments)


def test_main_prints_json_lines(client, capsys):
    assert client.main("--model=length", "--scores", "hi", "x" * 100) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in rows] == ["hi", "x" * 100]
    assert [row["label"] for row in rows] == ["short", "long"]
    assert all(len(row["scores"]) == 2 for row in rows)


def test_main_prints_the_labels_of_a_model_with_several(client, capsys):
    assert client.main("--model=several", "hi") == 0
    assert json.loads(capsys.readouterr().out) == {"text": "hi", "labels": ["short"]}


def test_main_splits_pairs_at_the_first_tab(client, capsys):
    assert client.main("--model=pair", "--pair", "a\tb\tc") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["text"], row["text_pair"]) == ("a", "b\tc")


@pytest.mark.parametrize("address", [None, "localhost:1"])
def test_main_says_in_one_line_what_went_wrong(client, capsys, address):
    if address and client.flag == "--url":
        address = f"http://{address}"
    assert client.main("--model=absent", "hi", address=address) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1


def test_an_answer_that_is_not_the_servers(rest_server, capsys):
    client = Client("client_rest", "--url", rest_server)
    assert client.main("--model=length", "hi", address=f"{rest_server.address}/elsewhere") == 1
    assert "HTTP 502 Bad Gateway" in capsys.readouterr().err


def test_rows_of_several_fields(client, capsys):
    """The tab after the last field belongs to it."""
    assert client.main("--model=pair", "--fields=text,text_pair", "a\tb\tc", "d") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["text"], row["text_pair"]) for row in rows] == [("a", "b\tc"), ("d", "")]
    assert client.server.requests[0]["text_pair"] == [b"b\tc", b""]


@pytest.mark.parametrize("name", ["../../etc", "a/versions/2", "a?b#c", "ä b%2F"])
def test_names_are_names_and_nothing_else(client, name):
    with pytest.raises(RuntimeError, match="Servable not found for request: " + re.escape(name)):
        client.predict(name, ["x"])
    with pytest.raises(RuntimeError, match=f"Servable not found for request: length {re.escape(name)}"):
        client.predict("length", ["x"], version_label=name)


def test_unlike_numbers_of_texts_are_refused_before_anything_is_sent(client):
    with pytest.raises(RuntimeError, match="unlike numbers of rows: text: 2, text_pair: 1"):
        client.predict("pair", ["x", "y"], ["z"])
    assert client.server.requests == []


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (lambda rows: {"score": [0.5] * (rows - 1)}, "answered 2 rows with other numbers of rows: score: 1"),
        (lambda rows: {"score": [0.5] * (rows + 1)}, "answered 2 rows with other numbers of rows: score: 3"),
        (lambda rows: {"label": ["a"] * rows, "score": [0.5]}, "answered 2 rows with other numbers of rows: score: 1"),
        (lambda rows: {"score": 0.5}, "answered 2 rows with other numbers|not that of a TensorFlow Serving server"),
    ],
)
def test_an_answer_with_another_number_of_rows_is_no_answer(client, monkeypatch, capsys, outputs, message):
    def run(name, version, inputs, signature):
        return {name: np.array(values) for name, values in outputs(len(inputs["text"])).items()}

    monkeypatch.setattr(client.server, "run", run)
    with pytest.raises(RuntimeError, match=message):
        client.predict("length", ["a", "b"])
    assert client.main("--model=length", "a", "b") == 1
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)


def test_other_outputs_in_a_later_answer_are_refused(client, monkeypatch):
    def run(name, version, inputs, signature):
        return {f"score_{inputs['text'][0].decode()}": np.ones(1), "score": np.ones(1)}

    monkeypatch.setattr(client.server, "run", run)
    with pytest.raises(RuntimeError, match="outputs changed from"):
        client.predict("length", ["a", "b"], batch_size=1)


def test_a_server_cannot_write_to_the_terminal(client, monkeypatch, capsys):
    def run(name, version, inputs, signature):
        raise ValueError("\x1b]0;title\x07 \x9b31m " + "x" * 4_000)  # of gRPC up to 8,192 for sure

    monkeypatch.setattr(client.server, "run", run)
    assert client.main("--model=length", "a") == 1
    error = capsys.readouterr().err
    assert r"\x1b]0;title\x07 \x9b31m" in error
    assert len(error) < 1000
    monkeypatch.setattr(
        client.server,
        "run",
        lambda *_: {"label": np.array([b"\xc2\x9b31m\x1b[0m\xe2\x80\xae"], object), "score": np.array([np.nan])},
    )
    assert client.main("--model=length", "\x1b[31m") == 0
    line = capsys.readouterr().out
    assert line.rstrip("\n").isprintable()
    assert json.loads(line) == {"text": "\x1b[31m", "label": "\x9b31m\x1b[0m\u202e", "score": None}


def test_an_answer_is_capped(client, capsys):
    assert client.main("--model=length", "--scores", "--max_answer_bytes=100", *["x"] * 8) == 1
    assert re.search("longer than 100 bytes|larger than max", capsys.readouterr().err)


@pytest.mark.slow
def test_as_a_program_on_lines_that_are_not_utf_8(client):
    lines = b"short one\nanother \xff\xe4\xb8 line, rather longer\n"
    done = subprocess.run(
        [sys.executable, client.path, f"{client.flag}={client.server.address}", "--model=length"],
        input=lines,
        capture_output=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr.decode()
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["short", "long"]
    assert client.server.requests[0]["text"] == lines.splitlines()
