"""What the contestants are asked to do: the inputs of each job, the same for all.

A job is a JSON object with `kind`, `model` (a Hugging Face folder of a classifier, or for `strings` and `latency` what
the contestant serves) and

* `inference`: `batch`, `tokens`, `dtype` and `steps`: ids without padding to logits, so many batches one after the
  other, since the first one after a pause is slower than the others;
* `training`: the same: steps of AdamW with clipping at 1, dropout as the model's config says;
* `strings`: `texts`, a file of lines, `batch`: all lines to the number of the likeliest label, `callers` at a time;
* `latency`: the same, line by line; what counts is the median time of a line;
* `generation`: `batch` sources of `tokens` tokens, `new_tokens`, `beams`, `threads`, `dtype`: ids to the ids of the
  likeliest text, all of one length (the model is a left-to-right one, not a classifier);
* `epoch`: `rows`, a .tsv file with a text and its label, 0 or 1, a line; `batch`: from there to updated weights, each
  row once, in the contestant's own way; outputs are the logits of the first rows.

`strings` and `latency` have `threads`, on which a single product may run, 0 for the contestant's own choice.

With `part`, a whole number, `epoch` does one of so many parts of its rows, and its time is counted so many times.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COMPARED = 8  # rows of `epoch` whose logits are compared
SPECIAL = 1000  # BERT's vocabularies have their special and unused entries below


def ids(job: dict[str, Any]) -> np.ndarray:
    """Returns int32 (batch, tokens), the same for each contestant."""
    vocabulary = json.loads((Path(job["model"]) / "config.json").read_text())["vocab_size"]
    shape = (job["batch"], job["tokens"])
    return np.random.default_rng(0).integers(min(SPECIAL, vocabulary // 2), vocabulary, shape).astype("int32")


def sources(job: dict[str, Any]) -> tuple[np.ndarray, list[str]]:
    """Returns sources as ids with `[CLS]` and `[SEP]`, int32 (batch, tokens), and as texts of whole words."""
    vocabulary = (Path(job["model"]) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    words = [number for number, entry in enumerate(vocabulary) if entry.isascii() and entry.isalpha()]
    inner = np.random.default_rng(0).choice(words, (job["batch"], job["tokens"] - 2))
    begin, end = (np.full((job["batch"], 1), vocabulary.index(mark)) for mark in ("[CLS]", "[SEP]"))
    texts = [" ".join(vocabulary[number] for number in row) for row in inner]
    return np.concatenate([begin, inner, end], 1).astype("int32"), texts


def labels(job: dict[str, Any]) -> np.ndarray:
    """Returns int32 (batch,)."""
    return np.random.default_rng(1).integers(0, 2, job["batch"]).astype("int32")


def labelled(job: dict[str, Any]) -> tuple[list[str], list[int]]:
    """Returns the texts and labels of the job's rows, or of the first part of them."""
    lines = Path(job["rows"]).read_text(encoding="utf-8").splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines[: len(lines) // job.get("part", 1)]]
    return [text for text, _ in pairs], [int(label) for _, label in pairs]


def texts(job: dict[str, Any]) -> list[str]:
    """Returns the lines of the job's file."""
    return Path(job["texts"]).read_text(encoding="utf-8").splitlines()


def repeated(job: dict[str, Any], run: Callable[[], Any]) -> Callable[[], Any]:
    """Returns a function that does as many steps as the job has."""

    def run_all() -> None:
        for _ in range(job["steps"]):
            run()

    return run_all


def answer_all(job: dict[str, Any], answer: Callable[[list[str]], Any]) -> tuple[Callable[[], Any], Any]:
    """Makes a job on strings of a function that answers a batch of them.

    Args:
        job: Of the kind `strings` or `latency`.
        answer: From strings to an array with a row each.

    Returns:
        What `contest.serve` takes.
    """
    is_latency = job["kind"] == "latency"
    lines = texts(job)
    size = 1 if is_latency else job["batch"]
    batches = [lines[start : start + size] for start in range(0, len(lines), size)]

    def work(part: list[list[str]], seconds: list[float]) -> None:
        for batch in part:
            began = time.perf_counter()
            answer(batch)
            seconds.append(time.perf_counter() - began)

    def run() -> float | None:
        seconds: list[float] = []
        parts = [batches[number :: job["callers"]] for number in range(job["callers"])]
        callers = [threading.Thread(target=work, args=(part, seconds)) for part in parts]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return statistics.median(seconds) if is_latency else None

    outputs = np.concatenate([answer(batch) for batch in batches])
    return run, outputs
