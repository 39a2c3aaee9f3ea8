"""What does a served model take for long texts, and for texts of other things than words?

    python benchmarks/served_inputs.py [--preset=minilm] [--kilobytes=10,100,1000] [--output=FOLDER]

Exports a tagger and a question answerer over a preset, with fresh heads, since the work is the same, then asks each,
in a process of its own for each row of the table, for one text of that size of English words, of punctuation, of
letters with combining marks, and for as many bytes in a batch of sentences. Prints a table: seconds after a warm-up
with a short text, and the peak of the memory of the process above what it had after that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = {
    "words": "The king of the old city lived in a house near the river and read books. ",
    "punctuation": "!?.,;:-()\"'",
    "combining marks": "e\u0301a\u0300 ",
}
SENTENCE = 200  # bytes of a text in a batch
ASK = """
import json, resource, sys, time
import tensorflow as tf
import tensorflow_text

folder, fields, texts = sys.argv[1], json.loads(sys.argv[2]), json.load(open(sys.argv[3], encoding="utf-8"))
model = tf.saved_model.load(folder)
ask = model.signatures["serving_default"]
def call(texts):
    columns = {name: tf.constant(["who lived there"] * len(texts)) for name in fields[:-1]}
    return ask(**columns, **{fields[-1]: tf.constant(texts)})
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
call(["The king lived here."] * min(len(texts), 2))
before, start = peak(), time.perf_counter()
call(texts)
print(json.dumps([time.perf_counter() - start, peak() - before]))
"""


def texts_of(kind: str, size: int) -> list[str]:
    """One text of so many bytes, or a batch of sentences of as many together."""
    unit = KINDS["words" if kind == "a batch" else kind]
    if kind == "a batch":
        return [(unit * SENTENCE)[:SENTENCE]] * max(size // SENTENCE, 1)
    return [(unit * (size // len(unit.encode()) + 1)).encode()[:size].decode("utf-8", "ignore")]


def export(preset: str, folder: Path) -> dict[str, list[str]]:
    """Exports both models; returns the input fields of each."""
    from keras_bert.tasks import BertQuestionAnswerer, BertTokenClassifier

    labels = ["O", *(f"{letter}-{name}" for name in ("PER", "ORG", "LOC", "MISC") for letter in "BI")]
    models = {
        "tagging": (BertTokenClassifier.from_preset(preset, labels), ["text"]),
        "answering": (BertQuestionAnswerer.from_preset(preset, max_length=384), ["question", "context"]),
    }
    for name, (model, _) in models.items():
        model.export(folder / name)
    return {name: fields for name, (_, fields) in models.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="minilm", help="folder or handle of the encoder")
    parser.add_argument("--kilobytes", default="10,100,1000", help="sizes of the texts")
    parser.add_argument("--models", default="tagging,answering", help="which of the two")
    parser.add_argument("--output", type=Path, help="where to keep the exported models; default: nowhere")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.output or Path(scratch)
        fields = export(arguments.preset, folder)
        print("| model | text | " + " | ".join(f"{size} kB" for size in arguments.kilobytes.split(",")) + " |")
        for name in arguments.models.split(","):
            for kind in (*KINDS, "a batch"):
                cells = []
                for size in map(int, arguments.kilobytes.split(",")):
                    path = Path(scratch) / "texts.json"
                    path.write_text(json.dumps(texts_of(kind, 1000 * size)), encoding="utf-8")
                    command = [sys.executable, "-c", ASK, folder / name, json.dumps(fields[name]), path]
                    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
                    if done.returncode:
                        cells.append(f"failed ({done.returncode})")
                        continue
                    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
                    cells.append(f"{seconds:.2f} s, {megabytes:.0f} MB")
                print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
