"""What do a model's formats cost, beside ONNX Runtime, OpenVINO and transformers: time, processor, memory, score?

    python benchmarks/formats.py --model=FOLDER --rows=FILE --calibration=FILE [--rounds=7] [--threads=1,2]
        [--sides="LiteRT int8;ONNX int8"] [--peers] [--peer_python=PYTHON]

FOLDER holds a fine-tuned classifier of single texts; FILEs are .tsv with a header and the columns `--text` and
`--label`, such as SST-2's dev and training rows. Everyone answers all rows, one by one, where the median time counts,
and `--batch` at a time; strings in, labels out; a process each, in turn (contest.py). Labels are compared with those
of our float32, and with the rows' own. Ours are what `keras-bert export --format --dtype` writes; LiteRT and ONNX are
answered by keras_bert.runtime, without TensorFlow. With --peers come what torch exports of the same model, in ONNX
Runtime (float32, int8) and OpenVINO (bfloat16, and int8 by NNCF), and transformers (float32).
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from contest import Entry, Result, contest

TOLERANCE = np.inf  # what differs is counted and shown
OURS = (
    ("SavedModel float32", "saved_model", "float32"),
    ("SavedModel bfloat16", "saved_model", "bfloat16"),
    ("SavedModel int8", "saved_model", "int8"),
    ("LiteRT float32", "litert", "float32"),
    ("LiteRT int8", "litert", "int8"),
    ("ONNX float32", "onnx", "float32"),
    ("ONNX int8", "onnx", "int8"),
)
PEERS = (
    ("torch.onnx + ONNX Runtime float32", "onnx_runtime_side", "float32"),
    ("torch.onnx + ONNX Runtime int8", "onnx_runtime_side", "int8"),
    ("OpenVINO bfloat16", "openvino_side", "bfloat16"),
    ("OpenVINO int8 (NNCF)", "openvino_side", "int8"),
    ("transformers float32", "transformers_side", "float32"),
)


def main() -> None:
    """Prints a table for one text at a time and one for batches, for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of a fine-tuned classifier")
    parser.add_argument("--rows", required=True, help=".tsv file to answer")
    parser.add_argument("--calibration", required=True, help=".tsv file for the limits of static 8 bits")
    parser.add_argument("--text", default="sentence", help="column with the text")
    parser.add_argument("--label", default="label", help="column with the label")
    parser.add_argument("--batch", type=int, default=32, help="texts at a time")
    parser.add_argument("--threads", default="1,2", help="threads of each side")
    parser.add_argument("--rounds", type=int, default=7, help="how often each answers all rows")
    parser.add_argument("--max_length", type=int, default=128, help="tokens of a text at most")
    parser.add_argument("--sides", default="", help="words in the titles of those who take part, divided by semicolons")
    parser.add_argument("--peers", action="store_true", help="with the others")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter of the environment with torch")
    arguments = parser.parse_args()
    texts, labels = read(Path(arguments.rows), arguments)
    calibration, _ = read(Path(arguments.calibration), arguments)
    taking_part = [side for side in OURS if wanted(side[0], arguments.sides)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
        (folder / "calibration.txt").write_text("\n".join(calibration[:256]) + "\n", encoding="utf-8")
        classes = export_all(arguments.model, folder, taking_part, calibration[:256], arguments.max_length)
        truth = np.array([classes.index(label) for label in labels])
        for threads in map(int, arguments.threads.split(",")):
            for kind in ("latency", "strings"):
                job = {
                    "kind": kind,
                    "texts": str(folder / "texts.txt"),
                    "calibration": str(folder / "calibration.txt"),
                    "batch": arguments.batch,
                    "callers": 1,
                    "threads": threads,
                    "tokenizer": str(folder / "tokenizer.json"),
                    "max_length": arguments.max_length,
                }
                entries = {}
                for title, written, _ in taking_part:
                    program = "keras_bert_side" if written == "saved_model" else "runtime_side"
                    entries[title] = Entry(program, {**job, "model": str(folder / title)}, TOLERANCE)
                for title, program, dtype in PEERS if arguments.peers else ():
                    if wanted(title, arguments.sides):
                        peer = {**job, "model": arguments.model, "dtype": dtype}
                        entries[title] = Entry(program, peer, TOLERANCE, arguments.peer_python)
                results = contest(entries, arguments.rounds)
                size = "one by one" if kind == "latency" else f"{arguments.batch} at a time"
                print(f"\n{len(texts)} texts, {size}, {threads} thread{'s' * (threads > 1)}\n")
                print("\n".join(table(results, truth, folder, kind == "latency")), flush=True)


def wanted(title: str, sides: str) -> bool:
    """Says whether a side takes part."""
    return any(words in title for words in sides.split(";"))


def read(path: Path, arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Returns the texts and labels of a file."""
    header, *lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    text, label = header.index(arguments.text), header.index(arguments.label)
    return [line[text] for line in lines], [line[label] for line in lines]


def export_all(model: str, folder: Path, sides: list, calibration: list[str], max_length: int) -> list[str]:
    """Writes each of our formats under its title, and the tokenizer of the peers; returns the names of the classes."""
    from tokenizers import BertWordPieceTokenizer

    from keras_bert.tasks import BertClassifier

    task = BertClassifier.from_preset(model, max_length=max_length)
    for title, written, dtype in sides:
        options = {"freeze": True} if written == "saved_model" and dtype != "int8" else {}
        if (written, dtype) == ("saved_model", "int8"):
            options = {"calibration": calibration}
        task.export(folder / title, format=written, dtype=dtype, **options)
    vocabulary = str(Path(model) / "vocab.txt")
    BertWordPieceTokenizer(vocabulary, lowercase=True).save(str(folder / "tokenizer.json"))
    return list(task.labels)


def table(results: Mapping[str, Result], truth: np.ndarray, folder: Path, latency: bool) -> Iterator[str]:
    """Yields the lines of a Markdown table; the first side is what the others' labels are compared with."""
    speed = "ms for the median text" if latency else "texts a second"
    yield f"| | {speed} | times the first's time | ms of processor a text | peak memory | MB | accuracy | agreement |"
    yield "|---|---|---|---|---|---|---|---|"
    first = next(iter(results.values())).outputs
    for title, result in results.items():
        seconds, count = statistics.median(result.seconds), len(truth)
        ratio = f"{statistics.median(result.ratios):.2f} ({min(result.ratios):.2f} to {max(result.ratios):.2f})"
        cells = [
            f"{1000 * seconds:.2f}" if latency else f"{count / seconds:.0f}",
            ratio,
            f"{1000 * statistics.median(result.processor) / count:.2f}",
            f"{result.peak_mib:,.0f} MiB",
            f"{megabytes(folder / title):.1f}" if (folder / title).is_dir() else "",
            f"{100 * np.mean(result.outputs == truth):.2f}",
            f"{100 * np.mean(result.outputs == first):.2f}",
        ]
        yield f"| {title} | {' | '.join(cells)} |"


def megabytes(folder: Path) -> float:
    """Returns the size of a folder's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
