"""Adversarial steps of real tasks: what each row's shift is, and that parts and replicas change nothing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.layers.word_shift import shifted_words
from keras_bert.tasks import BertSeq2Seq
from keras_bert.tasks.base import part_of_step
from keras_bert.training import AdamW, Fgm, RunState, make_adversary
from tests.forked_process import run_python
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags
from tests.tasks.pooled import multiple_choice_test as choices

ONE_LAYER = {"num_hidden_layers": 1}  # with dropout, whose masks are those of each row
CLASS_WEIGHTS = {"positive": 3.0, "neutral": 0.3}
SCORES = [0.1, 0.9, 0.5, 0.4, 1.0, 0.0, 0.3, 0.8]


def pairs() -> tf.data.Dataset:
    return tiny.dataset(SCORES, pairs=tiny.PAIRS)


TASKS: dict[str, tuple[Any, Any]] = {
    "classifier": (
        lambda: tiny.classifier(class_weights=CLASS_WEIGHTS, config=tiny.config(**ONE_LAYER)),
        lambda: tiny.dataset(tiny.LABELS),
    ),
    "several labels": (
        lambda: tiny.classifier(problem_type="multi_label_classification", config=tiny.config(**ONE_LAYER)),
        lambda: tiny.dataset([[label] for label in tiny.LABELS]),
    ),
    "regressor": (lambda: tiny.regressor(config=tiny.config(**ONE_LAYER)), lambda: tiny.dataset(SCORES)),
    "tagger": (lambda: tiny_tags.tagger(config=tiny.config(**ONE_LAYER)), tiny_tags.rows),
    "question answerer": (tiny_questions.answerer, tiny_questions.rows),
    "multiple choice": (
        lambda: choices.chooser(config=tiny.config(**ONE_LAYER)),
        lambda: choices.rows(choices.LABELS),
    ),
    "embedder": (
        lambda: tiny.embedder(objective="cosine", score_range=(0, 1), config=tiny.config(**ONE_LAYER)),
        pairs,
    ),
    "writer": (
        lambda: tiny_sequences.writer(config=tiny.config(**ONE_LAYER), target_dropout=0.3),
        tiny_sequences.rows,
    ),
}


def trained(task: str, adversary: Any, parts: int = 1, steps: int = 2, **options: Any) -> tuple[list[float], Any]:
    """Trains on the same batch of all rows; returns the losses of the steps, and the weights."""
    make, rows = TASKS[task]
    model = make()
    model.compile(
        AdamW(1e-2, global_clipnorm=0.05),
        accumulate=parts,
        adversary=adversary,
        **{"run_eagerly": True, "jit_compile": False, **options},
    )
    batch = next(iter(model.batches(rows(), 8)))
    losses = []
    for _ in range(steps):
        model.train_on_batch(*batch)
        losses.append(model.last_step.loss)
    return losses, np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])


@pytest.mark.parametrize(
    "name", ["freelb", "rdrop", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fgm", "pgd", "smart"))]
)
def test_parts_of_a_batch_change_nothing(name: str):
    """Three parts of 3, 3 and 2 rows with class weights and dropout, against all at once."""
    losses, weights = trained("classifier", name)
    in_parts, weights_of_parts = trained("classifier", name, parts=3)
    np.testing.assert_allclose(in_parts, losses, rtol=1e-4)
    np.testing.assert_allclose(weights_of_parts, weights, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "task",
    ["tagger", *(pytest.param(task, marks=pytest.mark.slow) for task in TASKS if task not in ("classifier", "tagger"))],
)
def test_every_task_with_labels_trains(task: str):
    plain, _ = trained(task, None, steps=1)
    for adversary in ("freelb", {"name": "rdrop", "weight": 2.0}):
        losses, _ = trained(task, adversary, steps=1)
        in_parts, _ = trained(task, adversary, parts=3, steps=1)
        np.testing.assert_allclose(in_parts, losses, rtol=1e-4)
        assert losses[0] != plain[0]
    assert np.isfinite(trained(task, "smart", steps=1)[0]).all()


@pytest.mark.parametrize("task", ["classifier", "multiple choice"])
def test_the_shift_of_a_row_has_the_length_epsilon(task: str, monkeypatch: pytest.MonkeyPatch):
    """Over all tokens of all of its texts and their numbers, padding left out; so the loss rises."""
    shifts = []

    @contextlib.contextmanager
    def noted(shift: Any) -> Iterator[None]:
        shifts.append(shift)
        with shifted_words(shift):
            yield

    monkeypatch.setattr(part_of_step, "shifted_words", noted)
    make, rows = TASKS[task]
    model = make()
    model.compile(AdamW(0.0), adversary=Fgm(epsilon=0.25), run_eagerly=True)
    inputs, *rest = next(iter(model.batches(rows(), 8)))
    mixed, _ = model.loss_and_gradients((inputs, *rest))
    lengths = np.linalg.norm(shifts[-1].numpy().reshape(8, -1), axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 0.25, rtol=1e-5)
    assert (lengths > 0).sum() >= 7
    assert not shifts[-1].numpy()[inputs["padding_mask"].numpy() == 0].any()
    model.compile(AdamW(0.0), adversary=Fgm(epsilon=0.0), run_eagerly=True)
    clean, _ = model.loss_and_gradients((inputs, *rest))
    assert float(mixed) > float(clean)


@pytest.mark.slow
def test_a_graph_computes_what_eager_code_does():
    losses, weights = trained("classifier", "freelb")
    in_graph, weights_of_graph = trained("classifier", "freelb", run_eagerly=False)
    np.testing.assert_allclose(in_graph, losses, rtol=1e-4)
    np.testing.assert_allclose(weights_of_graph, weights, rtol=0, atol=1e-5)


def test_gradient_checkpointing_draws_the_same_masks():
    losses, weights = trained("classifier", "freelb", steps=1)
    model = TASKS["classifier"][0]()
    model.encoder.gradient_checkpointing = True
    model.compile(AdamW(1e-2, global_clipnorm=0.05), adversary="freelb", run_eagerly=True, jit_compile=False)
    model.train_on_batch(*next(iter(model.batches(tiny.dataset(tiny.LABELS), 8))))
    assert model.last_step.loss == pytest.approx(losses[0], rel=1e-5)
    found = np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])
    np.testing.assert_allclose(found, weights, rtol=0, atol=1e-5)


def test_a_run_goes_on_with_the_masks_it_would_have_had(tmp_path: Path):
    """Four steps, or two, a checkpoint, a new process' model, and two more."""
    weights = []
    for stop in (4, 2):
        model = TASKS["classifier"][0]()
        model.compile(AdamW(1e-2), adversary="freelb", run_eagerly=True)
        batches = model.batches(tiny.dataset(tiny.LABELS), 2)
        state = RunState(tmp_path / str(stop), every_steps=2)
        state.restore(model)
        model.fit(batches.take(stop), callbacks=[state], verbose=0)
        if stop == 2:
            model = TASKS["classifier"][0]()
            model.compile(AdamW(1e-2), adversary="freelb", run_eagerly=True)
            state = RunState(tmp_path / str(stop), every_steps=2)
            assert state.restore(model)
            model.fit(batches.skip(stop), callbacks=[state], verbose=0)
        weights.append(np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables]))
    np.testing.assert_array_equal(*weights)


def test_a_keras_file_keeps_the_adversary(tmp_path: Path):
    model = TASKS["classifier"][0]()
    model.compile(AdamW(1e-2), adversary={"name": "fgm", "epsilon": 0.125})
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    config = keras.saving.load_model(tmp_path / "model.keras").get_compile_config()
    assert make_adversary(config["adversary"]) == Fgm(epsilon=0.125)


def test_a_profile_counts_the_passes():
    model = TASKS["classifier"][0]()
    model.compile(AdamW(1e-2), adversary="fgm", run_eagerly=True)
    batch = next(iter(model.batches(tiny.dataset(tiny.LABELS), 8)))
    loss, gradients = model.loss_and_gradients(batch)
    assert np.isfinite(float(loss))
    assert len(gradients) == len(model.trainable_variables)


def packing_writer() -> BertSeq2Seq:
    encoder = BertEncoder(tiny.config(**ONE_LAYER), use_pooler=False, attention="prefix", packing=True)
    return BertSeq2Seq(encoder, tiny.preprocessor(20), max_target_length=8)


@pytest.mark.parametrize(
    ("make", "adversary", "message"),
    [
        (packing_writer, "fgm", "adversary='fgm' shifts each example by itself, and packing puts several into a row"),
        (lambda: tiny.pretrainer(), "rdrop", "BertPretrainer needs its loss as one object"),
        (lambda: tiny.classifier(dtype="mixed_bfloat16"), "smart", "moves words by less than bfloat16 can tell apart"),
        (lambda: tiny.classifier(), "fast", "adversary is one of fgm, pgd, freelb, smart, rdrop, received: 'fast'"),
    ],
)
def test_what_does_not_go_together_is_refused(make: Any, adversary: str, message: str):
    with pytest.raises(InputError, match=message):
        make().compile(adversary=adversary)


REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.training import AdamW, make_strategy
from tests.tasks.base import part_of_step_test as test

weights, strategy = {}, make_strategy("mirrored" if replicas > 1 else "none")
for name in ("fgm", "freelb", "rdrop") if replicas != 2 else ("freelb",):
    with strategy.scope():
        make, rows = test.TASKS["classifier"]
        model = make()
        model.compile(AdamW(1e-2, global_clipnorm=0.05), adversary=name, jit_compile=False)
    # Batches of 5 and of 3: replicas with different numbers of rows, and with none.
    model.fit(model.batches(rows(), 5), epochs=2, verbose=0)
    weights[name] = np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])
np.savez(sys.argv[2], **weights)
print()
"""


@pytest.mark.slow
def test_replicas_change_nothing(tmp_path: Path):
    """With dropout, whose masks are those of each row, wherever it is computed."""
    for replicas in (1, 2, 4):
        run_python(REPLICAS, replicas, tmp_path / f"{replicas}.npz")
    with np.load(tmp_path / "1.npz") as one:
        for replicas in (2, 4):
            with np.load(tmp_path / f"{replicas}.npz") as many:
                for name in many.files:
                    np.testing.assert_allclose(many[name], one[name], rtol=0, atol=1e-5, err_msg=f"{name}, {replicas}")
