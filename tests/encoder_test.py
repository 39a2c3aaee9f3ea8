"""The truth: BERT in plain numpy, and the closed formula for the number of parameters."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import tree

from keras_bert.config import BertConfig
from keras_bert.encoder import BertEncoder
from tests.forked_process import ROOT, run_forked
from tests.layer_test_case import BACKEND, TOLERANCES, randomize, to_numpy
from tests.layers import numpy_bert

SIZES = {
    "vocab_size": 13,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 6,
    "type_vocab_size": 3,
}
# Every field of the config, none with its default.
OTHER_CONFIG = BertConfig(
    **SIZES,
    hidden_act="silu",
    hidden_dropout_prob=0.2,
    attention_probs_dropout_prob=0.3,
    initializer_range=0.5,
    layer_norm_eps=1e-3,
    classifier_dropout=0.4,
    position_embedding_type="sinusoidal",
    norm_first=True,
)
# Every argument of the encoder, none with its default.
OTHER_ARGUMENTS = {
    "config": OTHER_CONFIG,
    "use_pooler": False,
    "output_hidden_states": True,
    "output_attentions": True,
    "gradient_checkpointing": True,
    "unpad": True,
    "packing": True,
    "attention": "causal",
    "adapters": {"rank": 2, "alpha": 4.0, "dropout": 0.1, "targets": ["attention.self.query", "output.dense"]},
    "dtype": "mixed_bfloat16",
    "name": "renamed",
    "trainable": False,
}
INPUTS = {
    "token_ids": np.array([[1, 12, 3, 7, 2], [4, 5, 6, 0, 0], [9, 0, 0, 0, 0]], "int32"),
    "segment_ids": np.array([[0, 0, 1, 2, 2], [0, 1, 1, 0, 0], [1, 0, 0, 0, 0]], "int32"),
    "padding_mask": np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], "int32"),
}
MASK = INPUTS["padding_mask"]

# All that another process does: load, call, store, and train a step where the backend can. It imports keras and the
# encoder's file, nothing else of ours.
OTHER_PROCESS = """
import sys
import keras
import numpy as np
import keras_bert.encoder

folder = sys.argv[1]
encoder = keras.saving.load_model(f"{folder}/encoder.keras")
inputs = dict(np.load(f"{folder}/inputs.npz"))
call = encoder
if keras.config.backend() == "jax":
    import jax

    call = jax.jit(lambda inputs: encoder(inputs))  # one operation after the other, each would be compiled alone
outputs = keras.tree.flatten(call(inputs))
arrays = [keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in outputs]
np.savez(f"{folder}/outputs.npz", *arrays)

backend = keras.config.backend()
if encoder.trainable and backend != "numpy":
    model = keras.Model(encoder.input, encoder(encoder.input)["pooled_output"])
    model.compile(optimizer="sgd", loss="mse")
    targets = np.ones((len(inputs["token_ids"]), model.output.shape[-1]))
    before = model.test_on_batch(inputs, targets)  # without dropout, which moves a loss by more than it falls
    for _ in range(8):
        model.train_on_batch(inputs, targets)
    assert model.test_on_batch(inputs, targets) < before
loaded = [name for name in ("tensorflow", "torch") if name in sys.modules and name != backend]
assert not loaded, f"on {backend}, {loaded} was imported"
print(backend)
"""


def make_encoder(config=None, **options):
    encoder = BertEncoder(config or BertConfig(**SIZES), **options)
    randomize(encoder)
    return encoder


def run(encoder, inputs, **options):
    return tree.map_structure(to_numpy, encoder(inputs, **options))


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def padded_by(columns):
    return {name: np.pad(array, ((0, 0), (0, columns))) for name, array in INPUTS.items()}


@pytest.mark.parametrize("position_embedding_type", ["absolute", "sinusoidal"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_against_numpy(norm_first, position_embedding_type):
    config = BertConfig(
        **SIZES, norm_first=norm_first, position_embedding_type=position_embedding_type, layer_norm_eps=0.1
    )
    encoder = make_encoder(config, output_hidden_states=True, output_attentions=True)
    expected = numpy_bert.encoder(encoder, INPUTS)
    outputs = run(encoder, INPUTS)
    assert outputs.keys() == expected.keys()
    for name, wanted in expected.items():
        for got, want in zip(tree.flatten(outputs[name]), tree.flatten(wanted), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("policy", [*TOLERANCES, "float16"])
def test_shapes_and_dtypes_of_all_outputs(policy):
    encoder = BertEncoder(BertConfig(**SIZES), output_hidden_states=True, output_attentions=True, dtype=policy)
    outputs = encoder(INPUTS)
    shapes = tree.map_structure(lambda tensor: tuple(tensor.shape), outputs)
    assert list(outputs) == ["sequence_output", "pooled_output", "hidden_states", "attentions"]
    assert {type(outputs[name]) for name in ("hidden_states", "attentions")} == {tuple}
    # Shapes are tuples themselves, so they are compared as tree.map_structure leaves them.
    assert shapes["sequence_output"] == (3, 5, 8)
    assert shapes["pooled_output"] == (3, 8)
    assert shapes["hidden_states"] == ((3, 5, 8),) * 3
    assert shapes["attentions"] == ((3, 2, 5, 5),) * 2
    compute = keras.dtype_policies.get(policy).compute_dtype
    assert {dtype_of(tensor) for tensor in tree.flatten(outputs)} == {compute}
    np.testing.assert_array_equal(to_numpy(outputs["hidden_states"][-1]), to_numpy(outputs["sequence_output"]))

    symbolic = encoder.output
    assert symbolic["sequence_output"].shape == (None, None, 8)
    assert symbolic["pooled_output"].shape == (None, 8)
    assert [tensor.shape for tensor in symbolic["hidden_states"]] == [(None, None, 8)] * 3
    assert [tensor.shape for tensor in symbolic["attentions"]] == [(None, 2, None, None)] * 2
    assert {tensor.dtype for tensor in tree.flatten(symbolic)} == {compute}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, {"sequence_output", "pooled_output"}),
        ({"use_pooler": False}, {"sequence_output"}),
        ({"use_pooler": False, "output_hidden_states": True}, {"sequence_output", "hidden_states"}),
        ({"use_pooler": False, "output_attentions": True}, {"sequence_output", "attentions"}),
    ],
)
def test_only_the_outputs_asked_for(options, names):
    encoder = make_encoder(**options)
    outputs = run(encoder, INPUTS)
    assert outputs.keys() == names
    assert (encoder.pooler is None) == ("pooled_output" not in names)
    np.testing.assert_allclose(
        outputs["sequence_output"], numpy_bert.encoder(encoder, INPUTS)["sequence_output"], atol=1e-4
    )


def parameters(config, use_pooler):
    """Devlin et al. 2018, figure 2, and Vaswani et al. 2017, section 3: tables, norms, blocks, pooler."""
    size, width = config.hidden_size, config.intermediate_size
    positions = config.max_position_embeddings if config.position_embedding_type == "absolute" else 0
    tables = (config.vocab_size + positions + config.type_vocab_size) * size
    norm = 2 * size
    block = 4 * (size * size + size) + (size * width + width) + (width * size + size) + 2 * norm
    pooler = size * size + size if use_pooler else 0
    return tables + norm + config.num_hidden_layers * block + pooler


@pytest.mark.parametrize("use_pooler", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"norm_first": True}, {"position_embedding_type": "sinusoidal"}, {"num_hidden_layers": 3}]
)
def test_number_of_parameters(options, use_pooler):
    assert parameters(BertConfig(), use_pooler=True) == 109_482_240  # BERT-base uncased, as published
    config = BertConfig(**{**SIZES, **options})
    assert BertEncoder(config, use_pooler=use_pooler).count_params() == parameters(config, use_pooler)


def test_parts_by_name():
    encoder = BertEncoder(BertConfig(**SIZES))
    assert len(encoder.blocks) == 2
    assert encoder.final_norm is None
    assert encoder.embeddings.layer_norm is not None
    assert encoder.pooler.dense.kernel.shape == (8, 8)
    assert encoder.blocks[1].attention.qkv.kernel.shape == (8, 24)
    before_norm = BertEncoder(BertConfig(**SIZES, norm_first=True))
    assert before_norm.final_norm is not None
    assert before_norm.embeddings.layer_norm is None
    paths = [weight.path for weight in encoder.weights]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("policy", TOLERANCES)
def test_padding_does_not_influence_tokens(policy):
    encoder = make_encoder(dtype=policy)
    outputs = run(encoder, INPUTS)
    changed = {name: np.where(MASK == 1, INPUTS[name], 2).astype("int32") for name in ("token_ids", "segment_ids")}
    others = run(encoder, {**changed, "padding_mask": MASK})
    np.testing.assert_array_equal(outputs["sequence_output"][MASK == 1], others["sequence_output"][MASK == 1])
    np.testing.assert_array_equal(outputs["pooled_output"], others["pooled_output"])


def test_padding_that_is_added_changes_nothing():
    encoder = make_encoder()
    shorter, longer = run(encoder, INPUTS), run(encoder, padded_by(1))
    np.testing.assert_allclose(
        longer["sequence_output"][:, :5][MASK == 1], shorter["sequence_output"][MASK == 1], atol=1e-5
    )
    np.testing.assert_allclose(longer["pooled_output"], shorter["pooled_output"], atol=1e-5)


@pytest.mark.parametrize("policy", [*TOLERANCES, "float16"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_row_of_padding_is_finite(policy, norm_first):
    config = BertConfig(**SIZES, norm_first=norm_first)
    encoder = make_encoder(config, output_hidden_states=True, output_attentions=True, dtype=policy)
    mask = MASK.copy()
    mask[1] = 0
    for output in tree.flatten(run(encoder, {**INPUTS, "padding_mask": mask})):
        assert np.isfinite(output).all()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_gradients_reach_every_weight_and_are_finite(policy):
    import tensorflow as tf

    encoder = make_encoder(dtype=policy)
    mask = MASK.copy()
    mask[2] = 0
    with tf.GradientTape() as tape:
        outputs = encoder({**INPUTS, "padding_mask": mask}, training=True)
        loss = sum(tf.reduce_mean(tf.cast(output, "float32") ** 3) for output in outputs.values())
    variables = [weight.value for weight in encoder.trainable_weights]
    for weight, gradient in zip(encoder.trainable_weights, tape.gradient(loss, variables), strict=True):
        values = to_numpy(tf.convert_to_tensor(gradient))
        assert np.isfinite(values).all(), weight.path
        assert values.any(), weight.path


@pytest.mark.skipif(BACKEND != "tensorflow", reason="takes gradients with TensorFlow's tape")
@pytest.mark.parametrize("options", [{}, {"norm_first": True}])
def test_gradient_checkpointing_changes_no_number(options):
    """Against the same encoder without, at the same seeds: dropout masks must be the same in both passes."""
    import tensorflow as tf

    rates = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.2}

    def train(gradient_checkpointing):
        keras.utils.set_random_seed(0)
        encoder = make_encoder(BertConfig(**SIZES, **rates, **options), output_hidden_states=True)
        encoder.gradient_checkpointing = gradient_checkpointing
        variables = [weight.value for weight in encoder.trainable_weights]

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                outputs = tree.flatten(encoder(INPUTS, training=True))
                loss = sum(tf.reduce_mean(output**3) for output in outputs)
            return outputs, tape.gradient(loss, variables)

        return [[to_numpy(tf.convert_to_tensor(tensor)) for tensor in tree.flatten(step())] for _ in range(2)]

    plain, checkpointed = train(False), train(True)
    assert np.abs(plain[0][0] - plain[1][0]).max() > 0.1
    for want, got in zip(tree.flatten(plain), tree.flatten(checkpointed), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5 * max(1, np.abs(want).max()))


def test_gradient_checkpointing_is_set_for_all_blocks():
    encoder = BertEncoder(BertConfig(**SIZES), gradient_checkpointing=True)
    assert [block.gradient_checkpointing for block in encoder.blocks] == [True, True]
    encoder.gradient_checkpointing = False
    assert [block.gradient_checkpointing for block in encoder.blocks] == [False, False]
    assert not encoder.get_config()["gradient_checkpointing"]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="compiles with TensorFlow")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled(jit_compile):
    import tensorflow as tf

    encoder = make_encoder(output_hidden_states=True, output_attentions=True)
    call = tf.function(lambda inputs: encoder(inputs), jit_compile=jit_compile)
    tree.map_structure(
        lambda got, want: np.testing.assert_allclose(got, want, atol=1e-4), call(INPUTS), encoder(INPUTS)
    )


def test_dropout_acts_in_training_only():
    keras.utils.set_random_seed(0)
    config = BertConfig(**SIZES, hidden_dropout_prob=0.5)
    encoder = make_encoder(config)
    plain = run(encoder, INPUTS)["sequence_output"]
    np.testing.assert_array_equal(plain, run(encoder, INPUTS, training=False)["sequence_output"])
    np.testing.assert_array_equal(plain, run(make_encoder(), INPUTS)["sequence_output"])
    assert np.abs(plain - run(encoder, INPUTS, training=True)["sequence_output"]).max() > 0.1


@pytest.mark.parametrize(
    "option", ["hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "layer_norm_eps"]
)
def test_the_config_reaches_every_layer(option):
    config = BertConfig(**SIZES, **{option: 0.25})
    encoder = BertEncoder(config)
    layers = [encoder.embeddings, *encoder.blocks]
    names = {
        "hidden_dropout_prob": "dropout",
        "attention_probs_dropout_prob": "attention_dropout",
        "layer_norm_eps": "layer_norm_epsilon",
    }
    found = {layer.get_config().get(names.get(option, option), 0.25) for layer in layers}
    assert found == {0.25}
    if option == "initializer_range":
        assert encoder.pooler.initializer_range == 0.25


def test_inputs_longer_than_the_position_table_are_refused():
    encoder = make_encoder()
    assert run(encoder, padded_by(1))["sequence_output"].shape == (3, 6, 8)
    message = "the input has 7 tokens, the position table 6 rows"
    for call in (encoder, lambda inputs: encoder.predict(inputs, verbose=0)):
        with pytest.raises(ValueError, match=message):
            call(padded_by(2))


def test_the_global_dtype_policy_is_the_default():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = BertEncoder(BertConfig(**SIZES))
    finally:
        keras.config.set_dtype_policy(before)
    assert dtype_of(encoder(INPUTS)["sequence_output"]) == "bfloat16"
    assert encoder.get_config()["dtype"]["config"]["name"] == "mixed_bfloat16"


def test_get_config_with_every_argument_other_than_its_default():
    encoder = BertEncoder(**OTHER_ARGUMENTS)
    config = encoder.get_config()
    assert list(config) == [*OTHER_ARGUMENTS, "frozen"]  # a state: freeze_test.py
    assert json.loads(json.dumps(config)) == config
    assert config["config"] == OTHER_CONFIG.to_dict()
    assert config["dtype"]["config"]["name"] == "mixed_bfloat16"
    for name in (
        "use_pooler",
        "output_hidden_states",
        "output_attentions",
        "gradient_checkpointing",
        "unpad",
        "adapters",
        "name",
        "trainable",
    ):
        assert config[name] == OTHER_ARGUMENTS[name]
    again = BertEncoder.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config


def same_layer_by_layer(encoder, other):
    for layer, loaded in zip(encoder.layers, other.layers, strict=True):
        assert (type(layer), layer.name, layer.trainable) == (type(loaded), loaded.name, loaded.trainable)
        assert layer.dtype_policy == loaded.dtype_policy
    for weight, loaded in zip(encoder.weights, other.weights, strict=True):
        assert (weight.path, weight.dtype, weight.trainable) == (loaded.path, loaded.dtype, loaded.trainable)
        np.testing.assert_array_equal(to_numpy(weight), to_numpy(loaded))


def test_save_and_load_with_every_argument_other_than_its_default(tmp_path):
    encoder = make_encoder(**OTHER_ARGUMENTS)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert type(loaded) is BertEncoder
    assert loaded.config == OTHER_CONFIG
    assert loaded.get_config() == encoder.get_config()
    assert not loaded.trainable
    assert not loaded.trainable_weights
    same_layer_by_layer(encoder, loaded)
    outputs, expected = run(loaded, INPUTS), run(encoder, INPUTS)
    assert outputs.keys() == expected.keys()
    tree.map_structure(np.testing.assert_array_equal, outputs, expected)


def test_save_and_load_bert_itself(tmp_path):
    encoder = make_encoder()
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert loaded.trainable
    same_layer_by_layer(encoder, loaded)
    tree.map_structure(np.testing.assert_array_equal, run(loaded, INPUTS), run(encoder, INPUTS))


def test_weights_alone(tmp_path):
    encoder = make_encoder()
    encoder.save_weights(tmp_path / "encoder.weights.h5")
    other = BertEncoder(BertConfig(**SIZES), name="other")
    other.load_weights(tmp_path / "encoder.weights.h5")
    tree.map_structure(np.testing.assert_array_equal, run(other, INPUTS), run(encoder, INPUTS))


def outputs_of_another_process(encoder, folder, backend):
    encoder.save(folder / "encoder.keras")
    np.savez(folder / "inputs.npz", **INPUTS)
    if backend == "tensorflow":
        done = run_forked(OTHER_PROCESS, folder, folder=folder)
    else:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-c", OTHER_PROCESS, str(folder)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == backend
    with np.load(folder / "outputs.npz") as stored:
        return [stored[name] for name in stored.files]


def test_a_fresh_process_loads_it_with_every_argument_other_than_its_default(tmp_path):
    encoder = make_encoder(**OTHER_ARGUMENTS)
    outputs = outputs_of_another_process(encoder, tmp_path, BACKEND)
    for got, want in zip(outputs, tree.flatten(run(encoder, INPUTS)), strict=True):
        np.testing.assert_array_equal(got, want)


# Keras' NumPy backend borrows a few functions from its JAX backend, so it needs jax too.
@pytest.mark.parametrize(
    ("backend", "module"),
    [
        ("numpy", "jax"),
        pytest.param("jax", "jax", marks=pytest.mark.slow),
        pytest.param("torch", "torch", marks=pytest.mark.parity),
    ],
)
def test_other_backends_give_the_same(backend, module, tmp_path):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"Keras' {backend} backend needs {module}, which is not installed")
    encoder = make_encoder(output_hidden_states=True, output_attentions=True)
    outputs = outputs_of_another_process(encoder, tmp_path, backend)
    for got, want in zip(outputs, tree.flatten(run(encoder, INPUTS)), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)


def test_packed_rows_give_what_each_example_gives_alone():
    plain, packing = make_encoder(), make_encoder(packing=True)
    lengths = MASK.sum(1)
    packed = {
        name: np.concatenate([array[row, :length] for row, length in enumerate(lengths)])[None]
        for name, array in INPUTS.items()
    }
    packed["padding_mask"] = np.repeat([1, 2, 3], lengths)[None].astype("int32")
    packed = {name: np.pad(array, ((0, 0), (0, 9))) for name, array in packed.items()}
    # The row is longer than the table of positions, and so is its padding.
    assert packed["token_ids"].shape[1] - lengths.sum() > SIZES["max_position_embeddings"]
    found = to_numpy(packing(packed)["sequence_output"])[0]
    alone = to_numpy(plain(INPUTS)["sequence_output"])
    np.testing.assert_allclose(found[: lengths.sum()], alone[MASK == 1], atol=1e-5)
    pooled = [to_numpy(encoder(INPUTS)["pooled_output"]) for encoder in (plain, packing)]
    np.testing.assert_allclose(*pooled, atol=1e-5)


def operations(**options):
    """The types of operation in TensorFlow's graph of an encoder with such options."""
    import tensorflow as tf

    encoder = BertEncoder(BertConfig(**SIZES), use_pooler=False, **options)
    inputs = {name: tf.TensorSpec((None, None), tf.int32) for name in INPUTS}
    graph = tf.function(lambda inputs: encoder(inputs)).get_concrete_function(inputs).graph
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="looks into a TensorFlow graph")
def test_packing_costs_nothing_where_it_is_off():
    compares = {"Equal", "NotEqual", "Min"}
    assert compares.isdisjoint(operations())
    assert compares <= operations(packing=True)
