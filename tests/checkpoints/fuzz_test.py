"""Damaged and odd files of every format open, or are refused in one line: never a traceback, never a lost process.

Each test makes its cases from a fixed seed, the same on every machine; a slow one stops earlier, after some seconds.
"""

import copy
import json
import random
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from keras_bert.checkpoints import describe, open_checkpoint
from keras_bert.checkpoints.keras_hub import read_keras_hub
from keras_bert.checkpoints.tensorflow_index import read_index
from keras_bert.errors import LONGEST_MESSAGE, InputError
from tests.checkpoints import small, tensorflow_table
from tests.checkpoints.tokenizer_files_test import fast, write_byte_pairs

pytestmark = pytest.mark.slow

SECONDS = 15
FEWEST, MOST = 5, 3000

ODD = [None, True, False, 0, -1, 2**31, 2**63, 10**40, 0.5, -1e308, float("nan"), "", "x" * 5000, "\x1b[31m\n", "../a"]
ODD += ["\ud800", [], {}, [None], [[[]]], {"": {}}, {"a": None}, [1, "a", {}], "[PAD]", "BertTokenizer", "1", 1]


def opened(function: Callable[[], Any]) -> bool:
    """Says whether a file opened; fails for any error but one that is one line."""
    message = ""
    try:
        function()
    except InputError as error:
        message = str(error)
    assert len(message) <= LONGEST_MESSAGE
    assert "\n" not in message
    return not message


def cases(seed: int) -> Iterator[random.Random]:
    """Yields a source of chance a case, until there were enough or the time is over."""
    end = time.monotonic() + SECONDS
    count = 0
    while time.monotonic() < end and count < MOST:
        yield random.Random(f"{seed} {count}")
        count += 1
    assert count >= FEWEST


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Changes some bytes, and now and then cuts, doubles or inserts some; without any it makes one."""
    out = bytearray(data or b"\0")
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        out[chance.randrange(len(out))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
    place = chance.randrange(len(out))
    way = chance.random()
    if way < 0.1:
        del out[place:]
    elif way < 0.2:
        out[place:place] = out[place : place + chance.randrange(64)]
    return bytes(out)


def odd(value: Any, chance: random.Random) -> Any:
    """Changes a JSON value somewhere inside: an odd value in place of one, one left out, one twice."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice([1, 1, 2, 5])):
        places = list(containers(value))
        if not places:
            return chance.choice(ODD)
        holder = chance.choice(places)
        key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        way = chance.random()
        if way < 0.7:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif way < 0.9:
            del holder[key]
        elif isinstance(holder, dict):
            holder[str(chance.choice(ODD))[:20]] = holder[key]
        else:
            holder.append(holder[key])
    return value


def containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        if value:
            yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Hugging Face folder with every file that is read."""
    config = {"id2label": {"0": "a", "1": "b"}, "architectures": ["BertForSequenceClassification"]}
    head = {
        "classifier.weight": np.ones((2, 8), "float32"),
        "classifier.bias": np.ones(2, "float32"),
    }
    settings = {"do_lower_case": True, "tokenizer_class": "BertTokenizer", "cls_token": {"content": "[CLS]"}}
    settings["added_tokens_decoder"] = {"5": {"content": "a", "special": False}}
    small.write_hugging_face(tmp_path, small.tensors() | head, settings, **config)
    pooling = {"pooling_mode_mean_tokens": True, "word_embedding_dimension": 8}
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (tmp_path / "1_Pooling").mkdir()
    others = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": 12},
        "tokenizer.json": fast(True, added=[(0, "[PAD]"), (5, "a")]),
        "added_tokens.json": {"a": 5},
        "keras_bert.json": {"task": "BertClassifier", "preprocessor": {"max_length": 9}},
    }
    for name, fields in others.items():
        (tmp_path / name).write_bytes(dumped(fields))
    return tmp_path


NAMES = ["config.json", "tokenizer_config.json", "tokenizer.json", "added_tokens.json", "modules.json"]
NAMES += ["1_Pooling/config.json", "sentence_bert_config.json", "keras_bert.json"]


@pytest.mark.parametrize("without_vocabulary", [False, True])
def test_json_files_of_a_hugging_face_folder(folder, without_vocabulary):
    if without_vocabulary:
        (folder / "vocab.txt").unlink()
    assert opened(lambda: open_checkpoint(folder).tokenizer())
    good = {name: (folder / name).read_bytes() for name in NAMES}
    for chance in cases(1):
        name = chance.choice(NAMES)
        made = dumped(odd(json.loads(good[name]), chance)) if chance.random() < 0.8 else damaged(good[name], chance)
        (folder / name).write_bytes(made)
        if opened(lambda: open_checkpoint(folder)) and chance.random() < 0.1:  # a tokenizer takes a while to build
            opened(lambda: open_checkpoint(folder).tokenizer())
        (folder / name).write_bytes(good[name])


def test_files_of_a_byte_pair_tokenizer(tmp_path):
    from keras_bert.checkpoints import open_tokenizer

    write_byte_pairs(tmp_path, True)
    good = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for chance in cases(2):
        name = chance.choice(sorted(good))
        is_json = name.endswith(".json") and chance.random() < 0.8
        (tmp_path / name).write_bytes(
            dumped(odd(json.loads(good[name]), chance)) if is_json else damaged(good[name], chance)
        )
        if chance.random() < 0.3:
            (tmp_path / "vocab.json").unlink()
        opened(lambda: open_tokenizer(tmp_path))
        for other, data in good.items():
            (tmp_path / other).write_bytes(data)


def test_safetensors(folder):
    path = folder / "model.safetensors"
    good = path.read_bytes()
    size = struct.unpack("<Q", good[:8])[0]
    header, data = json.loads(good[8 : 8 + size]), good[8 + size :]
    for chance in cases(3):
        if chance.random() < 0.5:
            made = dumped(odd(header, chance))
            path.write_bytes(struct.pack("<Q", len(made)) + made + data)
        else:
            path.write_bytes(damaged(good[:4000], chance) + good[4000:])
        opened(lambda: open_checkpoint(folder))


def test_hdf5(tmp_path):
    config = {"vocabulary_size": 20, "hidden_dim": 8, "num_layers": 1, "num_heads": 2, "intermediate_dim": 12}
    fields = {"class_name": "BertBackbone", "config": {**config, "max_sequence_length": 16}}
    (tmp_path / "config.json").write_bytes(dumped(fields))
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        for layer, shapes in {
            "reversible_embedding": [(20, 8)],
            "position_embedding": [(16, 8)],
            "embedding": [(2, 8)],
            "layer_normalization": [(8,), (8,)],
            "dense": [(8, 8), (8,)],
            **{
                f"transformer_encoder/_self_attention_layer/{name}_dense": [(8, 2, 4), (2, 4)]
                for name in ("query", "key", "value")
            },
            "transformer_encoder/_self_attention_layer/output_dense": [(2, 4, 8), (8,)],
            "transformer_encoder/_self_attention_layer_norm": [(8,), (8,)],
            "transformer_encoder/_feedforward_intermediate_dense": [(8, 12), (12,)],
            "transformer_encoder/_feedforward_output_dense": [(12, 8), (8,)],
            "transformer_encoder/_feedforward_layer_norm": [(8,), (8,)],
        }.items():
            for index, shape in enumerate(shapes):
                file[f"layers/{layer}/vars/{index}"] = np.ones(shape, "float32")
    assert opened(lambda: read_keras_hub(tmp_path))
    good = path.read_bytes()
    for chance in cases(4):
        path.write_bytes(damaged(good, chance))
        opened(lambda: read_keras_hub(tmp_path))
    path.write_bytes(good)
    for chance in cases(5):
        (tmp_path / "config.json").write_bytes(dumped(odd(fields, chance)))
        opened(lambda: describe(tmp_path))


def test_the_index_of_a_tensorflow_checkpoint(tmp_path):
    """What is refused too late ends this process, and so fails."""
    whole = tmp_path / "whole"
    small.write_google(whole, small.tensors())
    prefix = tmp_path / "bert_model.ckpt"
    for path in whole.iterdir():
        shutil.copy(path, tmp_path / path.name)
    assert opened(lambda: open_checkpoint(prefix))
    index = Path(f"{prefix}.index")
    good = index.read_bytes()
    assert opened(lambda: read_index(prefix))
    fields = {"shape": (2, 3), "dtype": 1, "size": 24}
    numbers = [-1, 0, 1, 2, 2**20, 2**31 - 1, -(2**31), 2**33, 2**62, 2**63 - 1, -(2**63)]
    for chance in cases(6):
        if chance.random() < 0.4:
            index.write_bytes(damaged(good, chance))
        else:  # with checksums that are right, so that TensorFlow would believe it
            made = dict(fields, shape=tuple(chance.choice(numbers) for _ in range(chance.choice([0, 1, 2, 3, 260]))))
            made["dtype"] = chance.choice([1, 1, 0, 7, 14, 19, 23, 99, 101, 2**31 - 1])
            made |= {"size": chance.choice([24, *numbers]), "offset": chance.choice([0, *numbers])}
            made["shard_id"] = chance.choice([0, 0, 0, 1, -1, 2**31 - 1])
            data = tensorflow_table.entry(**made)
            data = damaged(data, chance) if chance.random() < 0.3 else data
            table = {b"": tensorflow_table.header(), b"bert/embeddings/word_embeddings": data, b"a": data}
            index.write_bytes(tensorflow_table.table(table))
        opened(lambda: open_checkpoint(prefix))


@pytest.mark.parity
def test_pytorch_files(folder):
    torch = pytest.importorskip("torch")
    (folder / "model.safetensors").unlink()
    (folder / "modules.json").unlink()
    path = folder / "pytorch_model.bin"
    state = {name: torch.tensor(value) for name, value in small.tensors().items()}
    torch.save(state, path)
    good = path.read_bytes()
    assert opened(lambda: open_checkpoint(folder))
    for chance in cases(7):
        if chance.random() < 0.5:
            path.write_bytes(damaged(good, chance))
        else:
            name = chance.choice(sorted(state))
            values = [
                torch.tensor(3),
                torch.zeros(1).expand(2**20, 2**20),
                torch.zeros(3, 3).to_sparse(),
                {"a": 1},
                None,
            ]
            values += [torch.zeros(2, dtype=torch.complex64), torch.zeros(2, device="meta"), [torch.zeros(2)], "text"]
            torch.save({**state, name: chance.choice(values)}, path)
        opened(lambda: open_checkpoint(folder))
