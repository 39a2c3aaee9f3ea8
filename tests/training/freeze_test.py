"""Frozen parts keep their weights through training, bit for bit."""

import keras
import numpy as np
import pytest

from keras_bert.errors import InputError
from keras_bert.training import adamw, freeze
from tests.tasks import tiny


def test_frozen_parts_stay_as_they_are_and_all_others_move():
    model = tiny.classifier()
    freeze(model.encoder, blocks=1)
    model.compile(adamw(1e-2, steps=4, warmup=0.0))
    before = [variable.numpy() for variable in model.weights]
    model.fit(model.batches(tiny.dataset(tiny.LABELS), batch_size=8), verbose=0)
    pairs = zip(model.weights, before, strict=True)
    moved = {variable.path.split("/")[0] for variable, value in pairs if (variable.numpy() != value).any()}
    assert moved == {"block_1", "pooler", "classifier"}


def test_a_keras_file_keeps_what_is_frozen(tmp_path):
    """It goes on training as the model that was saved, optimizer and all."""
    model = tiny.classifier(config=tiny.without_dropout())
    freeze(model.encoder, blocks=1)
    model.compile(adamw(1e-2, steps=8, warmup=0.0))
    batches = model.batches(tiny.dataset(tiny.LABELS), batch_size=8)
    model.fit(batches, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [variable.path for variable in loaded.trainable_variables] == [
        variable.path for variable in model.trainable_variables
    ]
    for each in (model, loaded):
        each.fit(batches, verbose=0)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6, err_msg=one.path)


@pytest.mark.parametrize(
    ("blocks", "trainable"),
    [(0, {"block_0", "block_1", "pooler"}), (1, {"block_1", "pooler"}), (2, {"pooler"})],
)
def test_the_embeddings_are_frozen_with_the_lowest_blocks(blocks: int, trainable: set[str]):
    model = tiny.classifier()
    freeze(model.encoder, blocks)
    assert {variable.path.split("/")[0] for variable in model.encoder.trainable_variables} == trainable


@pytest.mark.parametrize("blocks", [-1, 3])
def test_blocks_that_are_not_there_cannot_be_frozen(blocks: int):
    with pytest.raises(InputError, match=f"the encoder has 2 blocks, cannot freeze {blocks}"):
        freeze(tiny.classifier().encoder, blocks)
