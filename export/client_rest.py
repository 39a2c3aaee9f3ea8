"""Asks a served model over REST; needs the `requests` library.

    python export/client_rest.py --model library_docs "Sorts a list in place." "Draws a circle."
    python export/client_rest.py --model library_docs < texts.txt
    python export/client_rest.py --model paraphrase --pair < pairs.tsv

Prints one JSON object a text: {"text", "label", "score"}, or {"text", "score"} for a regressor; `--scores`
adds the score of every class. Exit status: 0, or 1 after one line that says what went wrong.
"""

import base64
import sys
from collections.abc import Sequence

import requests
from command_line import Answers, answer_texts, make_parser, to_bytes


def predict(
    url: str,
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
        url: where the server's REST port is, `http://localhost:8501`.
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
        RuntimeError: the server answered with an error, which the message holds.
        requests.RequestException: no answer came.
    """
    address = f"{url.rstrip('/')}/v1/models/{model}"
    if version is not None:
        address += f"/versions/{version}"
    elif version_label is not None:
        address += f"/labels/{version_label}"
    answers: Answers = {}
    for start in range(0, len(texts), batch_size):
        rows = slice(start, start + batch_size)
        inputs = {"text": [_encode(text) for text in texts[rows]]}
        if text_pairs is not None:
            inputs["text_pair"] = [_encode(text) for text in text_pairs[rows]]
        reply = requests.post(f"{address}:predict", json={"inputs": inputs}, timeout=timeout)
        if not reply.ok:
            raise RuntimeError(f"{address}: {_error(reply)}")
        outputs = reply.json()["outputs"]
        if not isinstance(outputs, dict):
            outputs = {"score": outputs}  # the server leaves out the name of a single output: a regressor's
        for name, values in outputs.items():
            answers.setdefault(name, []).extend(values)
    return answers


def _encode(text: str | bytes) -> dict[str, str]:
    """Wraps a string for JSON, which cannot hold invalid UTF-8; the server decodes {"b64": ...}."""
    return {"b64": base64.b64encode(to_bytes(text)).decode("ascii")}


def _error(reply: requests.Response) -> str:
    """Finds the message in an answer that is no success: the server's own, or a proxy's status."""
    try:
        return str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {reply.status_code} {reply.reason}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, prints; returns the exit status."""
    parser = make_parser("Ask a served model over REST.")
    parser.add_argument("--url", default="http://localhost:8501", help="the server's REST port")
    flags = parser.parse_args(arguments)
    try:
        answer_texts(predict, flags.url, flags)
    except (RuntimeError, requests.RequestException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
