"""How well does an index of documents find the paragraph that answers a question, and how fast?

    python benchmarks/retrieval.py squad --data=squad/dev.json --distractors=squad/train.json [--embedder=minilm]
    python benchmarks/retrieval.py cmrc --data=cmrc2018/dev.json --vocabulary=bert-base-chinese.txt
    python benchmarks/retrieval.py size --data=squad/train.json --passages=100000

`squad` and `cmrc`: every paragraph of the data, and up to 1,000 of `--distractors`, is a document; each question of the
data is asked. A paragraph stands at the place of the best of its passages, passages of other paragraphs counted once a
paragraph. Prints recall at 1, 5 and 10 and the mean reciprocal rank, in percent, by words, by meaning, and by both,
fused by ranks and by scores.

`size`: an index of many passages, made of the paragraphs of the data with every tenth word exchanged for one from
elsewhere, so that no two are alike: passages a second (reading, cutting, counting words), the time of a question, the
memory that stays resident. Vectors of as many rows are made of numbers near to each other, 384 a row: the time to build
the graph, and to search it.
"""

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from keras_bert.retrieval import Index
from keras_bert.serving.near_vectors import NearVectors
from keras_bert.text import BertTokenizer

_DEPTH = 100  # passages of a question that are looked at
_ASKED = 200  # questions that are timed


def paragraphs_of(path: str) -> list[dict[str, Any]]:
    """The paragraphs of a file of SQuAD's form, with `title`, `context` and `questions`."""
    articles = json.loads(Path(path).read_text(encoding="utf-8"))["data"]
    return [
        {
            "title": article.get("title", "").replace("_", " "),
            "context": paragraph["context"],
            "questions": [question["question"] for question in paragraph["qas"]],
        }
        for article in articles
        for paragraph in article["paragraphs"]
    ]


def quality(options: argparse.Namespace) -> None:
    """Prints how often questions find their paragraph."""
    rows: dict[str, dict[str, str]] = {}
    asked: list[tuple[str, str]] = []
    for paragraph in paragraphs_of(options.data):
        rows.setdefault(paragraph["context"], {"text": paragraph["context"], "title": paragraph["title"]})
        asked += [(question, paragraph["context"]) for question in paragraph["questions"]]
    if options.distractors:
        others = paragraphs_of(options.distractors)
        random.Random(0).shuffle(others)
        wanted = len(rows) + 1000
        for paragraph in others:
            if len(rows) < wanted:
                rows.setdefault(paragraph["context"], {"text": paragraph["context"], "title": paragraph["title"]})
    numbers = {context: number for number, context in enumerate(rows)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.jsonl")
        file.write_text("".join(json.dumps(row) + "\n" for row in rows.values()), encoding="utf-8")
        begin = time.monotonic()
        index = built(Path(folder), file, options)
        seconds = time.monotonic() - begin
        print(f"{len(rows)} paragraphs, {len(index.passages)} passages in {seconds:.1f} s; {len(asked)} questions")
        paragraph_of = np.array([(passage.line or 0) - 1 for passage in index.passages])
        ways = ("words", "meaning", "ranks", "scores") if index.has_vectors else ("words",)
        for way in ways:
            method, fusion = ("both", way) if way in ("ranks", "scores") else (way, "scores")
            begin = time.monotonic()
            found = index.search([question for question, _ in asked], _DEPTH, method, fusion=fusion)
            each = (time.monotonic() - begin) / len(asked)
            places = [
                place_of(numbers[context], paragraph_of[[passage.number for passage in row]].tolist())
                for (_, context), row in zip(asked, found, strict=True)
            ]
            print_scores(way, np.array(places), each)


def built(folder: Path, file: Path, options: argparse.Namespace) -> Index:
    """The index of the benchmark's documents."""
    sizes = {"max_tokens": options.max_tokens, "overlap": options.overlap}
    if options.vocabulary:
        return Index.build(folder / "index", file, None, tokenizer=BertTokenizer(options.vocabulary), **sizes)
    return Index.build(folder / "index", file, None if options.embedder == "none" else options.embedder, **sizes)


def place_of(wanted: int, found: list[int]) -> float:
    """The place of a number among the distinct ones of a list, from 1; infinity where it is not there."""
    distinct = list(dict.fromkeys(found))
    return distinct.index(wanted) + 1 if wanted in distinct else np.inf


def print_scores(way: str, places: np.ndarray, seconds: float) -> None:
    """Prints a line of scores in percent."""
    recalls = "  ".join(f"recall@{k} {100 * np.mean(places <= k):5.1f}" for k in (1, 5, 10))
    print(f"{way:8} {recalls}  MRR {100 * np.mean(1 / places):5.1f}  {1000 * seconds:.1f} ms a question")


def size(options: argparse.Namespace) -> None:
    """Prints what an index of many passages takes."""
    draw = random.Random(0)
    paragraphs = paragraphs_of(options.data)
    words = [word for paragraph in paragraphs for word in paragraph["context"].split()]
    questions = [question for paragraph in paragraphs for question in paragraph["questions"]]
    draw.shuffle(questions)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.jsonl")
        with file.open("w", encoding="utf-8") as out:
            for number in range(options.passages):
                text = paragraphs[number % len(paragraphs)]["context"].split()[:110]
                changed = [draw.choice(words) if draw.random() < 0.1 else word for word in text]
                out.write(json.dumps({"text": " ".join(changed)}) + "\n")
        before = resident()
        begin = time.monotonic()
        Index.build(Path(folder) / "index", file, None, max_tokens=254, overlap=0)
        seconds = time.monotonic() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"built: {options.passages / seconds:.0f} passages a second, {seconds:.0f} s, peak {peak:.0f} MB")
        bytes_on_disk = sum(path.stat().st_size for path in (Path(folder) / "index").rglob("*") if path.is_file())
        begin = time.monotonic()
        index = Index.open(Path(folder) / "index")
        print(f"opened: {time.monotonic() - begin:.2f} s, {len(index.passages)} passages, {bytes_on_disk / 1e6:.0f} MB")
        times = []
        for question in questions[:_ASKED]:
            begin = time.monotonic()
            index.search(question, 5, "words")
            times.append(time.monotonic() - begin)
        print(f"by words: median {1000 * np.median(times):.1f} ms, slowest {1000 * max(times):.1f} ms")
        print(f"resident: {resident():.0f} MB, {before:.0f} MB before anything was indexed")
    centres = np.random.default_rng(0).normal(size=(2000, 384)).astype(np.float32)
    noise = np.random.default_rng(1)
    vectors = centres[noise.integers(0, 2000, options.passages)]
    vectors += noise.normal(size=vectors.shape).astype(np.float32)
    begin = time.monotonic()
    near = NearVectors(vectors)
    print(f"graph of vectors: built in {time.monotonic() - begin:.0f} s, {near.method}")
    times = []
    for query in noise.integers(0, options.passages, _ASKED):
        begin = time.monotonic()
        near.search(vectors[query : query + 1] + 0.1, 100)
        times.append(time.monotonic() - begin)
    print(f"by vectors: median {1000 * np.median(times):.1f} ms, slowest {1000 * max(times):.1f} ms")
    begin = time.monotonic()
    near.changed(np.arange(1000, options.passages), vectors[:1000] + 0.01)
    print(f"1,000 rows exchanged: {time.monotonic() - begin:.1f} s")
    print(f"resident: {resident():.0f} MB with vectors, graph and a second graph")


def resident() -> float:
    """Memory of this process in MB, as Linux counts it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measure", choices=["squad", "cmrc", "size"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--distractors")
    parser.add_argument("--embedder", default="minilm")
    parser.add_argument("--vocabulary")
    parser.add_argument("--max_tokens", type=int)
    parser.add_argument("--overlap", type=int)
    parser.add_argument("--passages", type=int, default=100_000)
    options = parser.parse_args()
    if options.measure == "size":
        size(options)
    else:
        quality(options)


if __name__ == "__main__":
    main()
