"""Prepared examples: the batches of every task hold what those of its rows hold, from any one on, for any worker."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data import padding_share
from keras_bert.data.shards.manifest import MANIFEST
from keras_bert.data.shards.prepared import PreparedExamples
from keras_bert.errors import InputError
from keras_bert.tasks.pooled.classifier import MULTI_LABEL
from keras_bert.tasks.pooled.multiple_choice import BertMultipleChoice
from tests.data.shards.prepared_folder import prepared
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

CHOICES = [["good", "a bad film", "plot"], ["slow", "fun", ""]] * 4


def several(rows: tf.data.Dataset, times: int = 4) -> tf.data.Dataset:
    return rows.repeat(times).apply(tf.data.experimental.assert_cardinality(times * int(rows.cardinality())))


def choice_rows() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices({"text": tiny.TEXTS, "choices": CHOICES, "label": [0, 1] * 4})


def weighted_rows() -> tf.data.Dataset:
    weights = np.linspace(0, 1, len(tiny.TEXTS), dtype=np.float32)
    return tf.data.Dataset.from_tensor_slices({"text": tiny.TEXTS, "label": tiny.LABELS, "weight": weights})


TASKS: dict[str, Any] = {
    "classifier": lambda: (tiny.classifier(), tiny.dataset(tiny.LABELS)),
    "pairs": lambda: (tiny.classifier(text_pair=True), tiny.dataset(tiny.LABELS, tiny.TEXTS[::-1])),
    "weights": lambda: (tiny.classifier(class_weights={"negative": 2}), weighted_rows()),
    "several classes": lambda: (
        tiny.classifier(problem_type=MULTI_LABEL),
        tiny.dataset([[label] * (index % 2) for index, label in enumerate(tiny.LABELS)]),
    ),
    "regressor": lambda: (tiny.regressor(), tiny.dataset([float(len(text)) for text in tiny.TEXTS])),
    "ranking": lambda: (tiny.embedder(), tiny.dataset(None, tiny.TEXTS[::-1])),
    "choices": lambda: (tiny.make(BertMultipleChoice), choice_rows()),
    "tagger": lambda: (tiny_tags.tagger(), tiny_tags.rows()),
    "answerer": lambda: (tiny_questions.answerer(), tiny_questions.rows()),
    "writer": lambda: (tiny_sequences.writer(), tiny_sequences.rows()),
}


OTHERS = [name for name in TASKS if name not in ("classifier", "tagger")]


def examples_of(batches: tf.data.Dataset) -> list[str]:
    """The examples of batches without their padding, as text, so that they can be counted."""
    found = []
    for batch in batches:
        parts = [np.asarray(each) for each in tf.nest.flatten(batch)]
        for row in range(len(parts[0])):
            found.append(" ".join(str(np.trim_zeros(each[row].ravel(), "b").tolist()) for each in parts))
    return found


@pytest.mark.parametrize("name", TASKS)
def test_batches_hold_the_examples_of_the_rows(name: str, tmp_path: Path):
    task, rows = TASKS[name]()
    rows = several(rows)
    found = prepared(task, rows, tmp_path / "prepared")
    assert found.rows == int(rows.cardinality())
    for options in ({}, {"shuffle": True, "seed": 3}, {"keep_order": True}):
        ours, theirs = task.batches(found, 3, **options), task.batches(rows, 3, **options)
        assert sorted(examples_of(ours)) == sorted(examples_of(theirs))
        assert ours.cardinality() == theirs.cardinality() == len(list(ours))
        assert [spec.dtype for spec in tf.nest.flatten(ours.element_spec)] == [
            spec.dtype for spec in tf.nest.flatten(theirs.element_spec)
        ]
    in_order = [examples_of(task.batches(each, 3, keep_order=True)) for each in (found, rows)]
    assert in_order[0] == in_order[1]


@pytest.mark.parametrize(
    "name", ["classifier", "tagger", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_batches_from_one_on_are_those_of_the_whole_epoch(name: str, tmp_path: Path):
    task, rows = TASKS[name]()
    for source in (several(rows), prepared(task, several(rows), tmp_path / "prepared")):
        whole = [examples_of([batch]) for batch in task.batches(source, 2, shuffle=True, seed=4)]
        for begin in (1, len(whole) // 2, len(whole) - 1, len(whole)):
            late = task.batches(source, 2, shuffle=True, seed=4, begin=begin)
            assert [examples_of([batch]) for batch in late] == whole[begin:]
            assert late.cardinality() == len(whole) - begin


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, PreparedExamples]:
    task = tiny.classifier()
    return task, prepared(task, several(tiny.dataset(tiny.LABELS), 125), tmp_path_factory.mktemp("many") / "p", 90)


@pytest.mark.parametrize("begin", [0, 1, 63, 64, 65, 200, 333])
def test_windows_are_passed_over(many, begin: int):
    task, found = many
    whole = [examples_of([batch]) for batch in task.batches(found, 3, shuffle=True, seed=1)]
    before = found.examples_read
    late = [examples_of([batch]) for batch in task.batches(found, 3, shuffle=True, seed=1, begin=begin)]
    assert late == whole[begin:]
    assert found.examples_read - before <= (len(whole) - begin) * 3


@pytest.mark.parametrize("parts", [2, 3])
def test_workers_read_their_own_rows_of_the_same_batches(many, parts: int):
    task, found = many
    whole = [examples_of([batch]) for batch in task.batches(found, 4, shuffle=True, seed=1)]
    workers = [PreparedExamples(found.folder, part, parts) for part in range(parts)]
    shares = [[examples_of([batch]) for batch in task.batches(worker, 4, shuffle=True, seed=1)] for worker in workers]
    assert [list(itertools.chain(*of_batch)) for of_batch in zip(*shares, strict=True)] == whole
    counts = [worker.examples_read for worker in workers]
    assert sum(counts) == 1000
    assert max(counts) <= -(-4 // parts) * 250


def test_epochs_have_orders_of_their_own_and_the_seed_repeats_them(many):
    task, found = many
    epochs = [examples_of(task.batches(found, 8, shuffle=True, seed=seed)) for seed in (1, 2, 1)]
    assert epochs[0] == epochs[2] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1])


def test_no_more_is_padded_than_of_rows_in_memory(many):
    task, found = many
    in_memory = task.batches(several(tiny.dataset(tiny.LABELS), 125), 8, shuffle=True)
    assert padding_share(task.batches(found, 8, shuffle=True)) < padding_share(in_memory) + 0.02


def test_scores_of_prepared_examples_are_those_of_the_rows(tmp_path: Path):
    task, rows = TASKS["classifier"]()
    found = prepared(task, rows, tmp_path / "prepared")
    assert task.evaluate_rows(found) == pytest.approx(task.evaluate_rows(rows), abs=1e-6)


def test_fit_learns_from_them(tmp_path: Path):
    task, rows = TASKS["classifier"]()
    task.compile()
    history = task.fit(task.batches(prepared(task, several(rows), tmp_path / "p"), 4, shuffle=True), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_another_task_or_tokenizer_is_refused(tmp_path: Path):
    task, rows = TASKS["classifier"]()
    found = prepared(task, rows, tmp_path / "prepared")
    with pytest.raises(InputError, match=r"prepared with labels=\['negative', .*the model has labels=\['a', 'b'\]"):
        tiny.classifier(labels=["a", "b"]).batches(found)
    with pytest.raises(InputError, match="prepared with task='BertClassifier', the model has task='BertRegressor'"):
        tiny.regressor().batches(found)
    with pytest.raises(InputError, match="made with another vocabulary"):
        tiny_questions.answerer().batches(found)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: next(folder.glob("*.safetensors")).unlink(), "missing, and manifest.json names it"),
        (lambda folder: next(folder.glob("*.safetensors")).write_bytes(b"x"), "has 1 bytes, manifest.json says"),
        (lambda folder: (folder / MANIFEST).unlink(), "no manifest.json, so no finished prepared examples"),
        (lambda folder: (folder / MANIFEST).write_text("{}"), "not a manifest of prepared examples"),
    ],
    ids=["missing", "cut", "no manifest", "another manifest"],
)
def test_what_is_not_as_it_was_written_is_named_at_once(damage, words: str, tmp_path: Path):
    task, rows = TASKS["classifier"]()
    prepared(task, rows, tmp_path / "prepared")
    damage(tmp_path / "prepared")
    with pytest.raises(InputError, match=words):
        PreparedExamples(tmp_path / "prepared")
