"""The command line of the two clients: their flags, reading texts, printing answers.

Strings are bytes all the way, so that text that is not valid UTF-8 reaches the server as it is.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from answers import MAX_ANSWER_BYTES, Answers, printable, to_bytes, to_json


def make_parser(description: str) -> argparse.ArgumentParser:
    """Makes the flags of a client, where the server is aside."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("text", nargs="*", help="texts; without any, the lines of standard input")
    parser.add_argument("--model", default="library_docs", help="name in models.config")
    parser.add_argument("--version", type=int, help="a version, instead of the latest one served")
    parser.add_argument("--version_label", help="a label of models.config, such as stable")
    parser.add_argument("--pair", action="store_true", help="each text is two with a tab between: text,text_pair")
    parser.add_argument("--fields", default="text", help="the parts of a text with tabs between: question,context")
    parser.add_argument("--scores", action="store_true", help="print the score of every class")
    parser.add_argument("--batch_size", type=int, default=32, help="rows in one request")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for each request and its whole answer")
    parser.add_argument("--max_answer_bytes", type=int, default=MAX_ANSWER_BYTES, help="longest answer to a request")
    return parser


def read_rows(arguments: Sequence[str], fields: Sequence[str]) -> dict[str, list]:
    """Takes the texts of the command line, or the lines of standard input, and splits them at tabs.

    The last field takes the rest of a line with its tabs; `choices` takes a list, one choice a part.
    """
    lines = [to_bytes(argument) for argument in arguments]
    if not lines:
        lines = sys.stdin.buffer.read().splitlines()
    rows: dict[str, list] = {name: [] for name in fields}
    for line in lines:
        parts = line.split(b"\t", len(fields) - 1)
        parts += [b""] * (len(fields) - len(parts))
        for name, part in zip(fields, parts, strict=True):
            rows[name].append(part.split(b"\t") if name == "choices" else part)
    return rows


def answer_texts(ask: Callable[..., Answers], flags: argparse.Namespace) -> int:
    """Asks for the texts and prints one JSON object for each.

    Args:
        ask: Takes rows and the options that both clients have.
        flags: Of `make_parser`.

    Returns:
        The exit status: 0, or 1 after one line on standard error.
    """
    rows = read_rows(flags.text, ["text", "text_pair"] if flags.pair else flags.fields.split(","))
    names = ("version", "version_label", "batch_size", "timeout", "max_answer_bytes")
    try:
        answers = ask(rows, **{name: getattr(flags, name) for name in names})
    except (RuntimeError, ValueError, OSError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    for index in range(len(next(iter(rows.values())))):
        asked = {name: _text(values[index]) for name, values in rows.items()}
        print(to_json({**asked, **_answer({name: values[index] for name, values in answers.items()}, flags.scores)}))
    return 0


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else [_text(inner) for inner in value]


def _answer(row: dict[str, Any], scores: bool) -> dict[str, Any]:
    """Picks what is printed of a row: of classifiers and regressors the answer, of other tasks everything."""
    if "labels_padded" in row and isinstance(row.get("count"), int):  # several labels a text
        row = {**row, "labels": row["labels_padded"][: row["count"]]}
        names = ["labels"]
    elif row.keys() <= {"label", "score", "scores"}:
        names = ["label", "score"]
    else:
        return row
    return {name: row[name] for name in (*names, *(["scores"] if scores else [])) if name in row}
