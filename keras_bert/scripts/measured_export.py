"""What an export costs and how well it answers, beside float32: the table of `keras-bert export --measure`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_bert.errors import InputError
from keras_bert.foreign_files import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_bert.tasks import BertTask

_TIMED = 200
"""Texts that are timed."""


def measure(task: BertTask, folder: str | Path, rows: Sequence[dict[str, Any]], dtype: str) -> dict[str, str]:
    """Measures an exported folder.

    Args:
        task: What was exported.
        folder: The folder.
        rows: Labelled rows, as `evaluate` reads them, of numpy values.
        dtype: The numbers of a SavedModel; other folders say it themselves.

    Returns:
        Facts in words by name, for the model card: what it is, its size, time to load, memory, time a text, texts a
        second, agreement with float32 and score.

    Raises:
        InputError: There are no rows, or the timing process failed.
    """
    from keras_bert.runtime import load
    from keras_bert.tasks.base.export_formats import in_dtype

    if not rows:
        raise InputError("--measure: there are no rows")
    what = read_json(Path(folder) / "answering.json")
    reference = in_dtype(task, "float32")
    asked = [text for row in rows for text in _asked(task, row)]
    found = _saved_answers(reference, folder, asked) if what is None else load(folder).answer(asked)
    answers = [found, reference.answer(asked)]
    (name, score), (_, expected) = (_score(task, rows, found) for found in answers)
    if what is None:
        told = {"format": "saved_model", "numbers": dtype}
    else:
        told = {"format": what["format"], "file": what["file"], "numbers": what["dtype"]}
    return {
        **told,
        "size": f"{sum(path.stat().st_size for path in Path(folder).rglob('*') if path.is_file()) / 1e6:.1f} MB",
        **_timed(folder, asked[:: max(len(asked) // _TIMED, 1)][:_TIMED]),
        "rows": f"{len(rows)}",
        name: f"{score:.4f}, float32 {expected:.4f}",
        **_agreement(*answers),
    }


def _saved_answers(task: BertTask, folder: str | Path, texts: Sequence[Any]) -> list[Any]:
    """Answers texts by a SavedModel."""
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    with task.answering_by(model.signatures["serving_default"]):
        return task.answer(texts)


def _timed(folder: str | Path, texts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Times the folder in a process of its own."""
    command = [sys.executable, "-m", "keras_bert.scripts.timed_answers", str(folder)]
    # The package as it is here, which may be no installed one.
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise InputError(f"{folder}: it cannot be timed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    took = json.loads(done.stdout.splitlines()[-1])
    return {
        "import of packages": f"{took['import_seconds']:.2f} s",
        "load and first answer": f"{took['load_seconds']:.2f} s",
        "resident memory": f"{took['resident_bytes'] / 2**20:.0f} MiB",
        "a text, one thread": f"{1000 * took['text_seconds']:.2f} ms",
        "texts a second, one thread": f"{took['texts_a_second']:.0f}",
    }


def _asked(task: BertTask, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the texts of a row by name; an embedder is asked for one at a time."""
    if type(task).__name__ == "BertEmbedder":
        return [{"text": _string(row[name])} for name in ("text", "text_pair") if name in row]
    return [{name: _string(row[name]) for name in task.text_fields}]


def _string(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [part.decode("utf-8", "replace") for part in value.tolist() if part]


def _agreement(found: Sequence[Any], expected: Sequence[Any]) -> dict[str, str]:
    """Compares answers with those of float32."""
    import numpy as np

    pairs = list(zip(found, expected, strict=True))
    first = expected[0]
    if isinstance(first, dict) and "embedding" in first:
        vectors = [np.array([answer["embedding"] for answer in side]) for side in (found, expected)]
        norms = np.prod([np.linalg.norm(side, axis=1) for side in vectors], axis=0)
        cosines = (vectors[0] * vectors[1]).sum(1) / np.maximum(norms, 1e-12)
        return {"cosine with float32": f"mean {cosines.mean():.4f}, least {cosines.min():.4f}"}
    if isinstance(first, dict) and set(first) == {"score"}:
        far = [abs(one["score"] - other["score"]) for one, other in pairs]
        return {"difference from float32": f"mean {np.mean(far):.4f}, most {max(far):.4f}"}
    same = np.mean([_decision(one) == _decision(other) for one, other in pairs])
    return {"agreement with float32": f"{100 * same:.2f} %"}


def _decision(answer: Any) -> Any:
    """Returns what an answer says, without its probability."""
    if isinstance(answer, list):
        return [(entity["start"], entity["end"], entity["label"]) for entity in answer]
    for name in ("label", "labels", "choice"):
        if name in answer:
            return set(answer[name]) if name == "labels" else answer[name]
    return (answer["answer"], answer["start"])


def _score(task: BertTask, rows: Sequence[dict[str, Any]], answers: Sequence[Any]) -> tuple[str, float]:
    """Scores answers as the field of the task counts them: the score's name and value."""
    import numpy as np

    from keras_bert.evaluation.glue import scores
    from keras_bert.evaluation.squad import squad_scores
    from keras_bert.serving.similarity import pair_similarity

    kind = type(task).__name__
    if kind == "BertQuestionAnswerer":
        right = [[answer.decode("utf-8", "replace") for answer in row["answers"]] for row in rows]
        return "f1", squad_scores([answer["answer"] for answer in answers], right)["f1"]
    if kind == "BertTokenClassifier":
        return _tag_score(task, rows, answers)
    if kind == "BertEmbedder":
        vectors = np.array([answer["embedding"] for answer in answers], np.float32)
        similarities = pair_similarity(getattr(task, "similarity", "cosine"), vectors[::2], vectors[1::2])
        labels = np.array([row["label"] for row in rows], np.float32)
        return "spearman", scores("regression", labels, similarities)["spearman"]
    if kind == "BertRegressor":
        found = np.array([answer["score"] for answer in answers], np.float32)
        return "spearman", scores("regression", np.array([row["label"] for row in rows]), found)["spearman"]
    if kind == "BertMultipleChoice":
        return "accuracy", float(np.mean([a["choice"] == row["label"] for a, row in zip(answers, rows, strict=True)]))
    right = [np.atleast_1d(row["label"]).tolist() for row in rows]
    names = [{label.decode() if isinstance(label, bytes) else str(label) for label in labels} for labels in right]
    given = [set(answer["labels"]) if "labels" in answer else {answer["label"]} for answer in answers]
    return "accuracy", float(np.mean([one == other for one, other in zip(given, names, strict=True)]))


def _tag_score(task: Any, rows: Sequence[dict[str, Any]], answers: Sequence[Any]) -> tuple[str, float]:
    """Scores the entities of texts by their places, exactly: F1 over all; of plain labels the share of words."""
    right = total = found = 0
    for row, entities in zip(rows, answers, strict=True):
        text = row["text"].decode("utf-8", "replace")
        places = [len(row["text"][:byte].decode("utf-8", "replace")) for byte in (*row["starts"], *row["ends"])]
        starts, ends = places[: len(row["starts"])], places[len(row["starts"]) :]
        numbers = task.targets(_one_row(row["label"]))[0].numpy().tolist()
        true = {(starts[first], ends[last - 1], label) for first, last, label in task.tags.entities(numbers)}
        given = {(entity["start"], entity["end"], entity["label"]) for entity in entities}
        assert all(end <= len(text) for _, end, _ in given)
        right, total, found = right + len(true & given), total + len(true), found + len(given)
    return ("f1" if task.tags.has_entities else "accuracy"), 2 * right / max(total + found, 1)


def _one_row(labels: Any) -> Any:
    import tensorflow as tf

    return tf.RaggedTensor.from_row_lengths(tf.constant(labels, tf.string), [len(labels)])
