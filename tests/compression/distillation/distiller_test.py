"""A student in training. The truths: its teacher, one device, the terms by themselves, and the task's own loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.compression import DistillationSettings, Distiller, make_student
from keras_bert.errors import InputError
from keras_bert.training import AdamW, Run
from tests.forked_process import run_python
from tests.tasks import tiny

SIZES = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
ROWS = tiny.dataset(tiny.LABELS)
INSIDE = {"relations": ("QK", "QQ", "KK", "VV"), "hidden_weight": 0.7, "attention_weight": 0.3}


def teacher_of(layers: int = 2, **options) -> object:
    return tiny.classifier(config=tiny.config(num_hidden_layers=layers, **SIZES), **options)


def losses(distiller: Distiller, rows: tf.data.Dataset = ROWS, weights: object = None) -> float:
    """The loss of the first batch, eight rows."""
    inputs, targets, *_ = next(iter(distiller.batches(rows, 8)))
    return float(distiller.compute_loss(inputs, targets, distiller(inputs, training=True), weights))


def test_a_copy_of_its_teacher_has_nothing_to_learn():
    teacher = teacher_of(2)
    distiller = Distiller(make_student(teacher, layers=2), teacher, label_share=0.0, **INSIDE)
    assert losses(distiller) == pytest.approx(0.0, abs=1e-6)


def test_the_student_alone_learns_and_what_is_shown_is_the_loss(tmp_path):
    teacher = teacher_of(label_smoothing=0.1)
    teacher.compile(AdamW(1e-3), accumulate=2)  # as after its own training
    before = [weight.numpy() for weight in teacher.weights]
    student = make_student(teacher, layers=1)
    distiller = Distiller(student, teacher, label_share=0.4, **INSIDE)
    assert {id(weight) for weight in distiller.trainable_variables} == {id(weight) for weight in student.weights}
    distiller.compile(AdamW(1e-3))
    first = losses(distiller)
    history = distiller.fit(distiller.batches(ROWS, 8), epochs=12, verbose=0).history
    assert history["loss"][0] == pytest.approx(first, rel=1e-4)
    for name in ("outputs_loss", "relations_loss", "hidden_loss", "attention_loss", "loss"):
        assert history[name][-1] < history[name][0], name
    for weight, value in zip(teacher.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    distiller.save_preset(tmp_path / "model")
    again = type(student).from_preset(tmp_path / "model")
    assert again.answer(tiny.TEXTS)[0]["score"] == pytest.approx(student.answer(tiny.TEXTS)[0]["score"], abs=1e-6)
    assert distiller.evaluate_rows(ROWS) == student.evaluate_rows(ROWS)


def test_terms_add_up():
    """The labels' term is the loss of the task; the others, as they are shown, come with their weights."""
    teacher = teacher_of()
    student = make_student(teacher, layers=1)
    distiller = Distiller(student, teacher, label_share=0.25, relation_weight=2.0, **INSIDE)
    found = losses(distiller)
    shown = {metric.name: float(metric.result()) for metric in distiller.metrics}
    labels = student.evaluate_rows(ROWS)["loss"]
    weights = {"outputs_loss": 0.75, "relations_loss": 2.0, "hidden_loss": 0.7, "attention_loss": 0.3}
    assert all(shown[name] > 1e-3 for name in weights)
    expected = 0.25 * labels + sum(weight * shown[name] for name, weight in weights.items())
    assert found == pytest.approx(expected, rel=1e-4)


def test_widths_and_heads_may_differ():
    """Projections carry hidden states and vectors to the teacher's width, and are trained; relations need none."""
    teacher = tiny.embedder(config=tiny.config(**SIZES))
    student = make_student(teacher, layers=1, hidden_size=12)
    assert student.encoder.config.num_attention_heads == 4
    options = {"relations": ("QQ", "KK", "VV"), "relation_heads": 4, "hidden_weight": 1.0, "label_share": 0.0}
    distiller = Distiller(student, teacher, **options)
    new = {variable.path.split("/")[-2] for variable in distiller.trainable_variables[-6:]}
    assert new == {"embeddings_projection", "hidden_projection", "outputs_projection"}
    inputs, targets = next(iter(distiller.batches(tiny.dataset(), 8)))
    with tf.GradientTape() as tape:
        loss = distiller.compute_loss(inputs, targets, distiller(inputs, training=True))
    gradients = tape.gradient(loss, distiller.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients[-3:])


def test_a_batch_in_parts_is_the_batch(monkeypatch: pytest.MonkeyPatch):
    """Parts of a batch that are given the sums of all of it add up to its loss, with weights of rows, too."""
    teacher = teacher_of(2)
    distiller = Distiller(make_student(teacher, layers=1), teacher, label_share=0.4, **INSIDE)
    inputs, targets = next(iter(distiller.batches(ROWS, 8)))
    weights = tf.constant([1.0, 0.5, 2.0, 1.0, 0.0, 1.0, 3.0, 1.0])

    def loss(rows: slice, totals: dict) -> float:
        part = tf.nest.map_structure(lambda tensor: tensor[rows], (inputs, targets, weights))
        monkeypatch.setattr(distiller._parts, "totals", totals)
        return float(distiller.compute_loss(part[0], part[1], distiller(part[0], training=True), part[2]))

    whole = loss(slice(None), {})
    totals = distiller.loss_totals(targets, weights)
    assert sum(loss(rows, totals) for rows in (slice(0, 3), slice(3, 8))) == pytest.approx(whole, rel=1e-5)
    # A row that weighs nothing changes nothing.
    kept = [0, 1, 2, 3, 5, 6, 7]
    inputs, targets, weights = tf.nest.map_structure(lambda each: tf.gather(each, kept), (inputs, targets, weights))
    assert loss(slice(None), {}) == pytest.approx(whole, rel=1e-5)


# One number of replicas a process; batches of 5 and of 3: replicas with different numbers of rows.
REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.compression import Distiller, make_student
from keras_bert.training import AdamW, make_strategy
from tests.tasks import tiny
with make_strategy("mirrored" if replicas > 1 else "none").scope():
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    teacher = tiny.classifier(config=tiny.config(**dropout), class_weights={"positive": 3.0})
    student = make_student(teacher, layers=1)
    settings = {"relations": ("QK", "VV"), "hidden_weight": 0.7, "attention_weight": 0.3}
    distiller = Distiller(student, teacher, label_share=0.4, **settings)
    distiller.compile(AdamW(1e-2, global_clipnorm=0.05), accumulate=int(sys.argv[2]), jit_compile=False)
rows = distiller.batches(tiny.dataset(tiny.LABELS), 5)
losses = distiller.fit(rows.repeat(), steps_per_epoch=8, verbose=0).history
names = sorted(losses)
values = [losses[name][0] for name in names]
weights = np.concatenate([weight.numpy().ravel() for weight in distiller.trainable_variables])
np.savez(sys.argv[3], weights=weights, losses=values)
print(*names)
"""


@pytest.mark.slow
def test_replicas_and_parts_learn_what_one_device_does(tmp_path):
    for replicas, parts in ((1, 1), (2, 1), (1, 2)):
        run_python(REPLICAS, replicas, parts, tmp_path / f"{replicas}{parts}.npz")
    one = np.load(tmp_path / "11.npz")
    for name in ("21", "12"):
        many = np.load(tmp_path / f"{name}.npz")
        np.testing.assert_allclose(many["weights"], one["weights"], rtol=0, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(many["losses"], one["losses"], rtol=1e-4, err_msg=name)


class Crash(keras.callbacks.Callback):
    """Ends the run after a step."""

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if batch == 2:
            raise RuntimeError


@pytest.mark.slow
def test_a_run_goes_on_where_it_was_stopped(tmp_path):
    """With dropout and blocks that are replaced by chance: bit for bit."""
    weights = {}
    for folder in ("whole", "stopped", "stopped"):
        keras.utils.set_random_seed(0)
        teacher = tiny.classifier(config=tiny.config())
        theirs = [weight.numpy() for weight in teacher.weights]
        student = make_student(teacher, layers=1)
        distiller = Distiller(student, teacher, label_share=0.5, replacement_rate=0.4, replacement_steps=6)
        callbacks = [Crash()] if folder == "stopped" and "stopped" not in weights else []
        settings = {"epochs": 2, "batch_size": 2, "checkpoint_steps": 1, "verbose": 0}
        run = Run(tmp_path / folder, distiller, ROWS, ROWS, callbacks=callbacks, **settings)
        if callbacks:
            weights[folder] = []
            with pytest.raises(RuntimeError):
                run.train()
        else:
            run.train()
            weights[folder] = [weight.numpy() for weight in distiller.variables]
            assert run.metrics["epochs"] == 2
            assert float(distiller.replacement_rate) == 1.0
            for weight, value in zip(teacher.weights, theirs, strict=True):
                np.testing.assert_array_equal(weight.numpy(), value)
    for one, other in zip(weights["whole"], weights["stopped"], strict=True):
        np.testing.assert_array_equal(one, other)


def test_kept_outputs_are_those_of_the_teacher(tmp_path):
    teacher = teacher_of()
    student = make_student(teacher, layers=1)
    fresh, kept = (Distiller(student, teacher, label_share=0.3) for _ in range(2))
    assert kept.keep_teacher(tmp_path / "cache", ROWS, "rows", batch_size=3) == len(tiny.TEXTS)
    assert losses(kept) == pytest.approx(losses(fresh), rel=1e-5)
    batches = kept.batches(ROWS, 3, shuffle=True)
    for inputs, targets in batches:
        expected = teacher(inputs, training=False)
        np.testing.assert_allclose(targets["teacher"], expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match=r"cache: keeps the outputs of another teacher or of other rows \(rows: rows"):
        fresh.keep_teacher(tmp_path / "cache", ROWS, "other rows")
    other = Distiller(student, teacher_of(seed=1), label_share=0.3)
    with pytest.raises(InputError, match="outputs of another teacher"):
        other.keep_teacher(tmp_path / "cache", ROWS, "rows")
    fresh.settings = DistillationSettings(relations=("VV",))
    with pytest.raises(InputError, match="more than its outputs"):
        fresh.keep_teacher(tmp_path / "none", ROWS, "rows")


def test_theseus():
    """At a rate of 0 it is the teacher that computes, at 1 and out of training the student."""
    teacher = teacher_of(4)
    student = make_student(teacher, layers=2)
    never, always = (Distiller(student, teacher, label_share=1.0, replacement_rate=rate) for rate in (0.0, 1.0))
    inputs, _ = next(iter(never.batches(ROWS, 8)))
    by_teacher, by_student = teacher(inputs), student(inputs)
    assert np.abs(by_teacher - by_student).max() > 1e-2
    np.testing.assert_allclose(always(inputs, training=True)["outputs"], by_student, atol=1e-5)
    np.testing.assert_allclose(never(inputs, training=False)["outputs"], by_student, atol=1e-5)
    np.testing.assert_allclose(never(inputs, training=True)["outputs"], by_teacher, atol=1e-5)


def test_models_that_do_not_go_together():
    teacher, small = teacher_of(2), tiny.config(num_hidden_layers=1)
    for student, message in (
        (tiny.regressor(config=small), "the student is a BertRegressor, its teacher a BertClassifier"),
        (tiny.classifier(("no", "yes"), config=small), r"labels=\('no', 'yes'\), its teacher \('negative'"),
        (tiny.classifier(text_pair=True, config=small), "text_pair=True, its teacher False"),
        (tiny.pretrainer(config=small), "a BertPretrainer cannot be distilled"),
    ):
        with pytest.raises(InputError, match=message):
            Distiller(student, teacher)
    narrow = make_student(teacher, layers=1, hidden_size=16)
    with pytest.raises(InputError, match="hidden_size is 16, the teacher's 32"):
        Distiller(narrow, teacher, replacement_rate=0.5)
    wide = tiny.classifier(config=tiny.config(num_hidden_layers=1, num_attention_heads=2))
    with pytest.raises(InputError, match="say how many relations are cut into, relation_heads"):
        Distiller(wide, teacher, relations=("QK",))
    with pytest.raises(InputError, match="the student has 2, the teacher 4"):
        Distiller(wide, teacher, attention_weight=1.0)
    with pytest.raises(InputError, match="the rows have no labels"):
        Distiller(narrow, teacher).batches(tiny.dataset())
