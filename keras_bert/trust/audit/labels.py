"""Which labels of rows are worth a look: confident learning, by models that have not seen them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert.data.sources.tensors import dataset_of
from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.evaluation.label_noise import LabelNoise, label_noise
from keras_bert.runtime.numbers import softmax
from keras_bert.tasks import BertClassifier, BertTask
from keras_bert.training import adamw
from keras_bert.trust.audit.class_outputs import ClassOutputs, check_classifier, class_outputs, columns_of
from keras_bert.trust.audit.finding import Finding, percent

LISTED = "doubtful_labels.jsonl"
"""The file with the rows."""


def audit_labels(
    model: BertClassifier | Callable[[], BertClassifier],
    rows: Any,
    folds: int = 5,
    epochs: int = 2,
    learning_rate: float = 5e-5,
    train_batch_size: int = 32,
    batch_size: int = 64,
    seed: int = 0,
    where: str = "the rows given",
) -> Finding:
    """Finds rows whose label is doubtful.

    The rows are dealt out into folds, each class evenly; a model is trained on all folds but one and asked about that
    one, so that none is asked about a label that it has seen.

    Args:
        model: Makes a fresh classifier, once a fold. Or a classifier that was trained on other rows: it is asked as it
            is.
        rows: Labelled rows, one label each.
        folds: How many; of no use for a trained classifier.
        epochs: Passes over the rows of the other folds.
        learning_rate: The peak rate.
        train_batch_size: Rows a step of training.
        batch_size: Rows a batch of answering.
        seed: Of the folds and the training.
        where: What the rows are.

    Returns:
        Its file `doubtful_labels.jsonl` has them, the most doubtful first: `row` (from 0), the texts, `label`, `guess`,
        and the probabilities of both.

    Raises:
        InputError: Rows with several labels, fewer rows than folds, or another task.

    References:
        Northcutt, Jiang and Chuang 2021, arXiv:1911.00068.
    """
    if isinstance(model, BertTask):
        check_classifier(model, "labels", several=False)
        found, labels = class_outputs(model, rows, batch_size, "labels"), model.labels
        how = "by the model as it is"
    else:
        if folds < 2:
            raise InputError(f"folds is {folds}; expected 2 or more: a model is trained on all of them but one")
        found, labels = _cross_validated(model, rows, folds, seed, batch_size, epochs, learning_rate, train_batch_size)
        how = f"by {folds} models, each asked about rows that it was not trained on"
    probabilities = softmax(found.logits).astype(np.float64)
    noise = label_noise(found.targets, probabilities)
    listed = _listed(found, noise, probabilities, labels)
    count, accuracy = len(found.targets), float((found.predicted == found.targets).mean())
    summary = {
        "rows worth a look": f"{len(noise.rows):,} of {count:,}, {percent(len(noise.rows) / count)}",
        "labels that are wrong, estimated": percent(noise.share),
        "accuracy beside the labels": percent(accuracy),
    }
    details = {
        "rows": count,
        "labels": list(labels),
        "thresholds": noise.thresholds.tolist(),
        "confident_counts": noise.counts.tolist(),
        "joint": noise.joint.tolist(),
        "doubtful": noise.rows.tolist(),
    }
    content = "".join(to_json(entry) + "\n" for entry in listed)
    return Finding("labels", f"{where}, {how}", summary, _WARNINGS, details, files={LISTED: content})


def _cross_validated(
    build: Callable[[], BertClassifier],
    rows: Any,
    folds: int,
    seed: int,
    ask_batch_size: int,
    epochs: int,
    learning_rate: float,
    batch_size: int,
) -> tuple[ClassOutputs, tuple[str, ...]]:
    """Trains and asks fold by fold; returns the outputs in the order of the rows, and the classes."""
    task = build()
    check_classifier(task, "labels", several=False)
    columns = columns_of(rows, task.text_fields)
    targets = task.targets(columns["label"])[0].numpy()
    if len(targets) < folds:
        raise InputError(f"{len(targets)} rows cannot be dealt out into {folds} folds")
    fold = _folds(targets, folds, seed)
    logits = np.zeros((len(targets), len(task.labels)), np.float32)
    texts: list[tuple[str, ...]] = [()] * len(targets)
    for part in range(folds):
        task = task if part == 0 else build()
        learned, asked = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        batches = task.batches(_taken(columns, learned), batch_size, shuffle=True, seed=seed)
        task.compile(adamw(learning_rate, steps=int(batches.cardinality()) * epochs))
        task.fit(batches, epochs=epochs, verbose=0)
        found = class_outputs(task, _taken(columns, asked), ask_batch_size, "labels")
        logits[asked] = found.logits
        for place, text in zip(asked, found.texts, strict=True):
            texts[place] = text
    return ClassOutputs(texts, logits, targets, logits.argmax(axis=1)), task.labels


def _folds(targets: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deals rows out, those of each class one after the other: int (rows,)."""
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(targets)), targets))
    fold = np.empty(len(targets), np.int64)
    fold[order] = np.arange(len(targets)) % folds
    return fold


def _taken(columns: dict[str, Any], places: np.ndarray) -> tf.data.Dataset:
    return dataset_of({name: tf.gather(column, places) for name, column in columns.items()})


def _listed(
    found: ClassOutputs, noise: LabelNoise, probabilities: np.ndarray, labels: tuple[str, ...]
) -> list[dict[str, Any]]:
    entries = []
    for row, guess in zip(noise.rows.tolist(), noise.guesses.tolist(), strict=True):
        label = int(found.targets[row])
        texts = dict(zip(("text", "text_pair"), found.texts[row], strict=False))
        shares = {"label_probability": probabilities[row, label], "guess_probability": probabilities[row, guess]}
        rounded = {name: round(float(value), 4) for name, value in shares.items()}
        entries.append({"row": row, **texts, "label": labels[label], "guess": labels[guess], **rounded})
    return entries


_WARNINGS = (
    "A row worth a look is no wrong label: hard and unusual rows are among them, and rows of a class that the models "
    "have not learned. Look, and change only what a reader would.",
    "Leaving out whatever a model doubts makes the data easier, and scores on it better than they should be.",
)
