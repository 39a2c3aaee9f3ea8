"""Asks a served model over REST; needs the `requests` library.

    python export/client_rest.py --model library_docs "Sorts a list in place." "Draws a circle."
    python export/client_rest.py --model library_docs < texts.txt
    python export/client_rest.py --model paraphrase --pair < pairs.tsv
    python export/client_rest.py --model squad --fields question,context < questions.tsv

Prints one JSON object a text: {"text", "label", "score"}, or {"text", "score"} for a regressor; `--scores`
adds the score of every class; of other tasks all outputs. Exit status: 0, or 1 after one line that says what went
wrong. A user and a password may stand in the address, `https://me:secret@host`; they are sent, and never printed.
"""

import base64
import json
import sys
import threading
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

import requests
from answers import MAX_ANSWER_BYTES, Answers, Rows, finite, in_requests, printable, to_bytes, without_credentials
from command_line import answer_texts, make_parser


def predict(
    url: str,
    model: str,
    texts: Sequence[str | bytes],
    text_pairs: Sequence[str | bytes] | None = None,
    **options: Any,
) -> Answers:
    """Sends texts to the `serving_default` signature.

    Args:
        url: where the server's REST port is, `http://localhost:8501`.
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
    return ask(url, model, rows, **options)


def ask(
    url: str,
    model: str,
    rows: Rows,
    *,
    signature: str = "serving_default",
    version: int | None = None,
    version_label: str | None = None,
    batch_size: int = 32,
    timeout: float = 60.0,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> Answers:
    """Sends rows to a model of any task.

    Args:
        url: where the server's REST port is, `http://localhost:8501`; may hold a user and a password.
        model: name in models.config.
        rows: name of an input → one string a row, or one list of strings a row (`choices`); of the signature `sample`
            also one number a row (`seed`, `temperature`, `top_k`, `top_p`).
        signature: the function of the SavedModel to ask.
        version: a version to ask, instead of the latest one served.
        version_label: a label of models.config (`stable`) to ask, instead of the latest version.
        batch_size: rows in one request; at most the server's max_batch_size.
        timeout: seconds for each request, from its first byte to the last one of the answer.
        max_answer_bytes: the longest answer to one request that is read.

    Returns:
        Name of an output → one element a row.

    Raises:
        RuntimeError: no answer came, or not in time, or one that is too long or does not fit the rows; or the
            server answered with an error, which the message holds.
    """
    shown, address, auth = _parts(url)
    path = f"/v1/models/{urllib.parse.quote(model, safe='')}"
    if version is not None:
        path += f"/versions/{int(version)}"
    elif version_label is not None:
        path += f"/labels/{urllib.parse.quote(version_label, safe='')}"

    def send(part: Rows) -> Answers:
        body = {"signature_name": signature, "inputs": {name: _encode(values) for name, values in part.items()}}
        try:
            status, reason, content = _post(f"{address}{path}:predict", body, auth, timeout, max_answer_bytes)
        except (requests.RequestException, RuntimeError) as error:
            raise RuntimeError(f"{shown}: {printable(str(error))}") from None
        if status != requests.codes.ok:
            raise RuntimeError(f"{shown}{path}: {_error(status, reason, content)}")
        return _outputs(f"{shown}{path}", content)

    return in_requests(send, rows, batch_size)


def _parts(url: str) -> tuple[str, str, tuple[str, str] | None]:
    """Splits an address into what may be shown, where to send requests, and user and password."""
    shown = without_credentials(url).rstrip("/")
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise RuntimeError(f"{shown}: not an address; expected http://HOST:PORT or https://HOST:PORT")
    host = f"[{host}]" if ":" in host else host
    address = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"
    if parts.username is None:
        return shown, address, None
    return shown, address, (urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or ""))


def _post(address: str, body: dict, auth: tuple[str, str] | None, timeout: float, most: int) -> tuple[int, str, bytes]:
    """Sends a request and reads the whole answer, within a time and a size; returns status, reason and content.

    The limit of `requests` is for each piece that arrives, so that a server which sends a byte now and then would be
    waited for without end: the reading is done in a thread that is left alone when the time is over.
    """
    ends = time.monotonic() + timeout
    result: list[Any] = []

    def read() -> None:
        try:
            headers = {"Accept-Encoding": "identity"}  # what is packed may unpack to anything
            with requests.post(
                address, json=body, auth=auth, headers=headers, timeout=timeout, stream=True, allow_redirects=False
            ) as reply:
                if reply.headers.get("Content-Encoding", "identity") != "identity":
                    raise RuntimeError("the answer is compressed, which was not asked for")
                content = bytearray()
                for piece in reply.iter_content(1 << 14):
                    content += piece
                    if len(content) > most:
                        raise RuntimeError(f"the answer is longer than {most} bytes (--max_answer_bytes)")
                    if time.monotonic() > ends:
                        return
                result.append((reply.status_code, reply.reason, bytes(content)))
        except (requests.RequestException, RuntimeError, OSError) as error:
            result.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(timeout)
    if not result:
        raise RuntimeError(f"no whole answer within {timeout:g} seconds (--timeout)")
    if isinstance(result[0], Exception):
        raise RuntimeError(str(result[0])) from result[0]
    return result[0]


def _encode(value: Any) -> Any:
    """Wraps strings for JSON, which cannot hold invalid UTF-8; the server decodes {"b64": ...}. Numbers stay."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, str | bytes):
        return {"b64": base64.b64encode(to_bytes(value)).decode("ascii")}
    return [_encode(inner) for inner in value]


def _outputs(where: str, content: bytes) -> Answers:
    """Finds the outputs in an answer.

    The server leaves out the name of a single output. Of the models here two have one: a regressor's is a number a
    row, an embedder's a list of numbers.
    """
    try:
        outputs = json.loads(content)["outputs"]
        if isinstance(outputs, list):
            outputs = {"embedding" if outputs and isinstance(outputs[0], list) else "score": outputs}
        if isinstance(outputs, dict) and all(isinstance(values, list) for values in outputs.values()):
            finite(outputs)  # which ends here where they are nested deeper than can be walked through
            return outputs
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise RuntimeError(
        f"{where}: the answer is not that of a TensorFlow Serving server: {printable(repr(content), 80)}"
    )


def _error(status: int, reason: str, content: bytes) -> str:
    """Finds the message in an answer that is no success: the server's own, or a proxy's status."""
    try:
        return printable(str(json.loads(content)["error"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return printable(f"HTTP {status} {reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, prints; returns the exit status."""
    parser = make_parser("Ask a served model over REST.")
    parser.add_argument("--url", default="http://localhost:8501", help="the server's REST port")
    flags = parser.parse_args(arguments)
    return answer_texts(lambda rows, **options: ask(flags.url, flags.model, rows, **options), flags)


if __name__ == "__main__":
    sys.exit(main())
