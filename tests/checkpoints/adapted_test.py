"""Adapters of a model and the matrices of a file: the same names, layouts and products."""

import numpy as np

from keras_bert.checkpoints.adapted import adapted_layers, read_matrices, write_matrices
from keras_bert.checkpoints.mapping import encoder_weights
from keras_bert.checkpoints.peft_folder import Adapter
from keras_bert.encoder import BertEncoder
from keras_bert.layers.adapted_linear import MODULES
from tests.layer_test_case import randomize
from tests.tasks import tiny


def make_encoder(**adapters) -> BertEncoder:
    settings = {"rank": 3, "alpha": 6.0, "dropout": 0.0, "targets": MODULES, **adapters}
    encoder = BertEncoder(tiny.config(), adapters=settings)
    randomize(encoder)
    return encoder


def test_the_weights_that_are_read_are_the_sums():
    encoder = make_encoder()
    merged = {weight.name: weight.read() for weight in encoder_weights(encoder)}
    changes = {name: 2.0 * b @ a for name, a, b in read_matrices(encoder)}
    assert set(adapted_layers(encoder)) == set(changes)
    assert len(changes) == 2 * len(MODULES)
    for name, (layer, _) in adapted_layers(encoder).items():
        layer.set_matrices(0 if layer.parts == 1 else MODULES.index(name.split(".", 4)[4]), None, None)
    plain = {weight.name: weight.read() for weight in encoder_weights(encoder)}
    for name, value in merged.items():
        change = changes.get(name.removesuffix(".weight"), 0) if name.endswith(".weight") else 0
        np.testing.assert_allclose(value, plain[name] + change, atol=1e-4, err_msg=name)


def test_matrices_with_another_scale_and_rank_mean_the_same():
    encoder = make_encoder(targets=["attention.self.key", "output.dense"])
    rng = np.random.default_rng(0)
    name = "bert.encoder.layer.1.output.dense"
    a, b = rng.normal(size=(2, 64)).astype("float32"), rng.normal(size=(32, 2)).astype("float32")
    write_matrices(encoder, Adapter(None, 1.0, 0.0, {name: (a, b, 0.5)}, {}, "file"))
    layer = encoder.blocks[1].output_dense
    np.testing.assert_allclose(layer.merged_kernel() - layer.kernel, (0.5 * b @ a).T, atol=1e-5)
    other = encoder.blocks[0].attention.qkv  # which the file does not have
    np.testing.assert_array_equal(other.merged_kernel(), other.kernel)
