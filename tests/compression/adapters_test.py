"""Low-rank adapters: what is trained, saved, merged, kept, and opened again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.compression import add_adapters, load_adapters, merge_adapters, save_adapters
from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertTask, open_task
from tests.forked_process import run_python
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags

TASKS = {
    "classifier": tiny.classifier,
    "pooled": lambda: tiny.classifier(pooling="mean"),
    "regressor": tiny.regressor,
    "embedder": tiny.embedder,
    "tagger": tiny_tags.tagger,
    "answerer": tiny_questions.answerer,
    "writer": tiny_sequences.writer,
    "pretrainer": tiny.pretrainer,
}
SETTINGS: dict[str, Any] = {"rank": 3, "alpha": 5.0, "dropout": 0.25, "targets": ["query", "value", "output.dense"]}


def with_adapters(model: BertTask, seed: int = 1, **settings: Any) -> BertTask:
    """A task with adapters that have learned something."""
    adapted = add_adapters(model, **{**SETTINGS, **settings})
    rng = np.random.default_rng(seed)
    for weight in adapted.trainable_weights:
        weight.assign(rng.normal(0, 0.2, weight.shape).astype("float32"))
    return adapted


def inputs_of(model: BertTask) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 13, 6)
    mask = (np.arange(12) < lengths[:, None]).astype("int32")
    numbers = {"token_ids": rng.integers(5, 20, (6, 12)).astype("int32") * mask, "padding_mask": mask}
    return {**{name: np.zeros_like(mask) for name in model.input}, **numbers}


def outputs(model: BertTask, inputs: dict[str, Any] | None = None) -> np.ndarray:
    found = keras.tree.flatten(model(inputs or inputs_of(model), training=False))
    return np.concatenate([np.asarray(keras.ops.cast(part, "float32")).reshape(-1) for part in found])


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[Path, BertTask, BertTask, Path]:
    """A saved classifier, the opened one, one with adapters over it, and the folder of these."""
    folder = tmp_path_factory.mktemp("adapters")
    tiny.classifier().save_preset(folder / "base")
    base = open_task(folder / "base")
    adapted = with_adapters(base)
    save_adapters(adapted, folder / "kept")
    return folder / "base", base, adapted, folder / "kept"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_begins_as_it_was_and_saves_the_sum(name: str, tmp_path: Path):
    model = TASKS[name]()
    before = outputs(model)
    adapted = add_adapters(model, rank=2)
    np.testing.assert_allclose(outputs(adapted), before, atol=1e-5)
    trained = {weight.path.split("/")[-1] for layer in adapted.encoder.blocks for weight in layer.trainable_weights}
    assert trained == {"lora_a", "lora_b"}
    assert not adapted.encoder.embeddings.trainable_weights
    adapted = with_adapters(model)
    assert np.abs(outputs(adapted) - before).max() > 1e-2
    np.testing.assert_allclose(outputs(merge_adapters(adapted)), outputs(adapted), atol=2e-5)
    np.testing.assert_array_equal(outputs(model), before)
    adapted.save_preset(tmp_path / "merged")
    np.testing.assert_allclose(outputs(open_task(tmp_path / "merged")), outputs(adapted), atol=2e-5)
    assert set(open_checkpoint(tmp_path / "merged").tensors) == {weight.name for weight in model.weights_by_name()}


def test_head_pooler_and_adapters_alone_are_trained(saved):
    _, base, _, _ = saved
    model = add_adapters(base, rank=2, targets=["query"])
    names = [weight.path for weight in model.trainable_weights]
    assert [name.split("/", 1)[1] for name in names if "block_0" in name] == [
        "attention/qkv/lora_a",
        "attention/qkv/lora_b",
    ]
    assert [name for name in names if "block" not in name] == [
        *("pooler/dense/kernel", "pooler/dense/bias", "classifier/kernel", "classifier/bias")
    ]
    frozen = [weight.numpy() for weight in model.non_trainable_weights]
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(model.batches(tiny.dataset(tiny.LABELS), 4), epochs=4, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    for weight, value in zip(model.non_trainable_weights, frozen, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)
    # Two moments a trained weight, and the two numbers of Adam itself.
    assert len(model.optimizer.variables) == 2 * len(names) + 2


def test_less_than_a_hundredth_of_bert_base_is_trained():
    from keras_bert.config import BertConfig

    config = BertConfig()
    size, blocks = config.hidden_size, config.num_hidden_layers
    tables = (config.vocab_size + config.max_position_embeddings + config.type_vocab_size) * size
    block = 4 * size * (size + 1) + 2 * size * config.intermediate_size + config.intermediate_size + 5 * size
    trained = blocks * 2 * 2 * 8 * size + size * (size + 1) + 2 * (size + 1)
    assert trained / (tables + blocks * block) < 0.01


def test_a_kept_folder_opens_merged_and_as_adapters(saved):
    _, base, adapted, folder = saved
    assert outputs(open_task(folder)) == pytest.approx(outputs(adapted), abs=1e-5)
    classifier = BertClassifier.from_preset(folder)
    assert classifier.labels == base.labels
    assert classifier.preprocessor.max_length == base.preprocessor.max_length
    again = load_adapters(base, folder)
    np.testing.assert_array_equal(outputs(again), outputs(adapted))
    assert again.encoder.adapters == adapted.encoder.adapters
    assert [weight.path for weight in again.trainable_weights] == [weight.path for weight in adapted.trainable_weights]
    other = add_adapters(base, rank=5, targets=["all-linear"])  # room for more
    other.load_preset(folder)
    np.testing.assert_allclose(outputs(other), outputs(adapted), atol=1e-5)
    other.load_preset(folder.parent / "base")  # plain weights
    np.testing.assert_allclose(outputs(other), outputs(base), atol=1e-5)


def test_the_files_are_in_the_words_of_peft(saved):
    base, _, _, folder = saved
    fields = json.loads((folder / "adapter_config.json").read_text())
    expected = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 3, "lora_alpha": 5.0, "lora_dropout": 0.25}
    expected |= {"base_model_name_or_path": str(base.resolve()), "modules_to_save": ["pooler", "classifier"]}
    assert expected.items() <= fields.items()
    assert fields["target_modules"] == [
        *("attention.self.query", "attention.self.value", "attention.output.dense", "output.dense")
    ]
    from safetensors.numpy import load_file

    tensors = load_file(folder / "adapter_model.safetensors")
    assert tensors["base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight"].shape == (3, 32)
    assert tensors["base_model.model.bert.encoder.layer.1.output.dense.lora_A.weight"].shape == (3, 64)
    assert tensors["base_model.model.classifier.weight"].shape == (3, 32)
    assert len(tensors) == 2 * 2 * 4 + 4
    assert not (folder / "model.safetensors").exists()


FRESH = """
import json, sys, keras, keras_bert, numpy as np
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[3], model({name: value for name, value in np.load(sys.argv[2]).items()}, training=False))
print(json.dumps([model.encoder.adapters, len(model.trainable_weights)]))
"""


def test_a_keras_file_opens_in_a_fresh_process(saved, tmp_path: Path):
    _, _, adapted, _ = saved
    adapted.save(tmp_path / "model.keras")
    np.savez(tmp_path / "inputs.npz", **inputs_of(adapted))
    paths = [tmp_path / name for name in ("model.keras", "inputs.npz", "outputs.npy")]
    found = json.loads(run_python(FRESH, *paths))
    assert found == [json.loads(json.dumps(adapted.encoder.adapters)), len(adapted.trainable_weights)]
    np.testing.assert_array_equal(np.load(paths[2]).reshape(-1), outputs(adapted))


def test_parts_of_a_batch_and_blocks_computed_twice_learn_the_same():
    base = tiny.classifier(config=tiny.without_dropout())
    batch = next(iter(base.batches(tiny.dataset(tiny.LABELS), 8)))
    found = []
    for accumulate, checkpointing in ((1, False), (4, True)):
        model = with_adapters(base, dropout=0.0)
        model.encoder.gradient_checkpointing = checkpointing
        model.compile(keras.optimizers.SGD(0.1), accumulate=accumulate)
        model.train_on_batch(*batch)
        found.append(np.concatenate([weight.numpy().reshape(-1) for weight in model.trainable_weights]))
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
    start = np.concatenate([weight.numpy().reshape(-1) for weight in with_adapters(base).trainable_weights])
    assert np.abs(found[0] - start).max() > 1e-3


def test_mixed_precision():
    model = with_adapters(tiny.classifier(dtype="mixed_bfloat16"))
    assert {weight.dtype for weight in model.encoder.weights} == {"float32"}
    wide = with_adapters(tiny.classifier())
    np.testing.assert_allclose(outputs(model), outputs(wide), atol=0.15)


REPLICAS = """
import json, sys, keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from keras_bert.compression import add_adapters
from keras_bert.training import adamw, make_strategy
from tests.tasks import tiny
found = []
for kind in ("none", "mirrored"):
    strategy = make_strategy(kind)
    with strategy.scope():
        base = tiny.classifier(config=tiny.without_dropout())
        keras.utils.set_random_seed(1)
        model = add_adapters(base, rank=2)
        model.compile(adamw(1e-2, steps=4))
    assert strategy.num_replicas_in_sync == (2 if kind == "mirrored" else 1)
    model.fit(model.batches(tiny.dataset(tiny.LABELS), 5), epochs=2, verbose=0)
    found.append(np.concatenate([weight.numpy().reshape(-1) for weight in model.trainable_weights]).tolist())
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_replicas_learn_what_one_does():
    one, two = json.loads(run_python(REPLICAS))
    np.testing.assert_allclose(two, one, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "rank is 0; expected a whole number, 1 to the hidden size, 32"),
        ({"rank": 33}, "rank is 33"),
        ({"rank": 2.0}, "rank is 2.0"),
        ({"alpha": 0}, "alpha is 0.0; expected a positive number"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"targets": []}, "targets: none named; there are: attention.self.query"),
        ({"targets": ["querry"]}, "targets: no layer 'querry'; there are: attention.self.query"),
    ],
    ids=str,
)
def test_bad_settings(settings: dict[str, Any], message: str, saved):
    with pytest.raises(InputError, match=message):
        add_adapters(saved[1], **settings)


def test_what_cannot_be_is_refused(saved, tmp_path: Path):
    folder, base, adapted, kept = saved
    with pytest.raises(InputError, match="adapters are for a task, such as BertClassifier, received: BertEncoder"):
        add_adapters(base.encoder)
    with pytest.raises(InputError, match="has adapters already"):
        add_adapters(adapted)
    with pytest.raises(InputError, match="the model has no adapters: add_adapters"):
        save_adapters(base, tmp_path / "none")
    with pytest.raises(InputError, match="base: a model made from nothing"):
        save_adapters(add_adapters(tiny.classifier()), tmp_path / "none")
    with pytest.raises(InputError, match="is the model that the adapters are for"):
        save_adapters(adapted, folder, overwrite=True)
    with pytest.raises(InputError, match="a PEFT folder has no place for the head of"):
        save_adapters(add_adapters(tiny.pretrainer()), tmp_path / "none", base=folder)
    with pytest.raises(InputError, match=r"lora_A|rank 3"):
        add_adapters(base, rank=2, targets=["all-linear"]).load_preset(kept)
    with pytest.raises(InputError, match="no adapters in"):
        add_adapters(base, rank=3, targets=["query"]).load_preset(kept)
    with pytest.raises(InputError, match=r"classifier.bias has the shape"):
        load_adapters(tiny.classifier(["a", "b"]), kept)
    assert not any(tmp_path.iterdir())


PEFT = """
import json, sys, numpy as np, torch, transformers, peft
base, kept, own, given = sys.argv[1:]
inputs = {name: torch.tensor(value) for name, value in json.loads(given).items()}
plain = lambda: transformers.BertForSequenceClassification.from_pretrained(base).eval()
model = peft.PeftModel.from_pretrained(plain(), kept)
with torch.no_grad():
    logits = model.eval()(**inputs).logits
# And one that peft itself has made.
torch.manual_seed(0)
settings = peft.LoraConfig(r=4, lora_alpha=6, target_modules=["query", "intermediate.dense"], use_rslora=True,
    task_type="SEQ_CLS")
other = peft.get_peft_model(plain(), settings)
other.base_model.model.config._name_or_path = base
other.peft_config["default"].base_model_name_or_path = base
for name, weight in other.named_parameters():
    if weight.requires_grad:
        weight.data = torch.randn_like(weight) * 0.2
other.save_pretrained(own)
with torch.no_grad():
    print(json.dumps([logits.tolist(), other.eval()(**inputs).logits.tolist()]))
"""


def in_peft(python: str, base: Path, adapted: BertTask, kept: Path, own: Path) -> list[np.ndarray]:
    """The logits of our folder in peft, and of one that peft wrote."""
    names = {"input_ids": "token_ids", "attention_mask": "padding_mask", "token_type_ids": "segment_ids"}
    inputs = {name: inputs_of(adapted)[our].tolist() for name, our in names.items()}
    command = [python, "-c", PEFT, str(base), str(kept), str(own), json.dumps(inputs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [np.ravel(part) for part in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parity
def test_peft_opens_ours_and_we_open_its(saved, tmp_path: Path):
    """In a process of its own: torch and TensorFlow share badly."""
    pytest.importorskip("torch")
    pytest.importorskip("peft")
    base, model, adapted, kept = saved
    ours, its = in_peft(sys.executable, base, adapted, kept, tmp_path / "its")
    np.testing.assert_allclose(outputs(adapted), ours, atol=1e-5)
    np.testing.assert_allclose(outputs(open_task(tmp_path / "its")), its, atol=1e-5)
    np.testing.assert_allclose(outputs(load_adapters(model, tmp_path / "its")), its, atol=1e-5)
