"""A program of tests: scores models under a strategy, and says which rows this process has computed.

python -m tests.tasks.base.evaluated FOLDER [--strategy=multi_worker]
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_bert.tasks import BertMultipleChoice, BertTask, open_task
from keras_bert.tasks.base import on_replicas
from keras_bert.tasks.generation.scores import TextScoring
from keras_bert.training import make_strategy
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

ROWS = 7
BATCH_SIZE = 3  # batches of 3, 3 and 1 rows: of the last one a second worker has none


def choices() -> tf.data.Dataset:
    found = [[tiny.PAIRS[(row + index) % 8] for index in range(3)] for row in range(8)]
    columns = {"text": tiny.TEXTS, "choices": found, "label": [0, 2, 1, 1, 0, 2, 2, 0]}
    return tf.data.Dataset.from_tensor_slices(columns)


TASKS: dict[str, tuple[Callable[[], BertTask], Callable[[], tf.data.Dataset]]] = {
    "classifier": (tiny.classifier, lambda: tiny.dataset(tiny.LABELS)),
    "regressor": (tiny.regressor, lambda: tiny.dataset([0.5 * index for index in range(8)])),
    "tagger": (tiny_tags.tagger, tiny_tags.rows),
    "answerer": (tiny_questions.answerer, tiny_questions.rows),
    "chooser": (lambda: tiny.make(BertMultipleChoice), choices),
    "embedder": (tiny.embedder, lambda: tiny.dataset(pairs=tiny.PAIRS)),
    "writer": (tiny_sequences.writer, tiny_sequences.rows),
}


def scores_of(folder: Path, name: str, asked: list[str] | None = None) -> dict[str, float]:
    """Scores a model that lies in a folder; of one that writes, what it is asked is put into a list."""
    task: Any = open_task(folder / name)
    if name == "writer":
        task.text_scoring = TextScoring()
    if name == "writer" and asked is not None:
        answer = task.answer
        task.answer = lambda texts, **options: asked.extend(texts) or answer(texts, **options)
    return task.evaluate_rows(TASKS[name][1]().take(ROWS), BATCH_SIZE)


def main() -> None:
    """Prints, for each model, its scores and the rows of each batch that were this process' own."""
    folder, *rest = sys.argv[1:]
    if rest == ["--mirrored"]:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = make_strategy("mirrored" if rest == ["--mirrored"] else "multi_worker")
    own: list[list[int]] = []
    last: list[Any] = [None]
    gather = on_replicas._rows

    def counted(tensor: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        if last[0] is not numbers:  # the first tensor of a share
            last[0] = numbers
            tf.numpy_function(lambda found: own.append(found.tolist()), [numbers], [])
        return gather(tensor, numbers)

    on_replicas._rows = counted
    found = {}
    for name in TASKS:
        own.clear()
        asked: list[str] = []
        with strategy.scope():
            scores = scores_of(Path(folder), name, asked)
        found[name] = {"scores": scores, "own": list(own), "asked": asked}
    print("FOUND", json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
