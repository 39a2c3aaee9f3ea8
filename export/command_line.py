"""What the two clients share: their flags, reading texts, printing answers.

Strings are bytes all the way, so that text that is not valid UTF-8 reaches the server as it is.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

Answers = dict[str, list]


def make_parser(description: str) -> argparse.ArgumentParser:
    """Makes the flags of a client, `--url` or `--target` aside."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("text", nargs="*", help="texts; without any, the lines of standard input")
    parser.add_argument("--model", default="library_docs", help="name in models.config")
    parser.add_argument("--version", type=int, help="a version, instead of the latest one served")
    parser.add_argument("--version_label", help="a label of models.config, such as stable")
    parser.add_argument("--pair", action="store_true", help="each text is two, separated by a tab")
    parser.add_argument("--scores", action="store_true", help="print the score of every class")
    parser.add_argument("--batch_size", type=int, default=32, help="rows in one request")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for each request")
    return parser


def to_bytes(text: str | bytes) -> bytes:
    """UTF-8 of a string; what the shell passed and Python could not decode is given back as it was."""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def read_texts(arguments: Sequence[str], pair: bool) -> tuple[list[bytes], list[bytes] | None]:
    """Takes the texts of the command line, or the lines of standard input; splits pairs at the first tab."""
    lines = [to_bytes(argument) for argument in arguments]
    if not lines:
        lines = sys.stdin.buffer.read().splitlines()
    if not pair:
        return lines, None
    parts = [line.partition(b"\t") for line in lines]
    return [first for first, _, _ in parts], [second for _, _, second in parts]


def answer_texts(predict: Callable[..., Answers], address: str, flags: argparse.Namespace) -> None:
    """Asks for the texts and prints one JSON object for each.

    Args:
        predict: the `predict` of a client.
        address: of the server, in the client's form.
        flags: of `make_parser`.
    """
    texts, text_pairs = read_texts(flags.text, flags.pair)
    answers = predict(
        address,
        flags.model,
        texts,
        text_pairs,
        version=flags.version,
        version_label=flags.version_label,
        batch_size=flags.batch_size,
        timeout=flags.timeout,
    )
    names = ["label", "score"]
    if "labels_padded" in answers:  # several labels a text
        counts = answers["count"]
        answers["labels"] = [row[:count] for row, count in zip(answers["labels_padded"], counts, strict=True)]
        names = ["labels"]
    if flags.scores:
        names.append("scores")
    for index, text in enumerate(texts):
        row = {"text": text.decode("utf-8", "replace")}
        if text_pairs is not None:
            row["text_pair"] = text_pairs[index].decode("utf-8", "replace")
        row |= {name: answers[name][index] for name in names if name in answers}
        print(json.dumps(row, ensure_ascii=False))
