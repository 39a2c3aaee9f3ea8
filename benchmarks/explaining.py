"""Integrated gradients of a classifier: how complete they are, whether the words they name matter, what they cost.

    python benchmarks/explaining.py --model=runs/sst2/model --data=FOLDER/text_classification/sst2/dev.tsv
        [--text=sentence] [--skip=0] [--texts=500] [--method=integrated_gradients] [--repeats=15]
        [--peer_python=.venv-peers/bin/python]

Complete: the gap between the sum of the values and the difference of the logits, over the first texts of the file.

Deletion: the three words with the highest values are taken out of the text, and three random ones (seed 0); how often
the first lowers the logit of the predicted class more. Texts of more than six words; the texts are tokenized anew.

Cost: one explanation of one text from the vectors on, 50 steps, beside one forward and backward pass of 50 copies of
it, with the gradients of all weights, and with those of the word vectors alone; in turn, the median. With
--peer_python, that of an environment with captum, torch and transformers, also beside captum's LayerIntegratedGradients
on the same weights, ids, steps and threads, with its convergence delta.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data import read
from keras_bert.graph import graph_function
from keras_bert.tasks import open_task
from keras_bert.trust.explain.gradients import integrated_gradients
from keras_bert.trust.explain.readers.pooled import read_pooled
from keras_bert.trust.explain.scorer import scorer_of

CAPTUM = """
import json, sys, time
import torch
from captum.attr import LayerIntegratedGradients
from transformers import BertForSequenceClassification
folder, ids, baselines, target, threads = json.loads(sys.argv[1])
torch.set_num_threads(threads)
model = BertForSequenceClassification.from_pretrained(folder).eval()
explain = LayerIntegratedGradients(lambda ids: model(ids).logits, model.bert.embeddings)
for _ in sys.stdin:
    start = time.perf_counter()
    explain.attribute(
        torch.tensor([ids]), torch.tensor([baselines]), target=target, n_steps=50, method="gausslegendre",
        return_convergence_delta=True,
    )
    print(time.perf_counter() - start, flush=True)
"""


def main() -> None:
    """Measures the three and prints them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of a classifier")
    parser.add_argument("--data", required=True, help="a file with one text a row")
    parser.add_argument("--text", default="sentence", help="its column")
    parser.add_argument("--skip", type=int, default=0, help="texts that are passed over")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--method", default="integrated_gradients")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--peer_python", help="Python of an environment with captum")
    arguments = parser.parse_args()
    model = open_task(arguments.model)
    rows = read(arguments.data, text=arguments.text).skip(arguments.skip).take(arguments.texts)
    texts = [row["text"].decode() for row in rows.as_numpy_iterator()]
    start = time.perf_counter()
    found = model.explain(texts, arguments.method)
    print(f"{len(texts)} texts explained by {arguments.method} in {time.perf_counter() - start:.1f} s")
    if found[0]["gap"] is not None:
        gaps, steps = np.array([each["gap"] for each in found]), Counter(each["steps"] for each in found)
        print(f"gap: largest {gaps.max():.4%}, median {np.median(gaps):.5%}, over 1 %: {(gaps > 0.01).sum()}")
        print(f"texts by the steps they needed: {dict(steps)}", flush=True)
    print(deletion(model, found))
    if arguments.repeats:
        typical = sorted(texts, key=len)[len(texts) // 2]
        print(cost(model, typical, arguments.repeats, arguments.model, arguments.peer_python))


def deletion(model: Any, found: list[dict[str, Any]]) -> str:
    """Takes words out, and says how often the three highest matter more than three random ones."""
    random = np.random.default_rng(0)
    chosen = [each for each in found if len(each["words"]) > 6]
    parts: list[list[str]] = [[], []]
    for each in chosen:
        highest = np.argsort([-word["value"] for word in each["words"]])[:3]
        for texts, numbers in zip(parts, (highest, random.permutation(len(each["words"]))[:3]), strict=True):
            texts.append(without(each["texts"]["text"], [each["words"][number] for number in numbers]))
    labels = [model.labels.index(each["label"]) for each in chosen]
    left = [logits_of(model, texts)[np.arange(len(labels)), labels] for texts in parts]
    share = (left[0] < left[1]).mean()
    before = np.array([each["score"] for each in chosen], float)
    drops = [f"{np.mean(before - each):.2f}" for each in left] if before.size and not np.isnan(before).any() else left
    return f"deletion: three highest below three random ones in {share:.1%} of {len(chosen)} texts; mean drops {drops}"


def without(text: str, words: list[dict[str, Any]]) -> str:
    """Takes words out of a text."""
    for word in sorted(words, key=lambda word: -word["start"]):
        text = text[: word["start"]] + text[word["end"] :]
    return text


def logits_of(model: Any, texts: list[str]) -> np.ndarray:
    """Computes logits: float32 (texts, classes)."""
    forward = graph_function(lambda text: model(model.preprocessor(text), training=False))
    chunks = [texts[begin : begin + 32] for begin in range(0, len(texts), 32)]
    return np.concatenate([forward(tf.constant(chunk)).numpy() for chunk in chunks])


def cost(model: Any, text: str, repeats: int, folder: str, peer_python: str | None) -> str:
    """Times an explanation beside plain passes of as many rows, and beside captum."""
    reading = read_pooled(model, {"text": text.encode()}, model.answer([text], scores=True)[0], None)
    scorer = scorer_of(model)
    batch = {name: tf.constant(np.repeat(value, 50, 0)) for name, value in reading.inputs.items()}
    number = int(reading.readout.places[0, 1])
    weights = [variable.value for variable in model.trainable_variables]

    def trained() -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(batch, training=False)[:, number])
        return [tf.convert_to_tensor(gradient) for gradient in tape.gradient(total, weights)]

    def timed(way: Callable[[], Any]) -> Callable[[], float]:
        def seconds() -> float:
            start = time.perf_counter()
            way()
            return time.perf_counter() - start

        return seconds

    vectors = scorer.vectors(reading.inputs)
    ways = {
        "50 steps": timed(lambda: integrated_gradients(scorer, reading, "[PAD]", 50)),
        "50 rows, gradients of the weights": timed(graph_function(trained)),
        "50 rows, of the word vectors": timed(lambda: alone(scorer, reading, vectors)),
    }
    with contextlib.ExitStack() as stack:
        if peer_python:
            ways["captum"] = stack.enter_context(captum(peer_python, folder, model, reading))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeats + 2):
            for name, way in ways.items():
                times[name].append(way())
    middle = {name: statistics.median(values[2:]) for name, values in times.items()}
    ours = middle["50 steps"]
    shown = ", ".join(f"{name} {1e3 * value:.0f} ms (ours / it {ours / value:.2f})" for name, value in middle.items())
    return f"cost, {reading.inputs['token_ids'].shape[1]} tokens: {shown}"


@contextlib.contextmanager
def captum(python: str, folder: str, model: Any, reading: Any) -> Iterator[Callable[[], float]]:
    """Starts captum in a process of its own, and gives what asks it for one explanation: its own seconds."""
    ids = reading.inputs["token_ids"][0]
    baselines = np.where(reading.owner[0] >= 0, model.tokenizer.pad_token_id, ids)
    given = [folder, ids.tolist(), baselines.tolist(), int(reading.readout.places[0, 1]), os.cpu_count()]
    command = [python, "-c", CAPTUM, json.dumps(given)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        yield ask
        stdin.close()


def alone(scorer: Any, reading: Any, vectors: Any) -> Any:
    """One pass of 50 copies, with the gradients of their word vectors."""
    return scorer.integral(reading, vectors, vectors, np.ones(50), np.ones(50))


if __name__ == "__main__":
    main()
