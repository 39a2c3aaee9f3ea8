"""The smoke test passes what is right and finds what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import smoke_test
import tensorflow as tf
import tensorflow_text as tf_text

from tests.export.length_models import LABELS, classify, name_labels, save_model, scores_of

SCRIPT = Path(smoke_test.__file__)


@pytest.mark.parametrize("name", ["length", "pair", "several", "regressor"])
def test_a_good_folder_passes(model_folders, name, capsys):
    assert smoke_test.main([f"--folder={model_folders[name]}", "a text of my own"]) == 0
    output = capsys.readouterr()
    assert "b'a text of my own'" in output.out
    assert (
        output.out.splitlines()[-1]
        == f"all {1 + len(smoke_test.ORDINARY + smoke_test.AWKWARD)} answers are well formed"
    )
    assert output.err == ""


@pytest.mark.parametrize(("name", "pair"), [("length", False), ("pair", True), ("regressor", False)])
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_good_server_passes(request, protocol, name, pair, capsys):
    server = request.getfixturevalue(f"{protocol}_server")
    arguments = [f"--{protocol}={server.address}", f"--model={name}", *(["--pair"] if pair else [])]
    assert smoke_test.main(arguments) == 0
    assert "answers are well formed" in capsys.readouterr().out
    assert server.requests[0]["text"] == smoke_test.ORDINARY + smoke_test.AWKWARD


def test_awkward_texts_are_what_they_are_called():
    texts = smoke_test.AWKWARD
    assert b"" in texts
    assert any(b"\x00" in text for text in texts)
    assert any(len(text) >= 1 << 20 for text in texts)
    assert any(text.decode("utf-8", "ignore").count("😀") == 10_000 for text in texts)
    invalid = [text for text in texts if text.decode("utf-8", "replace").encode() != text]
    assert len(invalid) == 1


def swap_labels(text):
    answers = classify(text)
    answers["label"] = tf.where(tf.strings.length(text) > 1000, "short", answers["label"])
    return answers


def low_score(text):
    return {**classify(text), "score": tf.reduce_min(scores_of(text), axis=1)}


def not_finite(text):
    return {"score": tf.where(tf.strings.length(text) == 0, float("nan"), 1.0)}


def rows_lost(text):
    return {name: value[:1] for name, value in classify(text).items()}


def no_scores(text):
    answers = classify(text)
    return {"label": answers["label"], "score": answers["score"]}


def no_score(text):
    return {"scores": scores_of(text)}


def logits(text):
    scores = 3.0 * scores_of(text) - 1.0
    return {**classify(text), "scores": scores, "score": tf.reduce_max(scores, axis=1)}


def company(text):
    """What the padding of a batch does to a model that does not mask it."""
    return {"score": scores_of(text)[:, 1] + tf.cast(tf.size(text), tf.float32)}


def crash_on_a_long_text(text):
    fine = tf.debugging.assert_equal(tf.reduce_any(tf.strings.regex_full_match(text, ".*x{1000}.*")), False, "too long")
    with tf.control_dependencies([fine]):
        return classify(text)


def span(text):
    whole = tf.cast(tf.strings.length(text), tf.int32)
    return {"text": text, "label": text, "start": 0 * whole, "end": whole}


def spans_moved(text):
    """A tagger whose places are characters, not bytes."""
    found = {name: value[:, None] for name, value in span(text).items()}
    found["end"] = tf.strings.length(text, "UTF8_CHAR")[:, None]
    return {**found, "score": tf.ones([tf.size(text), 1]), "count": tf.ones([tf.size(text)], tf.int32)}


def no_lists(text):
    return {**classify(text), "scores": scores_of(text)[:, 1]}


def not_finite_vectors(text):
    return {"embedding": tf.fill([tf.size(text), 2], float("inf"))}


def newer_operation(text):
    tokens = tf_text.WhitespaceTokenizer().tokenize(text)
    return {"score": tf.cast(tokens.row_lengths(), tf.float32)}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (swap_labels, "label 'short', but class 1 is called 'long'"),
        (low_score, "but the highest of scores is"),
        (not_finite, "score nan"),
        (rows_lost, "label: 1 rows for 12 texts"),
        (no_scores, "'label' and 'scores' come together"),
        (no_score, "no 'score' among the outputs: scores"),
        (logits, "scores outside 0 to 1"),
        (company, "in company"),
        (spans_moved, "is not what stands from byte 0 to"),
        (not_finite_vectors, "row 0: embedding inf"),
        (no_lists, "error: the outputs are not those of an export of keras_bert"),
        (crash_on_a_long_text, "too long"),
        (newer_operation, "operations that TensorFlow Serving may not have: TFText>WhitespaceTokenizeWithOffsetsV2"),
    ],
)
def test_what_is_wrong_is_found(tmp_path, capsys, function, message):
    folder = save_model(tmp_path / "1", function)
    assert smoke_test.main([f"--folder={folder}"]) == 1
    assert message in capsys.readouterr().err


def test_labels_of_the_folder_are_believed(tmp_path, capsys):
    folder = save_model(tmp_path / "1", classify, labels=name_labels(LABELS[::-1]))
    assert smoke_test.main([f"--folder={folder}"]) == 1
    assert "is called" in capsys.readouterr().err


def test_labels_of_the_command_line_are_believed(model_folders, capsys):
    assert smoke_test.main([f"--folder={model_folders['length']}", "--labels=short,long"]) == 0
    assert smoke_test.main([f"--folder={model_folders['length']}", "--labels=short,middle,long"]) == 1
    assert "2 scores for 3 classes" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["--folder=nowhere", "--rest=http://localhost:1", "--grpc=localhost:1"])
def test_nothing_there_is_one_line(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    assert smoke_test.main([place]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_folder_needs_tensorflow_and_tensorflow_text_only(model_folders, tmp_path):
    """In a process of its own, and where neither the package nor the clients can be found."""
    script = tmp_path / "smoke_test.py"
    script.write_text(
        SCRIPT.read_text(encoding="utf-8").replace(
            "    sys.exit(main())",
            "    status = main()\n"
            "    found = {'keras_bert', 'keras_hub', 'grpc', 'client_rest', 'client_grpc'} & set(sys.modules)\n"
            "    print('found', sorted(found))\n"
            "    sys.exit(status)",
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script, f"--folder={model_folders['length']}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    *_, verdict, found = done.stdout.splitlines()
    assert verdict == "all 12 answers are well formed"
    assert found == "found []"
