"""Stand-ins for a TensorFlow Serving server.

The gRPC one is made of the server's real protos; the REST one follows tensorflow_serving/g3doc/api_rest.md.
"""

import base64
import json
import re
import sys
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tensorflow as tf

from tests.export.length_models import LABELS, classify, name_labels, save_model, scores_of

# The scripts of export/ find each other by name, as when they are run.
sys.path.append(str(Path(__file__).resolve().parents[2] / "export"))

MAX_BATCH_SIZE = 32


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory) -> dict[str, Path]:
    """A classifier that names its labels, one for pairs, one with several labels, a regressor."""
    folder = tmp_path_factory.mktemp("models")

    def several(text):
        answers = classify(text)
        answers["labels_padded"] = tf.where(tf.constant([[True, False]]), answers["label"][:, None], "")
        answers["count"] = tf.ones_like(answers["score"], tf.int32)
        return answers

    return {
        "length": save_model(folder / "length" / "1", classify, labels=name_labels(LABELS)),
        "pair": save_model(
            folder / "pair" / "1",
            lambda text, text_pair: classify(tf.strings.join([text, text_pair])),
            inputs=("text", "text_pair"),
        ),
        "several": save_model(folder / "several" / "1", several),
        "regressor": save_model(folder / "regressor" / "1", lambda text: {"score": 5.0 * scores_of(text)[:, 1]}),
    }


@dataclass
class Server:
    """A stand-in that serves every model of `model_folders`, and what it was asked."""

    models: dict
    address: str = ""
    requests: list[dict] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def run(self, name: str, version: str, inputs: dict[str, list], signature_name: str = "serving_default") -> dict:
        """Runs a model as the server does; returns numpy arrays.

        Raises:
            LookupError: no such model or version.
            ValueError: a request that the server refuses.
        """
        if name not in self.models or version not in ("", "1", "stable"):
            raise LookupError(f"Servable not found for request: {name} {version}".strip())
        if any(len(values) > MAX_BATCH_SIZE for values in inputs.values()):
            raise ValueError(f"Task size is larger than maximum input batch size {MAX_BATCH_SIZE}")
        self.requests.append({"model": name, "version": version, **inputs})
        signature = self.models[name].signatures[signature_name]
        specs = signature.structured_input_signature[1]
        if set(inputs) != set(specs):
            raise ValueError(f"input keys do not match the model's: {sorted(specs)}")
        outputs = signature(**{key: tf.constant(values, specs[key].dtype) for key, values in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}


def _decoded(value):
    if isinstance(value, int | float):
        return value
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else [_decoded(inner) for inner in value]


@pytest.fixture(scope="session")
def loaded_models(model_folders):
    return {name: tf.saved_model.load(str(folder)) for name, folder in model_folders.items()}


def _texts(value):
    """Strings that are not UTF-8 are no JSON, and not what an export gives of valid text."""
    if isinstance(value, list):
        return [_texts(inner) for inner in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


@pytest.fixture
def rest_server(loaded_models):
    server = Server(loaded_models)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = re.fullmatch(r"/v1/models/([^/?]+)(?:/(?:versions|labels)/([^/?]+))?:predict", self.path)
            if path is None:
                return self.reply(502, "text/html", b"<html>Bad Gateway</html>")
            server.authorizations.append(self.headers["Authorization"])
            inputs = {name: _decoded(values) for name, values in body["inputs"].items()}
            try:
                place = (urllib.parse.unquote(path[1]), urllib.parse.unquote(path[2] or ""))
                outputs = server.run(*place, inputs, body["signature_name"])
            except (LookupError, ValueError) as error:
                status = 404 if isinstance(error, LookupError) else 400
                return self.reply(status, "application/json", json.dumps({"error": str(error)}).encode())
            lists = {name: _texts(array.tolist()) for name, array in outputs.items()}
            answer = lists if len(lists) > 1 else next(iter(lists.values()))
            return self.reply(200, "application/json", json.dumps({"outputs": answer}).encode())

        def reply(self, status, content_type, body):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("localhost", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.address = f"http://localhost:{http.server_port}"
        yield server
        http.shutdown()
        thread.join()


@pytest.fixture
def grpc_server(loaded_models):
    grpc = pytest.importorskip("grpc", reason="needs the serving extra")
    pytest.importorskip("tensorflow_serving", reason="needs the serving extra")
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    server = Server(loaded_models)

    class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            spec = request.model_spec
            version = spec.version_label or (str(spec.version.value) if spec.HasField("version") else "")
            inputs = {name: tf.make_ndarray(tensor).tolist() for name, tensor in request.inputs.items()}
            try:
                outputs = server.run(spec.name, version, inputs, spec.signature_name)
            except LookupError as error:
                context.abort(grpc.StatusCode.NOT_FOUND, str(error))
            except ValueError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            reply = predict_pb2.PredictResponse(model_spec=spec)
            for name, array in outputs.items():
                reply.outputs[name].CopyFrom(tf.make_tensor_proto(array))
            return reply

    service = grpc.server(
        ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(), service)
    server.address = f"localhost:{service.add_insecure_port('localhost:0')}"
    service.start()
    yield server
    service.stop(grace=None).wait()
