"""The requests that TensorFlow Serving sends a model to itself before it answers anybody."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_bert.serving.request_rows import request_row, text_shape

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks, from the SavedModel's folder."""

MOST_ROWS = 32
"""Rows that are used: as many as one request has in the server's settings in `export/`."""

# Numbers of fields: tensorflow_serving/apis/prediction_log.proto, predict.proto and model.proto. They are written here
# by hand, since the package that has these messages is an extra.
_PREDICT_LOG = 6  # PredictionLog.predict_log
_REQUEST = 1  # PredictLog.request
_MODEL_SPEC, _INPUTS = 1, 2  # PredictRequest
_SIGNATURE_NAME = 3  # ModelSpec
_KEY, _VALUE = 1, 2  # an entry of a map


def warmup_requests(
    rows: Iterable[Any], inputs: Mapping[str, tf.TensorSpec], signature: str = "serving_default"
) -> list[bytes]:
    """Makes requests of rows: one of each row, and one of all together.

    The first requests decide how oneDNN lays out frozen weights in float32, and a single text comes first.

    Args:
        rows: Texts as `answer` takes them: strings, tuples of strings, or dicts by the inputs' names; the first
            `MOST_ROWS` are used, other fields of a dict are passed over.
        inputs: Name → spec of what the signature takes, string (batch,), or (batch, choices).
        signature: Its name.

    Returns:
        Serialized `PredictionLog` messages.

    Raises:
        InputError: A row has not what the signature takes.

    Example:
        >>> spec = {"text": tf.TensorSpec([None], tf.string, name="text")}
        >>> len(warmup_requests(["good", "bad"], spec))
        3
    """
    first = zip(range(MOST_ROWS), rows, strict=False)
    found = [request_row(row, inputs, f"warm-up row {number}") for number, row in first]
    groups = [[row] for row in found]
    # Choices of unlike numbers are no tensor.
    if len(found) > 1 and len({tuple(text_shape(row[name]) for name in inputs) for row in found}) == 1:
        groups.append(found)
    return [_prediction_log({name: [row[name] for row in group] for name in inputs}, signature) for group in groups]


def write_warmup(folder: Path, requests: Sequence[bytes]) -> None:
    """Writes requests into the folder of a SavedModel; nothing if there are none.

    References:
        https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    if not requests:
        return
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            writer.write(request)


def _prediction_log(rows: Mapping[str, Sequence[Any]], signature: str) -> bytes:
    entries = [
        _field(_KEY, name.encode()) + _field(_VALUE, tf.make_tensor_proto(values, tf.string).SerializeToString())
        for name, values in rows.items()
    ]
    spec = _field(_SIGNATURE_NAME, signature.encode())
    request = _field(_MODEL_SPEC, spec) + b"".join(_field(_INPUTS, entry) for entry in entries)
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes, a string or a message: its number and kind, its length, itself."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number, seven bits a byte, the lowest first; all but the last byte have the eighth bit set."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
