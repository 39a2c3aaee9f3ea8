"""The warm-up file is what TensorFlow Serving reads, and the model answers what is in it."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.serving.warmup import MOST_ROWS, WARMUP_FILE, warmup_requests, write_warmup
from keras_bert.tasks import BertMultipleChoice
from tests.tasks import tiny, tiny_questions

TEXT = {"text": tf.TensorSpec([None], tf.string, name="text")}
PAIR = {**TEXT, "text_pair": tf.TensorSpec([None], tf.string, name="text_pair")}
CHOICES = {**TEXT, "choices": tf.TensorSpec([None, None], tf.string, name="choices")}


def read(folder: Path) -> list[Any]:
    """The requests of a file, as the server's own messages."""
    log = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason="needs the serving extra")
    records = tf.data.TFRecordDataset(str(folder / WARMUP_FILE)).as_numpy_iterator()
    logs = [log.PredictionLog.FromString(record) for record in records]
    assert {one.WhichOneof("log_type") for one in logs} <= {"predict_log"}
    assert all(not one.FindInitializationErrors() for one in logs)
    return [one.predict_log.request for one in logs]


def rows_of(request: Any) -> dict[str, Any]:
    return {name: tf.make_ndarray(tensor).tolist() for name, tensor in request.inputs.items()}


def test_each_row_and_all_together(tmp_path: Path):
    write_warmup(tmp_path, warmup_requests(["good", "x" * 300, b"\xff", "中\ud800"], TEXT))
    requests = read(tmp_path)
    rows = [b"good", b"x" * 300, b"\xff", "中".encode() + b"\xed\xa0\x80"]
    assert [rows_of(request) for request in requests] == [*({"text": [row]} for row in rows), {"text": rows}]
    assert {request.model_spec.signature_name for request in requests} == {"serving_default"}


def test_rows_as_answer_takes_them(tmp_path: Path):
    rows = [("a", "b"), {"text": "c", "text_pair": "d", "label": 1}]
    write_warmup(tmp_path, warmup_requests(rows, PAIR))
    assert rows_of(read(tmp_path)[-1]) == {"text": [b"a", b"c"], "text_pair": [b"b", b"d"]}


def test_choices_in_unlike_numbers_are_not_put_together(tmp_path: Path):
    write_warmup(tmp_path, warmup_requests([("a", ["b", "c"]), ("d", ["e", "f", "g"])], CHOICES))
    assert [rows_of(request)["choices"] for request in read(tmp_path)] == [[[b"b", b"c"]], [[b"e", b"f", b"g"]]]


def test_rows_beyond_the_first_are_not_read():
    def endless():
        while True:
            yield "text"

    assert len(warmup_requests(endless(), TEXT)) == MOST_ROWS + 1


def test_no_rows_are_no_file(tmp_path: Path):
    write_warmup(tmp_path, warmup_requests([], TEXT))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "inputs"),
    [(("a", "b"), TEXT), ("a", PAIR), ({"text": "a"}, PAIR), (("a", "b"), CHOICES), ({"text": ["a"]}, TEXT)],
)
def test_a_row_that_the_model_does_not_take(row: Any, inputs: Any):
    with pytest.raises(InputError, match=r"warm-up row 0: expected text \(a string\)"):
        warmup_requests([row], inputs)


@pytest.mark.parametrize(
    "make",
    [tiny.classifier, tiny_questions.answerer, lambda: tiny.make(BertMultipleChoice)],
    ids=["text", "qa", "choose"],
)
def test_every_export_has_one_that_it_answers(tmp_path: Path, make: Any):
    make().export(tmp_path / "1")
    (request,) = read(tmp_path / "1")
    signature = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    outputs = signature(**{name: tf.constant(values) for name, values in rows_of(request).items()})
    assert {len(output) for output in outputs.values()} == {1}


def test_the_texts_of_the_caller_or_none(tmp_path: Path):
    model = tiny.classifier()
    model.export(tmp_path / "1", warmup=["my own text"], freeze=True)
    assert [rows_of(request) for request in read(tmp_path / "1")] == [{"text": [b"my own text"]}]
    model.export(tmp_path / "2", warmup=[])
    assert not (tmp_path / "2" / "assets.extra").exists()
    with pytest.raises(InputError, match="warm-up row 0"):
        model.export(tmp_path / "3", warmup=[("two", "texts")])
    assert not (tmp_path / "3").exists()
