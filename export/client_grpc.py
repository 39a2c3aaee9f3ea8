"""Asks a served model over gRPC; needs the `tensorflow-serving-api` package.

    python export/client_grpc.py --model library_docs "Sorts a list in place." "Draws a circle."
    python export/client_grpc.py --model library_docs < texts.txt
    python export/client_grpc.py --model paraphrase --pair < pairs.tsv
    python export/client_grpc.py --model squad --fields question,context < questions.tsv
    python export/client_grpc.py --target models.example.com:443 --tls "Draws a circle."

Prints one JSON object a text: {"text", "label", "score"}, or {"text", "score"} for a regressor; `--scores`
adds the score of every class; of other tasks all outputs. Exit status: 0, or 1 after one line that says what went
wrong. The package imports TensorFlow, so a start takes seconds; a program that asks often keeps the process.

Without `--tls` texts and answers travel as they are, for anybody on the way to read.
"""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from answers import MAX_ANSWER_BYTES, Answers, Rows, in_requests, printable, to_bytes, without_credentials
from command_line import answer_texts, make_parser
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def predict(
    target: str,
    model: str,
    texts: Sequence[str | bytes],
    text_pairs: Sequence[str | bytes] | None = None,
    **options: Any,
) -> Answers:
    """Sends texts to the `serving_default` signature.

    Args:
        target: where the server's gRPC port is, `localhost:8500`.
        model: name in models.config.
        texts: one string a row; bytes are sent as they are.
        text_pairs: the second texts of a model that takes pairs, as many as `texts`.
        **options: those of `ask`.

    Returns:
        One list a key, one element a row: `score` (float) and, but for a regressor, `label` (str) and
        `scores` (list of float, one a class).

    Raises:
        RuntimeError: as `ask`.
    """
    rows = {"text": texts} if text_pairs is None else {"text": texts, "text_pair": text_pairs}
    return ask(target, model, rows, **options)


def ask(
    target: str,
    model: str,
    rows: Rows,
    *,
    signature: str = "serving_default",
    version: int | None = None,
    version_label: str | None = None,
    batch_size: int = 32,
    timeout: float = 60.0,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
    tls: bool = False,
    root_certificates: str | None = None,
) -> Answers:
    """Sends rows to a model of any task.

    Args:
        target: where the server's gRPC port is, `localhost:8500`.
        model: name in models.config.
        rows: name of an input → one string a row, or one list of strings a row (`choices`); of the signature `sample`
            also one number a row (`seed`, `temperature`, `top_k`, `top_p`), of one type.
        signature: the function of the SavedModel to ask.
        version: a version to ask, instead of the latest one served.
        version_label: a label of models.config (`stable`) to ask, instead of the latest version.
        batch_size: rows in one request; at most the server's max_batch_size.
        timeout: seconds for each request, from its first byte to the last one of the answer.
        max_answer_bytes: the longest answer to one request that is read.
        tls: encrypt, and check that the server is who its certificate says.
        root_certificates: a PEM file of the authorities to trust; without it those that gRPC trusts.

    Returns:
        Name of an output → one element a row.

    Raises:
        RuntimeError: the server answered with an error, which the message holds; or not in time, or with an answer
            that is too long or does not fit the rows.
        OSError: the certificates cannot be read.
    """
    # A request may be of any size; gRPC's own limit for answers is 4 MB.
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", max_answer_bytes)]
    shown = without_credentials(target)
    if tls or root_certificates:
        roots = Path(root_certificates).read_bytes() if root_certificates else None
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)
    else:
        channel = grpc.insecure_channel(target, options)
    with channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        def send(part: Rows) -> Answers:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = signature
            if version is not None:
                request.model_spec.version.value = version
            elif version_label is not None:
                request.model_spec.version_label = version_label
            for name, values in part.items():
                request.inputs[name].CopyFrom(_tensor(values))
            try:
                reply = stub.Predict(request, timeout=timeout)
            except grpc.RpcError as error:
                details = printable((error.details() or "").replace(target, shown))
                raise RuntimeError(f"{shown}: {error.code().name}: {details}") from None
            try:
                return {name: _values(tensor, max_answer_bytes) for name, tensor in reply.outputs.items()}
            except (TypeError, ValueError) as error:
                raise RuntimeError(f"{shown}: an output is no tensor: {printable(str(error))}") from None

        return in_requests(send, rows, batch_size)


def _tensor(values: Sequence[Any]) -> TensorProto:
    """Packs strings as a string tensor of shape (rows,), lists of as many strings each as (rows, strings).

    Whole numbers become int32 (rows,), others float32, as the signature `sample` takes them.
    """
    if values and isinstance(values[0], int | float):
        whole = all(isinstance(value, int) for value in values)
        return tf.make_tensor_proto(values, tf.int32 if whole else tf.float32)
    return tf.make_tensor_proto(_to_bytes(values), dtype=tf.string)


def _to_bytes(value: Any) -> Any:
    return to_bytes(value) if isinstance(value, str | bytes) else [_to_bytes(inner) for inner in value]


def _values(tensor: TensorProto, most: int) -> list:
    """Unpacks a tensor into a list of rows, strings as str.

    A tensor of a few bytes may say that it has a shape of terabytes, filled with its one value.
    """
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if any(size < 0 for size in sizes) or math.prod(sizes) > most:
        raise ValueError(f"of shape {sizes}")
    array = tf.make_ndarray(tensor)
    if array.dtype == object:
        array = np.frompyfunc(lambda value: value.decode("utf-8", "replace"), 1, 1)(array)
    return np.atleast_1d(array).tolist()


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, prints; returns the exit status."""
    parser = make_parser("Ask a served model over gRPC.")
    parser.add_argument("--target", default="localhost:8500", help="the server's gRPC port")
    parser.add_argument("--tls", action="store_true", help="encrypt, and check the server's certificate")
    parser.add_argument("--root_certificates", help="PEM file of the authorities to trust (means --tls)")
    flags = parser.parse_args(arguments)
    more = {"tls": flags.tls, "root_certificates": flags.root_certificates}
    return answer_texts(lambda rows, **options: ask(flags.target, flags.model, rows, **options, **more), flags)


if __name__ == "__main__":
    sys.exit(main())
