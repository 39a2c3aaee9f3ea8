"""Asks a served model over gRPC; needs the `tensorflow-serving-api` package.

    python export/client_grpc.py --model library_docs "Sorts a list in place." "Draws a circle."
    python export/client_grpc.py --model library_docs < texts.txt
    python export/client_grpc.py --model paraphrase --pair < pairs.tsv

Prints one JSON object a text: {"text", "label", "score"}, or {"text", "score"} for a regressor; `--scores`
adds the score of every class. Exit status: 0, or 1 after one line that says what went wrong. The package
imports TensorFlow, so a start takes seconds; a program that asks often keeps the channel open.
"""

import sys
from collections.abc import Sequence

import grpc
import numpy as np
import tensorflow as tf
from command_line import Answers, answer_texts, make_parser, to_bytes
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

# gRPC refuses answers over 4 MB unless told otherwise; the server takes requests of any size.
CHANNEL_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def predict(
    target: str,
    model: str,
    texts: Sequence[str | bytes],
    text_pairs: Sequence[str | bytes] | None = None,
    *,
    version: int | None = None,
    version_label: str | None = None,
    batch_size: int = 32,
    timeout: float = 60.0,
) -> Answers:
    """Sends texts to the `serving_default` signature.

    Args:
        target: where the server's gRPC port is, `localhost:8500`.
        model: name in models.config.
        texts: one string a row; bytes are sent as they are.
        text_pairs: the second texts of a model that takes pairs, as many as `texts`.
        version: a version to ask, instead of the latest one served.
        version_label: a label of models.config (`stable`) to ask, instead of the latest version.
        batch_size: rows in one request; at most the server's max_batch_size.
        timeout: seconds to wait for each request.

    Returns:
        One list a key, one element a row: `score` (float) and, but for a regressor, `label` (str) and
        `scores` (list of float, one a class).

    Raises:
        RuntimeError: the server answered with an error, which the message holds, or not in time.
    """
    answers: Answers = {}
    with grpc.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for start in range(0, len(texts), batch_size):
            rows = slice(start, start + batch_size)
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model
            request.model_spec.signature_name = "serving_default"
            if version is not None:
                request.model_spec.version.value = version
            elif version_label is not None:
                request.model_spec.version_label = version_label
            request.inputs["text"].CopyFrom(_strings(texts[rows]))
            if text_pairs is not None:
                request.inputs["text_pair"].CopyFrom(_strings(text_pairs[rows]))
            try:
                reply = stub.Predict(request, timeout=timeout)
            except grpc.RpcError as error:
                raise RuntimeError(f"{target}: {error.code().name}: {error.details()}") from error
            for name, tensor in reply.outputs.items():
                answers.setdefault(name, []).extend(_values(tensor))
    return answers


def _strings(texts: Sequence[str | bytes]) -> TensorProto:
    """Packs strings as a string tensor of shape (rows,)."""
    return tf.make_tensor_proto([to_bytes(text) for text in texts], dtype=tf.string, shape=[len(texts)])


def _values(tensor: TensorProto) -> list:
    """Unpacks a tensor into a list of rows, strings as str."""
    array = tf.make_ndarray(tensor)
    if array.dtype == object:
        array = np.frompyfunc(lambda value: value.decode("utf-8", "replace"), 1, 1)(array)
    return array.tolist()


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, prints; returns the exit status."""
    parser = make_parser("Ask a served model over gRPC.")
    parser.add_argument("--target", default="localhost:8500", help="the server's gRPC port")
    flags = parser.parse_args(arguments)
    try:
        answer_texts(predict, flags.target, flags)
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
