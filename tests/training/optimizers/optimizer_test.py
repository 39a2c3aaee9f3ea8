"""`adamw` gives BERT's recipe, and its layer-wise rates reach the variables that they are meant for."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert.errors import InputError
from keras_bert.training import AdamW, LinearWarmupDecay, adamw
from tests.tasks import tiny

RATE = 1e-3
BLOCK = [
    "attention/qkv/kernel",
    "attention/qkv/bias",
    "attention/output_dense/kernel",
    "attention/output_dense/bias",
    "attention_norm/gamma",
    "attention_norm/beta",
    "intermediate/kernel",
    "intermediate/bias",
    "output_dense/kernel",
    "output_dense/bias",
    "output_norm/gamma",
    "output_norm/beta",
]
EMBEDDINGS = ["word_embeddings", "position_embeddings", "token_type_embeddings", "layer_norm/gamma", "layer_norm/beta"]
# Depth below the head, as the docstring says it for two blocks.
DEPTHS = {
    **{f"embeddings/{name}": 3 for name in EMBEDDINGS},
    **{f"block_0/{name}": 2 for name in BLOCK},
    **{f"block_1/{name}": 1 for name in BLOCK},
    **dict.fromkeys(["pooler/dense/kernel", "pooler/dense/bias", "classifier/kernel", "classifier/bias"], 0),
}


def first_steps(**options: Any) -> dict[str, np.ndarray]:
    """How far each variable of a real task moves when all gradients are 1: path → -step.

    Adam's first step is the learning rate itself, whatever the gradient.
    """
    model = tiny.classifier()
    optimizer = adamw(RATE, steps=10, warmup=0.0, clip_norm=None, **options)
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    optimizer.apply([tf.ones(variable.shape) for variable in model.trainable_variables], model.trainable_variables)
    return {variable.path: before[variable.path] - variable.numpy() for variable in model.trainable_variables}


def test_the_rate_falls_with_depth_in_a_real_task():
    steps = first_steps(decay=0.0, layer_decay=0.5, num_hidden_layers=2)
    assert steps.keys() == DEPTHS.keys()
    for path, depth in DEPTHS.items():
        np.testing.assert_allclose(steps[path], RATE * 0.5**depth, rtol=1e-3, err_msg=path)


def test_without_layer_decay_every_rate_is_the_same():
    for path, step in first_steps(decay=0.0).items():
        np.testing.assert_allclose(step, RATE, rtol=1e-3, err_msg=path)


def test_weights_decay_in_a_real_task_but_for_biases_and_norms():
    decays = {path for path, step in first_steps(decay=0.5).items() if np.ptp(step) > 1e-5}
    assert decays == {path for path in DEPTHS if not path.endswith(("bias", "gamma", "beta"))}


def test_the_defaults_are_berts():
    optimizer = adamw(3e-5, steps=200)
    assert isinstance(optimizer, AdamW)
    config = optimizer.get_config()
    assert (config["decay"], config["global_clipnorm"], config["multipliers"]) == (0.01, 1.0, {})
    assert (config["beta_1"], config["beta_2"], config["epsilon"]) == (0.9, 0.999, 1e-6)
    schedule = keras.saving.deserialize_keras_object(config["learning_rate"])
    assert isinstance(schedule, LinearWarmupDecay)
    assert schedule.get_config() == {"peak_learning_rate": 3e-5, "steps": 200, "warmup_steps": 20}


def test_every_number_arrives():
    optimizer = adamw(1.0, steps=10, warmup=0.5, decay=0.3, clip_norm=None)
    assert (optimizer.decay, optimizer.global_clipnorm) == (0.3, None)
    assert optimizer.get_config()["learning_rate"]["config"]["warmup_steps"] == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "at least one step"),
        ({"warmup": 1.5}, "warmup is a share of the steps, between 0 and 1, received: 1.5"),
        ({"warmup": -0.1}, "warmup is a share"),
        ({"layer_decay": 0.0, "num_hidden_layers": 2}, r"layer_decay must lie in \(0, 1\], received: 0.0"),
        ({"layer_decay": 1.1, "num_hidden_layers": 2}, "layer_decay must lie"),
        ({"layer_decay": 0.9}, "layer_decay needs num_hidden_layers"),
    ],
)
def test_impossible_numbers_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        adamw(RATE, **{"steps": 10, **options})
