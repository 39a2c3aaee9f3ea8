"""Private steps of real tasks against a loop over single rows, and against plain steps."""

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier
from keras_bert.tasks.base.private_step import check_taps, clipped
from keras_bert.training import AdamW, Privacy
from keras_bert.training.privacy.secret import Secret
from tests.forked_process import run_python
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags
from tests.tasks.base.part_of_step_test import TASKS
from tests.tasks.pooled import multiple_choice_test as choices

CONFIG = tiny.config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
SCORES = [0.1, 0.9, 0.5, 0.4, 1.0, 0.0, 0.3, 0.8]
CASES: dict[str, tuple[Any, Any]] = {
    "classifier": (lambda: tiny.classifier(config=CONFIG), lambda: tiny.dataset(tiny.LABELS)),
    "hidden states": (lambda: tiny.classifier(pooling="mean", config=CONFIG), lambda: tiny.dataset(tiny.LABELS)),
    "regressor": (lambda: tiny.regressor(config=CONFIG), lambda: tiny.dataset(SCORES)),
    "multiple choice": (lambda: choices.chooser(config=CONFIG), lambda: choices.rows(choices.LABELS)),
    "embedder": (
        lambda: tiny.embedder(objective="cosine", score_range=(0, 1), config=CONFIG),
        lambda: tiny.dataset(SCORES, pairs=tiny.PAIRS),
    ),
    "pre-LN": (
        lambda: tiny.classifier(
            config=tiny.config(norm_first=True, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        ),
        lambda: tiny.dataset(tiny.LABELS),
    ),
}
SLOW = ("regressor", "pre-LN", "hidden states")


def budget(clip: float = math.inf, noise: float = 0.0, rows: int = 8, steps: int = 1000) -> Privacy:
    return Privacy(rows=rows, batch_size=8, steps=steps, clip=clip, noise_multiplier=noise)


def compiled(make: Any, privacy: Privacy | None, **options: Any) -> Any:
    model = make()
    model.compile(AdamW(1e-2, global_clipnorm=0.05), privacy=privacy, **{"run_eagerly": True, **options})
    return model


def flat(gradients: Any) -> np.ndarray:
    return np.concatenate([tf.convert_to_tensor(each).numpy().ravel() for each in gradients])


@pytest.mark.parametrize(
    "case",
    ["classifier", "multiple choice", "embedder", *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW)],
)
def test_the_sum_is_that_of_the_clipped_gradients_of_each_row(case: str):
    """By a loop; one text holds a word four times."""
    make, rows = CASES[case]
    model = compiled(make, budget())
    inputs, targets, *_ = next(iter(model.batches(rows(), 8)))
    gradients, losses = [], []
    for row in range(8):
        with tf.GradientTape() as tape:
            outputs = model({name: each[row : row + 1] for name, each in inputs.items()}, training=True)
            value = model.loss(targets[row : row + 1], outputs)
        gradients.append(flat(tape.gradient(value, model.trainable_variables)))
        losses.append(float(value))
    norms = [float(np.linalg.norm(gradient)) for gradient in gradients]
    clip = float(np.median(norms))  # half of them are longer
    loss, _, sums = clipped(model, budget(clip=clip), (inputs, targets, None))
    total = sum(gradient * min(1.0, clip / norm) for gradient, norm in zip(gradients, norms, strict=True))
    np.testing.assert_allclose(flat(sums), total, atol=2e-6 * max(1.0, abs(total).max()))
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)


def after_steps(model: Any, rows: Any, steps: int = 2) -> np.ndarray:
    batch = next(iter(model.batches(rows(), 8)))
    for _ in range(steps):
        model.train_on_batch(*batch)
    return np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables])


@pytest.mark.parametrize("case", ["classifier", "embedder"])
def test_without_noise_and_clip_it_is_a_plain_step(case: str):
    make, rows = CASES[case]
    private, plain = (after_steps(compiled(make, privacy), rows) for privacy in (budget(), None))
    np.testing.assert_allclose(private, plain, rtol=0, atol=1e-5)


def test_parts_of_a_batch_have_the_noise_once():
    make, rows = CASES["classifier"]
    weights = []
    for parts in (1, 3):
        model = compiled(make, budget(clip=0.1, noise=1.0), accumulate=parts)
        model._parts.secret = Secret("ab" * 16)
        weights.append(after_steps(model, rows))
    np.testing.assert_allclose(*weights, rtol=0, atol=1e-5)
    model._parts.secret = Secret("cd" * 16)
    assert abs(after_steps(model, rows) - weights[0]).max() > 1e-3


@pytest.mark.parametrize("parts", [1, 2])
def test_a_batch_without_rows_is_a_step_of_noise(parts: int):
    make, rows = CASES["classifier"]
    model = compiled(make, budget(clip=0.1, noise=1.0), accumulate=parts)
    batch = next(iter(model.batches(rows(), 8)))
    model.train_on_batch(*batch)
    batch = tf.nest.map_structure(lambda tensor: tensor[:0], batch)
    before = [weight.numpy() for weight in model.trainable_variables]
    model.train_step(batch)
    assert model.last_step.loss == 0.0
    assert model.last_step.is_finite
    assert all(abs(new.numpy() - old).max() > 0 for new, old in zip(model.trainable_variables, before, strict=True))


def test_in_a_graph_on_drawn_batches_it_trains():
    """With dropout; of 32 rows, 4 a batch: sizes differ."""
    model = tiny.classifier(config=tiny.config(num_hidden_layers=1))
    rows = tiny.dataset(tiny.LABELS).repeat(4)
    model.compile(AdamW(1e-2), privacy=Privacy(rows=32, batch_size=4, steps=32, clip=1.0, noise_multiplier=0.01))
    assert not model.jit_compile
    model._parts.secret = Secret("ab" * 16)
    epochs = model.private_batches(rows, 4)
    losses = [model.fit(epochs(epoch), verbose=0).history["loss"][0] for epoch in range(4)]
    assert losses[-1] < 0.9 * losses[0], losses
    with pytest.raises(InputError, match="the budget is for 32 steps; 32 are done and 8 more are asked for"):
        model.fit(epochs(4), verbose=0)
    with pytest.raises(InputError, match="the budget is for batches of 4 of 32 rows, not of 5 of 32"):
        model.private_batches(rows, 5)


def frozen() -> BertClassifier:
    model = tiny.classifier(config=CONFIG)
    model.encoder.trainable = model.classifier.trainable = False
    return model


def checkpointing() -> BertClassifier:
    model = tiny.classifier(config=CONFIG)
    model.encoder.gradient_checkpointing = True
    return model


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: tiny.embedder(objective="ranking"), {}, "RankingLoss compares the rows of a batch"),
        (tiny.pretrainer, {}, "the loss of a BertPretrainer has no value for each row"),
        (tiny_sequences.writer, {}, r"BertSeq2Seq cannot be trained so: its weight .* is of a layer whose gradients"),
        (tiny.classifier, {"adversary": "fgm"}, "privacy and adversary='fgm' exclude each other"),
        (lambda: tiny.classifier(dtype="mixed_float16"), {}, "norms are lost in float16"),
        (checkpointing, {}, "privacy and gradient_checkpointing exclude each other"),
        (frozen, {}, "nothing is trained"),
    ],
)
def test_what_cannot_be_trained_so(make: Any, options: dict[str, Any], message: str):
    model = make()
    with pytest.raises(InputError, match=message):
        model.compile(AdamW(1e-2), privacy=budget(), **options)


def test_a_layer_that_is_used_twice_is_refused():
    """Both ways to the same weights have a gradient, and the norm of a sum is not the sum of the norms."""
    encoder = BertEncoder(CONFIG)
    outputs = encoder(encoder.input)
    head = tiny.classifier(config=CONFIG).classifier
    hidden = outputs["sequence_output"][:, 0]
    model = tiny.classifier(config=CONFIG)
    both = keras.layers.Add()([head(outputs["pooled_output"]), head(hidden)])
    twice = keras.Model(encoder.input, both)
    with pytest.raises(InputError, match="is used twice"):
        check_taps(twice)
    check_taps(model)


def test_tasks_that_make_several_rows_of_a_text_draw_none():
    model = tiny_tags.tagger(config=CONFIG)
    model.compile(AdamW(1e-2), privacy=budget())
    with pytest.raises(InputError, match="BertTokenClassifier makes several training rows of a text"):
        model.private_batches(tiny_tags.rows(), 8)
    assert tiny_questions.answerer().privacy is None
    plain = TASKS["classifier"][0]()
    plain.compile()
    with pytest.raises(InputError, match="compiled with privacy"):
        plain.private_batches(tiny.dataset(tiny.LABELS), 8)


REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
from keras_bert.training import AdamW, Privacy, make_strategy
from keras_bert.training.privacy.secret import Secret
from tests.tasks import tiny
with make_strategy("mirrored" if replicas > 1 else "none").scope():
    model = tiny.classifier(config=tiny.without_dropout())
    model.compile(
        AdamW(1e-2), privacy=Privacy(rows=32, batch_size=3, steps=11, clip=0.5, noise_multiplier=1.0)
    )
    model._parts.secret = Secret("ab" * 16)
epochs = model.private_batches(tiny.dataset(tiny.LABELS).repeat(4), 3)
sizes = [int(tf.shape(batch[1])[0]) for batch in epochs(0)]
assert 1 in sizes or 0 in sizes, sizes
model.fit(epochs(0), verbose=0)
np.savez(sys.argv[2], weights=np.concatenate([weight.numpy().ravel() for weight in model.trainable_variables]))
print()
"""


@pytest.mark.slow
def test_replicas_have_the_noise_once(tmp_path: Any):
    """Two replicas, of batches of 0 to 8 rows."""
    weights = []
    for replicas in (1, 2):
        run_python(REPLICAS, replicas, tmp_path / f"{replicas}.npz")
        with np.load(tmp_path / f"{replicas}.npz") as found:
            weights.append(found["weights"])
    np.testing.assert_allclose(*weights, rtol=0, atol=1e-5)
