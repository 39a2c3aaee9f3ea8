"""Servers that do not mean well, networks between, and addresses that hold secrets."""

import contextlib
import datetime
import gzip
import ipaddress
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("requests", reason="needs the serving extra")

import answers
import client_rest
import smoke_test


@contextlib.contextmanager
def answering(*pieces: bytes, pause: float = 0.0, endless: bool = False) -> Iterator[str]:
    """A server that sends these bytes to whoever connects; yields its address."""
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            for piece in pieces if not endless else itertools.chain(pieces, itertools.repeat(pieces[-1])):
                connection.sendall(piece)
                if stopped.wait(pause):
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "pieces",
    [(HEAD + b"\r\n", b" "), (b"HTTP/1.1 200 OK\r\n", b"X-Long: 1\r\n")],
    ids=["body without end", "headers without end"],
)
def test_the_time_is_for_the_whole_answer(pieces):
    """Each piece comes in time; the answer never ends."""
    with answering(*pieces, pause=0.05, endless=True) as url:
        began = time.monotonic()
        with pytest.raises(RuntimeError, match=r"no whole answer within 0\.4 seconds|got more than 100 headers"):
            client_rest.predict(url, "length", ["x"], timeout=0.4)
        assert time.monotonic() - began < 3


def test_a_silent_server_is_not_waited_for():
    with answering(b"", pause=5, endless=True) as url, pytest.raises(RuntimeError, match=r"0\.3"):
        client_rest.predict(url, "length", ["x"], timeout=0.3)


def test_an_endless_answer_is_cut_off():
    longer = pytest.raises(RuntimeError, match="the answer is longer than 1000000 bytes")
    with answering(HEAD + b"\r\n", b"x" * 65536, endless=True) as url, longer:
        client_rest.predict(url, "length", ["x"], max_answer_bytes=1_000_000)


def test_a_packed_answer_is_not_unpacked():
    body = gzip.compress(b" " * 100_000_000)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head + body) as url, pytest.raises(RuntimeError, match="the answer is compressed"):
        client_rest.predict(url, "length", ["x"])


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"null",
            b"[]",
            b"{}",
            b'{"outputs": 1}',
            b'{"outputs": {"score": 1}}',
            b'{"outputs": "ab"}',
            b"\xff\xfe",
        ),
        b"[" * 100_000,
        b'{"outputs": {"score": ' + b"[" * 900 + b"]" * 900 + b"}}",
    ],
)
def test_an_answer_that_is_none(content):
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(content)
    with (
        answering(head + content) as url,
        pytest.raises(RuntimeError, match="not that of a TensorFlow Serving") as raised,
    ):
        client_rest.predict(url, "length", ["x"])
    assert len(str(raised.value)) < 400


def test_a_redirect_is_not_followed():
    """It would take the texts, and the password, elsewhere."""
    reply = b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with answering(reply) as url, pytest.raises(RuntimeError, match="HTTP 307 Elsewhere"):
        client_rest.predict(url, "length", ["x"])


SECRETS = ["me:s3cret@", "me:s3/cr?e#t@", "me:s3@cret@", "s3cret@", "me:s3%40cret@"]


@pytest.mark.parametrize("place", ["127.0.0.1:1", "127.0.0.1:1/?key=s3cret", "[::1", "127.0.0.1:x", ""])
@pytest.mark.parametrize("scheme", ["http://", "ftp://", ""])
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_in_an_address_are_not_printed(secret, scheme, place, capsys):
    assert client_rest.main([f"--url={scheme}{secret}{place}", "x", "--timeout=2"]) == 1
    output = capsys.readouterr()
    assert not re.search("s3|cret", output.out + output.err)
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1


def test_user_and_password_are_sent(rest_server):
    url = rest_server.address.replace("http://", "http://me:s3%40cret@")
    assert client_rest.predict(url, "length", ["x"])["label"] == ["short"]
    assert rest_server.authorizations == ["Basic bWU6czNAY3JldA=="]  # me:s3@cret


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("localhost:8500", "localhost:8500"),
        ("me:pw@localhost:8500", "localhost:8500"),
        ("https://me:p@w/x@host/path?key=1#2", "https://host/path"),
        ("https://host/\x1b[1m", r"https://host/\x1b[1m"),
    ],
)
def test_what_is_shown_of_an_address(address, shown):
    assert answers.without_credentials(address) == shown


@pytest.mark.parametrize("size", [0, -1])
def test_batches_have_rows(size):
    with pytest.raises(ValueError, match=f"batch_size is {size}"):
        answers.in_requests(lambda rows: {}, {"text": ["x"]}, size)


def test_an_answer_without_outputs(capsys):
    """Texts without an answer, and exit status 0, would look like a success."""
    content = b'{"outputs": {}}'
    with answering(HEAD + b"Content-Length: %d\r\n\r\n" % len(content) + content) as url:
        assert client_rest.main([f"--url={url}", "x", "y"]) == 1
    assert capsys.readouterr() == ("", "error: the server answered 2 rows with no outputs\n")


def test_json_of_what_is_no_number():
    assert answers.to_json({"a": [float("nan"), float("-inf"), 1.5], "b": "\ud83d 😀"}) == (
        '{"a": [null, null, 1.5], "b": "\\ud83d 😀"}'
    )
    assert json.loads(answers.to_json("\x9b\u202e")) == "\x9b\u202e"


# -- gRPC ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[bytes, bytes, Path]:
    """Key, certificate and its file: of localhost, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pem)
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain), pem, path


class Service:
    """A gRPC server that gives every request one answer."""

    def __init__(self, reply, credentials=None):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
            def Predict(self, request, context):  # noqa: N802
                return reply

        self.server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(), self.server)
        place = "localhost:0"
        secure = self.server.add_secure_port
        port = secure(place, credentials) if credentials else self.server.add_insecure_port(place)
        self.address = f"localhost:{port}"

    def __enter__(self):
        self.server.start()
        return self.address

    def __exit__(self, *_):
        self.server.stop(grace=None).wait()


def scores(*shape: int):
    from tensorflow.core.framework.types_pb2 import DT_FLOAT
    from tensorflow_serving.apis import predict_pb2

    reply = predict_pb2.PredictResponse()
    reply.outputs["score"].dtype = DT_FLOAT
    reply.outputs["score"].float_val.append(0.5)
    for size in shape:
        reply.outputs["score"].tensor_shape.dim.add(size=size)
    return reply


def test_tls_by_a_flag(certificate, capsys):
    grpc = pytest.importorskip("grpc", reason="needs the serving extra")
    client = pytest.importorskip("client_grpc", reason="needs the serving extra")
    key, pem, path = certificate
    with Service(scores(1), grpc.ssl_server_credentials([(key, pem)])) as address:
        assert client.predict(address, "any", ["x"], root_certificates=str(path)) == {"score": [0.5]}
        assert client.main([f"--target={address}", "--tls", f"--root_certificates={path}", "x"]) == 0
        assert json.loads(capsys.readouterr().out) == {"text": "x", "score": 0.5}
        assert smoke_test.main([f"--grpc={address}", f"--root_certificates={path}"]) == 1, "one row for all"
        assert "answered 12 rows with other numbers of rows: score: 1" in capsys.readouterr().err
        # Of an authority that nobody trusts, and without TLS: no answer.
        for flags in (["--tls"], []):
            assert client.main([f"--target={address}", "--timeout=5", "x", *flags]) == 1
            assert "UNAVAILABLE" in capsys.readouterr().err
        assert client.main([f"--target={address}", "--root_certificates=nowhere.pem", "x"]) == 1
        assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("shape", [(1, 1 << 40), (1, -5), (1 << 62, 1 << 62)])
def test_a_small_message_that_says_it_is_large(shape):
    pytest.importorskip("grpc", reason="needs the serving extra")
    client = pytest.importorskip("client_grpc", reason="needs the serving extra")
    with Service(scores(*shape)) as address, pytest.raises(RuntimeError, match="an output is no tensor: of shape"):
        client.predict(address, "any", ["x"])


def test_credentials_in_a_target_are_not_printed(capsys):
    client = pytest.importorskip("client_grpc", reason="needs the serving extra")
    assert client.main(["--target=me:s3cret@localhost:1", "--timeout=2", "x"]) == 1
    assert "s3cret" not in capsys.readouterr().err
