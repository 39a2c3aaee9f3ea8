"""Asks an exported model, on disk or served, and checks the answers.

    python export/smoke_test.py --folder export/models/library_docs/1
    python export/smoke_test.py --rest http://localhost:8501 --model library_docs
    python export/smoke_test.py --grpc localhost:8500 --model library_docs
    python export/smoke_test.py --folder export/models/library_docs/1 "Sorts a list in place."

Sends ordinary texts and awkward ones (empty, NUL, invalid UTF-8, a megabyte, 10,000 emoji), checks shapes,
that scores are finite, that `label` and `score` belong to the highest of `scores`, and that a text gets the
same answer alone as in company; prints the answers. With `--folder`, nothing but tensorflow and tensorflow_text
is imported, and the operations of the graph are checked against those that TensorFlow Serving has.

Exit status: 0 when all is well, 1 after a line for each thing that is wrong.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

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
SERVED_OPS = {"FastBertNormalize", "FastWordpieceTokenizeWithOffsets", "TFText>FastWordpieceDetokenize"}

# How far the score of a text may move with the company it keeps: another batch is padded to another length,
# and a model frozen in bfloat16 rounds to 3 digits.
TOLERANCE = 0.02

Ask = Callable[[list[bytes], list[bytes] | None], dict[str, list]]


def check(ask: Ask, texts: list[bytes], pairs: bool, labels: Sequence[str] | None) -> tuple[list[str], dict]:
    """Asks and looks for whatever is wrong with the answers.

    Args:
        ask: texts (and second texts) to lists of `label` (str), `score` (float), `scores` (list of float).
        texts: what to ask.
        pairs: whether the model takes pairs: each text is then paired with the next.
        labels: names of the classes, in the order of `scores`, where known.

    Returns:
        One line for each thing that is wrong, and the answers.
    """
    seconds = texts[1:] + texts[:1] if pairs else None
    answers = ask(texts, seconds)
    wrong = []
    if "score" not in answers:
        return [f"no 'score' among the outputs: {', '.join(sorted(answers))}"], answers
    for name, values in answers.items():
        if len(values) != len(texts):
            wrong.append(f"{name}: {len(values)} rows for {len(texts)} texts")
    if wrong:
        return wrong, answers
    if ("label" in answers) != ("scores" in answers):
        wrong.append("'label' and 'scores' come together, or neither does")
    elif "scores" in answers:
        wrong.extend(_check_classes(answers, labels))
    wrong.extend(f"row {row}: score {score}" for row, score in enumerate(answers["score"]) if not math.isfinite(score))
    alone = ask(texts[:1], seconds[:1] if pairs else None)
    if abs(alone["score"][0] - answers["score"][0]) > TOLERANCE:
        wrong.append(f"row 0: score {answers['score'][0]} in company, {alone['score'][0]} alone")
    return wrong, answers


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


def open_folder(folder: Path) -> tuple[Ask, bool, list[str] | None]:
    """Loads a SavedModel; returns how to ask it, whether it takes pairs, and its labels.

    Raises:
        OSError: no SavedModel there, or a damaged one.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers its operations

    model = tf.saved_model.load(str(folder))
    signature = model.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]

    def ask(texts: list[bytes], text_pairs: list[bytes] | None) -> dict[str, list]:
        arguments = {"text": tf.constant(texts)}
        if text_pairs is not None:
            arguments["text_pair"] = tf.constant(text_pairs)
        try:
            tensors = signature(**arguments)
        except tf.errors.OpError as error:
            raise RuntimeError(error.message) from error
        answers = {name: tensor.numpy().tolist() for name, tensor in tensors.items()}
        if "label" in answers:
            answers["label"] = [label.decode("utf-8") for label in answers["label"]]
        return answers

    labels = None
    if "labels" in model.signatures:
        # It takes text, and gives a row for each, since a server that batches wants both.
        rows = model.signatures["labels"](text=tf.constant([""]))["labels"].numpy()
        labels = [label.decode("utf-8") for label in rows[0].tolist()]
    return ask, "text_pair" in inputs, labels


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

    def ask(texts: list[bytes], text_pairs: list[bytes] | None) -> dict[str, list]:
        return client.predict(flags.rest or flags.grpc, flags.model, texts, text_pairs)

    return ask


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line, asks, checks, prints; returns the exit status."""
    parser = argparse.ArgumentParser(description="Ask an exported model and check the answers.")
    parser.add_argument("text", nargs="*", help="texts to ask besides the built-in ones")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, help="a SavedModel")
    where.add_argument("--rest", help="a server's REST port: http://localhost:8501")
    where.add_argument("--grpc", help="a server's gRPC port: localhost:8500")
    parser.add_argument("--model", default="library_docs", help="name in models.config")
    parser.add_argument("--pair", action="store_true", help="the served model takes pairs of texts")
    parser.add_argument("--labels", help="names of the classes in the order of scores: sports,business,...")
    flags = parser.parse_args(arguments)
    texts = [text.encode("utf-8", "surrogateescape") for text in flags.text] + ORDINARY + AWKWARD
    pairs, labels, wrong = flags.pair, None, []
    try:
        if flags.folder:
            ask, pairs, labels = open_folder(flags.folder)
            if foreign := foreign_operations(flags.folder):
                wrong.append(f"operations that TensorFlow Serving may not have: {', '.join(sorted(foreign))}")
        else:
            ask = open_server(flags)
        more, answers = check(ask, texts, pairs, flags.labels.split(",") if flags.labels else labels)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    wrong.extend(more)
    for row, (text, score) in enumerate(zip(texts, answers.get("score", ()), strict=False)):
        shown = text if len(text) <= 60 else text[:50] + b"... (%d bytes)" % len(text)
        label = f"{answers['label'][row]}  " if "label" in answers else ""
        print(f"{label}{score:.4f}  {shown!r}")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    print("the answers are not right" if wrong else f"all {len(texts)} answers are well formed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
