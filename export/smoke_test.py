"""Asks an exported model of any task, on disk or served, and checks the answers.

    python export/smoke_test.py --folder export/models/library_docs/1
    python export/smoke_test.py --rest http://localhost:8501 --model library_docs
    python export/smoke_test.py --grpc localhost:8500 --model squad --fields question,context
    python export/smoke_test.py --folder export/models/library_docs/1 "Sorts a list in place."

Sends ordinary texts and awkward ones (empty, NUL, invalid UTF-8, a megabyte, 10,000 emoji), checks that there is a row
for each, that numbers are finite, that `label` and `score` belong to the highest of `scores`, that what is cut out of a
text stands where `start` and `end` say, that the choice is the likeliest one, that a written text is the best of its
hypotheses, that one seed of the signature `sample` draws one text, and that a text gets the same answer alone as in
company; prints the answers. With `--folder`, nothing but tensorflow and tensorflow_text is imported, and
the operations of the graph are checked against those that TensorFlow Serving has.

Exit status: 0 when all is well, 1 after a line for each thing that is wrong.
"""

import argparse
import functools
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ORDINARY = [
    b"Returns the sum of the elements along an axis.",
    b"Opens a socket and waits for a connection.",
    "Ein Text mit Umlauten, 中文 und العربية.".encode(),
]
AWKWARD = [
    b"",
    b" \t\n",
    b"before\x00after",
    b"\x00",
    b"cut off \xe4\xb8, a lone \xff, a surrogate \xed\xa0\x80",
    b"word " * (1 << 18),
    b"x" * (1 << 20),
    "\N{GRINNING FACE}".encode() * 10_000,
    b"[CLS] plain [SEP] text [MASK]",
]

# The operations of TensorFlow Text that an export may hold: TensorFlow Serving links them since 2.12. Newer
# ones, such as TFText>RoundRobinTrim, are missing in many server images (tensorflow/serving issue 2267).
# RegexSplitWithOffsets is in exports with a byte-level vocabulary.
SERVED_OPS = {
    "FastBertNormalize",
    "FastWordpieceTokenizeWithOffsets",
    "RegexSplitWithOffsets",
    "TFText>FastWordpieceDetokenize",
}

# How far a number may move with the company that a text keeps: another batch is padded to another length,
# and a model frozen in bfloat16 rounds to 3 digits.
TOLERANCE = 0.02

Ask = Callable[[dict[str, list]], dict[str, list]]


def rows_of(texts: Sequence[bytes], fields: Sequence[str]) -> dict[str, list]:
    """Makes rows of texts: each is paired with the next, or has the next two as choices."""
    seconds, thirds = [*texts[1:], *texts[:1]], [*texts[2:], *texts[:2]]
    columns = {"choices": [list(pair) for pair in zip(seconds, thirds, strict=True)]}
    return {name: columns.get(name, seconds if place else list(texts)) for place, name in enumerate(fields)}


def check(ask: Ask, rows: dict[str, list], labels: Sequence[str] | None) -> tuple[list[str], dict]:
    """Asks and looks for whatever is wrong with the answers.

    Args:
        ask: Takes rows, name of an input → one element a row, and gives the outputs in the same form.
        rows: What to ask.
        labels: Names of the classes, in the order of `scores`, where known.

    Returns:
        One line for each thing that is wrong, and the answers.
    """
    answers = ask(rows)
    number = len(next(iter(rows.values())))
    wrong = [
        f"{name}: {len(values)} rows for {number} texts" for name, values in answers.items() if len(values) != number
    ]
    if wrong:
        return wrong, answers
    for name, values in answers.items():
        numbers = ((row, value) for row, value in enumerate(values) for value in _floats(value))
        wrong.extend(f"row {row}: {name} {value}" for row, value in numbers if not math.isfinite(value))
    wrong.extend(_check_task(rows, answers, labels))
    first = ask({name: values[:1] for name, values in rows.items()})
    wrong.extend(_compared({name: values[0] for name, values in answers.items()}, {n: v[0] for n, v in first.items()}))
    return wrong, answers


def _check_task(rows: dict[str, list], answers: dict[str, list], labels: Sequence[str] | None) -> list[str]:
    """Checks what the outputs of a task have to do with each other; the outputs' names tell the task."""
    if "choice" in answers:
        return _check_choices(rows["choices"], answers)
    if "answer" in answers:
        spans = [[span] for span in zip(answers["answer"], answers["start"], answers["end"], strict=True)]
        return _check_spans(rows["context"], spans)
    if "start" in answers:
        columns = (answers[name] for name in ("text", "start", "end", "count"))
        spans = [list(zip(*found, strict=True))[:count] for *found, count in zip(*columns, strict=True)]
        return _check_spans(rows["text"], spans)
    if "hypotheses" in answers:
        columns = (answers[name] for name in ("text", "score", "hypotheses", "scores"))
        return [
            f"row {row}: text {text[:60]!r} with score {score} is not the best hypothesis, with {max(scores)}"
            for row, (text, score, hypotheses, scores) in enumerate(zip(*columns, strict=True))
            if text != hypotheses[0] or not score == scores[0] == max(scores)
        ]
    if "tokens" in answers or "embedding" in answers:
        return []
    if "score" not in answers:
        return [f"no 'score' among the outputs: {', '.join(sorted(answers))}"]
    if ("label" in answers) != ("scores" in answers):
        return ["'label' and 'scores' come together, or neither does"]
    return _check_classes(answers, labels) if "scores" in answers else []


def _check_choices(choices: list, answers: dict[str, list]) -> list[str]:
    """Checks that the choice of each row is its likeliest, and that its text is that choice's."""
    wrong = []
    columns = (answers[name] for name in ("choice", "text", "score", "scores"))
    for row, (choice, text, score, scores) in enumerate(zip(*columns, strict=True)):
        if len(scores) != len(choices[row]) or not math.isclose(sum(scores), 1.0, abs_tol=1e-2):
            wrong.append(f"row {row}: scores {scores} for {len(choices[row])} choices")
        elif scores[choice] != max(scores) or not math.isclose(score, max(scores), rel_tol=1e-5):
            wrong.append(f"row {row}: choice {choice} with score {score}, but scores are {scores}")
        elif text != choices[row][choice].decode("utf-8", "replace"):
            wrong.append(f"row {row}: text {text[:60]!r} is not that of choice {choice}")
    return wrong


def _check_spans(texts: list[bytes], spans: list[list[tuple[str, int, int]]]) -> list[str]:
    """Checks that what was found stands in its text where the answer says, in bytes."""
    return [
        f"row {row}: {found[:60]!r} is not what stands from byte {start} to {end}"
        for row, (text, of_text) in enumerate(zip(texts, spans, strict=True))
        for found, start, end in of_text
        if not 0 <= start <= end <= len(text) or text[start:end].decode("utf-8", "replace") != found
    ]


def _compared(company: Mapping[str, Any], alone: Mapping[str, Any]) -> list[str]:
    """Compares the answer to a text among others with that to the text alone."""
    wrong = []
    for name in company:
        pair = []
        for answer in (company, alone):
            value = answer.get(name)
            if isinstance(value, list) and "count" in answer and "labels_padded" not in answer:
                value = value[: answer["count"]]  # as wide as the longest answer of the batch
            pair.append(list(_floats(value)))
        first, second = pair
        if len(first) != len(second) or any(abs(a - b) > TOLERANCE for a, b in zip(first, second, strict=True)):
            shown = [json.dumps(values if len(values) != 1 else values[0])[:60] for values in pair]
            wrong.append(f"row 0: {name} {shown[0]} in company, {shown[1]} alone")
    return wrong


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for inner in value:
            yield from _floats(inner)
    elif isinstance(value, float):
        yield value


def _check_classes(answers: dict[str, list], labels: Sequence[str] | None) -> list[str]:
    """Checks that the label and the score of each row are those of its highest class."""
    wrong = []
    classes = len(labels) if labels else len(answers["scores"][0])
    names = dict(enumerate(labels)) if labels else {}
    for row, (label, score, scores) in enumerate(
        zip(answers["label"], answers["score"], answers["scores"], strict=True)
    ):
        if len(scores) != classes:
            wrong.append(f"row {row}: {len(scores)} scores for {classes} classes")
        elif not all(0.0 <= value <= 1.0 for value in scores):
            wrong.append(f"row {row}: scores outside 0 to 1: {scores}")
        elif not math.isclose(score, max(scores), rel_tol=1e-5):
            wrong.append(f"row {row}: score {score}, but the highest of scores is {max(scores)}")
        elif names.setdefault(scores.index(max(scores)), label) != label:
            wrong.append(
                f"row {row}: label {label!r}, but class {scores.index(max(scores))} is called "
                f"{names[scores.index(max(scores))]!r}"
            )
    return wrong


@functools.lru_cache(maxsize=1)
def _load(folder: Path) -> Any:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers its operations

    return tf.saved_model.load(str(folder))


def check_sample(folder: Path, texts: Sequence[bytes]) -> list[str]:
    """Draws texts twice, from a model that has a signature for it; returns a line for each thing that is wrong."""
    import tensorflow as tf

    draw = _load(folder).signatures.get("sample")
    if draw is None:
        return []
    rows = len(texts)
    chances = {"seed": list(range(rows)), "top_k": [0] * rows, "temperature": [0.9] * rows, "top_p": [0.9] * rows}
    given = {name: tf.constant(values) for name, values in {"text": list(texts), **chances}.items()}
    first, second = (_decoded(draw(**given)["text"].numpy().tolist()) for _ in range(2))
    if len(first) != rows:
        return [f"sample: {len(first)} rows for {rows} texts"]
    pairs = enumerate(zip(first, second, strict=True))
    return [f"row {row}: sample {a[:60]!r}, then {b[:60]!r} with the same seed" for row, (a, b) in pairs if a != b]


def open_folder(folder: Path) -> tuple[Ask, list[str], list[str] | None]:
    """Loads a SavedModel; returns how to ask it, the names of its inputs, and its labels.

    Raises:
        OSError: no SavedModel there, or a damaged one.
    """
    import tensorflow as tf

    model = _load(folder)
    signature = model.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    second = {"text_pair": 1, "context": 1, "choices": 1}

    def ask(rows: dict[str, list]) -> dict[str, list]:
        try:
            tensors = signature(**{name: tf.constant(values) for name, values in rows.items()})
        except tf.errors.OpError as error:
            raise RuntimeError(error.message) from error
        return {name: _decoded(tensor.numpy().tolist()) for name, tensor in tensors.items()}

    labels = None
    if "labels" in model.signatures:
        # It takes text, and gives a row for each, since a server that batches wants both.
        labels = _decoded(model.signatures["labels"](text=tf.constant([""]))["labels"].numpy()[0].tolist())
    return ask, sorted(inputs, key=lambda name: second.get(name, 0)), labels


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(inner) for inner in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def foreign_operations(folder: Path) -> set[str]:
    """Operations in the graph of a SavedModel that TensorFlow Serving may not have."""
    import tensorflow as tf
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    used = {node.op for node in graph.node}
    used.update(node.op for function in graph.library.function for node in function.node_def)
    functions = {function.signature.name for function in graph.library.function}
    return {op for op in used - functions - SERVED_OPS if not hasattr(tf.raw_ops, op.lstrip("_"))}


def open_server(flags: argparse.Namespace) -> Ask:
    """Returns how to ask a server, with the client beside this file."""
    if flags.rest:
        import client_rest as client
    else:
        import client_grpc as client

    options = {} if flags.rest else {"tls": flags.tls, "root_certificates": flags.root_certificates}
    return lambda rows: client.ask(flags.rest or flags.grpc, flags.model, rows, timeout=flags.timeout, **options)


def _shown(answer: Mapping[str, Any]) -> str:
    """What is printed of an answer: the label and the score, or the first of its numbers and words."""
    if not isinstance(answer.get("score"), float):
        line = json.dumps(answer)
        return line if len(line) <= 60 else f"{line[:57]}..."
    return f"{ascii(answer['label'])[1:-1]}  {answer['score']:.4f}" if "label" in answer else f"{answer['score']:.4f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, checks, prints; returns the exit status."""
    parser = argparse.ArgumentParser(description="Ask an exported model and check the answers.")
    parser.add_argument("text", nargs="*", help="texts to ask besides the built-in ones")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, help="a SavedModel")
    where.add_argument("--rest", help="a server's REST port: http://localhost:8501")
    where.add_argument("--grpc", help="a server's gRPC port: localhost:8500")
    parser.add_argument("--model", default="library_docs", help="name in models.config")
    parser.add_argument("--pair", action="store_true", help="the served model takes pairs: text,text_pair")
    parser.add_argument(
        "--fields", default="text", help="what the served model takes: question,context or text,choices"
    )
    parser.add_argument("--tls", action="store_true", help="of --grpc: encrypt, and check the server's certificate")
    parser.add_argument("--root_certificates", help="of --grpc: PEM file of the authorities to trust (means --tls)")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for each request to a server")
    parser.add_argument("--labels", help="names of the classes in the order of scores: sports,business,...")
    flags = parser.parse_args(arguments)
    texts = [text.encode("utf-8", "surrogateescape") for text in flags.text] + ORDINARY + AWKWARD
    fields, labels, wrong = ["text", "text_pair"] if flags.pair else flags.fields.split(","), None, []
    try:
        if flags.folder:
            ask, fields, labels = open_folder(flags.folder)
            wrong.extend(check_sample(flags.folder, texts))
            if foreign := foreign_operations(flags.folder):
                wrong.append(f"operations that TensorFlow Serving may not have: {', '.join(sorted(foreign))}")
        else:
            ask = open_server(flags)
        more, answers = check(ask, rows_of(texts, fields), flags.labels.split(",") if flags.labels else labels)
    except (TypeError, IndexError, AttributeError) as error:
        print(f"error: the outputs are not those of an export of keras_bert: {error}", file=sys.stderr)
        return 1
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    wrong.extend(more)
    for row, text in enumerate(texts):
        shown = text if len(text) <= 60 else text[:50] + b"... (%d bytes)" % len(text)
        print(f"{_shown({name: values[row] for name, values in answers.items() if row < len(values)})}  {shown!r}")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    print("the answers are not right" if wrong else f"all {len(texts)} answers are well formed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
