"""What does a served model take for long texts, and for texts of other things than words?

    python benchmarks/served_inputs.py [--preset=minilm] [--kilobytes=1,10,100] [--models=classifying,tagging,answering]
    python benchmarks/served_inputs.py --preset=narrow --kilobytes=1000 --models=tagging,answering

Exports a classifier, a tagger and a question answerer over a preset, with fresh heads, since the work is the same, then
asks each, in a process of its own for each row of the table, for one text of each size of English words, of
punctuation, of letters with combining marks, and for as many bytes in a batch of sentences. `narrow` is a network of
one block of 32 units with the vocabulary of `minilm`: what is left is the work on the text itself. Prints a table:
seconds that a single core would take (the time of all cores together, which other work on the machine changes little),
after a warm-up with a short text, and how far the memory of the process rises above what it had before the call
(Linux only).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

KINDS = {
    "words": "The king of the old city lived in a house near the river and read books. ",
    "punctuation": "!?.,;:-()\"'",
    "combining marks": "e\u0301a\u0300 ",
}
FIELDS = {"classifying": ["text"], "tagging": ["text"], "answering": ["question", "context"]}
SENTENCE = 200  # bytes of a text in a batch
ASK = """
import json, sys, time
import tensorflow as tf
import tensorflow_text

folder, fields, texts = sys.argv[1], json.loads(sys.argv[2]), json.load(open(sys.argv[3], encoding="utf-8"))
model = tf.saved_model.load(folder)
ask = model.signatures["serving_default"]
def call(texts):
    columns = {name: tf.constant(["who lived there"] * len(texts)) for name in fields[:-1]}
    return ask(**columns, **{fields[-1]: tf.constant(texts)})
def megabytes(name):
    (line,) = (line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) / 1024
call(["The king lived here."] * min(len(texts[-1]), 2))
for each in texts:
    open("/proc/self/clear_refs", "w").write("5")  # the peak counts from here, not from the loading of the model
    before, start = megabytes("VmRSS"), time.process_time()
    call(each)
    print(json.dumps([time.process_time() - start, megabytes("VmHWM") - before]), flush=True)
"""


def texts_of(kind: str, size: int) -> list[str]:
    """One text of so many bytes, or a batch of sentences of as many together."""
    unit = KINDS["words" if kind == "a batch" else kind]
    if kind == "a batch":
        return [(unit * SENTENCE)[:SENTENCE]] * max(size // SENTENCE, 1)
    return [(unit * (size // len(unit.encode()) + 1)).encode()[:size].decode("utf-8", "ignore")]


def start_of(preset: str) -> Any:
    """Opens a preset; `narrow` is a small config with the vocabulary of `minilm`."""
    if preset != "narrow":
        return preset
    from keras_bert.checkpoints import without_weights
    from keras_bert.checkpoints.download import packaged_minilm
    from keras_bert.config import BertConfig

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 32}
    return without_weights(BertConfig(**sizes), packaged_minilm())


def export(preset: str, folder: Path, names: list[str]) -> None:
    """Exports the models; windows are of 256 tokens, those of questions of 384."""
    from keras_bert.tasks import BertClassifier, BertQuestionAnswerer, BertTokenClassifier

    labels = ["O", *(f"{letter}-{name}" for name in ("PER", "ORG", "LOC", "MISC") for letter in "BI")]
    makers = {
        "classifying": lambda: BertClassifier.from_preset(start_of(preset), ["yes", "no"], max_length=256),
        "tagging": lambda: BertTokenClassifier.from_preset(start_of(preset), labels, max_length=256),
        "answering": lambda: BertQuestionAnswerer.from_preset(start_of(preset), max_length=384),
    }
    for name in names:
        makers[name]().export(folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="minilm", help="folder or handle of the encoder, or narrow")
    parser.add_argument("--kilobytes", default="1,10,100", help="sizes of the texts")
    parser.add_argument("--kinds", default=",".join([*KINDS, "a batch"]), help="which texts")
    parser.add_argument("--models", default="classifying,tagging,answering", help="which of the three")
    parser.add_argument("--output", type=Path, help="where to keep the exported models; default: nowhere")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder, names = arguments.output or Path(scratch), arguments.models.split(",")
        export(arguments.preset, folder, names)
        sizes = sorted(map(int, arguments.kilobytes.split(",")))
        print("| model | text | " + " | ".join(f"{size} kB" for size in sizes) + " |")
        print("|---|---|" + "---|" * len(sizes), flush=True)
        for name in names:
            for kind in arguments.kinds.split(","):
                path = Path(scratch) / "texts.json"
                path.write_text(json.dumps([texts_of(kind, 1000 * size) for size in sizes]), encoding="utf-8")
                command = [sys.executable, "-c", ASK, folder / name, json.dumps(FIELDS[name]), path]
                done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
                found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
                cells = [f"{seconds:.2f} s, {megabytes:.0f} MB" for seconds, megabytes in found]
                cells += [f"failed ({done.returncode})"] * (len(sizes) - len(cells))
                if done.returncode:
                    print(done.stderr[-1000:], file=sys.stderr)
                print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
