"""Factors on the learning rate by parts of paths; names that match nothing are refused."""

import pytest

from keras_bert.errors import InputError
from keras_bert.training import AdamW, Lamb, adamw, freeze
from keras_bert.training.optimizers.rates import rate_factors
from tests.tasks import tiny

PATHS = ["embeddings/table", *(f"block_{index}/{name}" for index in range(12) for name in ("a/kernel", "b/bias"))]


def test_a_variable_has_the_product_of_what_its_path_names():
    assert rate_factors(["block_1/a/kernel", "block_1/b"], {"block_1": 0.5, "a": 0.2}) == pytest.approx([0.1, 0.5])
    assert rate_factors(PATHS, {}) == [1.0] * len(PATHS)


@pytest.mark.parametrize("name", ["block_12", "embedding", "block_1/a", ""])
def test_a_name_that_is_part_of_no_path_is_refused_with_the_paths(name: str):
    with pytest.raises(InputError) as error:
        rate_factors(PATHS, {"embeddings": 0.5, name: 0.1})
    assert str(error.value) == (
        f"multipliers: {name!r} is part of no trainable variable's path; "
        "the paths are embeddings/table, block_0..11/a/kernel, block_0..11/b/bias"
    )


@pytest.mark.parametrize("optimizer", [AdamW, Lamb])
def test_a_real_task_refuses_it_when_training_begins(optimizer: type[AdamW]):
    model = tiny.classifier()
    model.compile(optimizer(1e-3, multipliers={"block_2": 0.5}))
    with pytest.raises(InputError, match=r"'block_2' is part of no .* block_0\.\.1/attention/qkv/kernel.*classifier"):
        model.fit(model.batches(tiny.dataset(tiny.LABELS)), verbose=0)


@pytest.mark.parametrize("layers", [1, 3, 12])
def test_layer_decay_for_another_number_of_blocks_is_refused(layers: int):
    model = tiny.classifier()
    optimizer = adamw(1e-3, 10, layer_decay=0.5, num_hidden_layers=layers)
    with pytest.raises(InputError, match=f"num_hidden_layers={layers}, and the encoder has 2 blocks"):
        optimizer.build(model.trainable_variables)


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_layer_decay_of_a_model_with_frozen_blocks(blocks: int):
    model = tiny.classifier()
    freeze(model.encoder, blocks)
    optimizer = adamw(1e-3, 10, layer_decay=0.5, num_hidden_layers=2)
    again = AdamW.from_config(optimizer.get_config())
    for each in (optimizer, again):
        each.build(model.trainable_variables)
