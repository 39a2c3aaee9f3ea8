"""UniLM's own files: what its program makes of them, by hand, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from keras_bert.checkpoints import Checkpoint, open_checkpoint
from keras_bert.checkpoints.unilm import for_writing, with_six_segments
from keras_bert.errors import InputError
from tests.checkpoints import small

SEGMENTS = "bert.embeddings.token_type_embeddings.weight"


def bert(seed: int = 0) -> dict[str, np.ndarray]:
    """The tensors that a file of UniLM stands for: six segments, and keys without a bias."""
    values = small.tensors(seed)
    values[SEGMENTS] = np.random.default_rng(seed).normal(size=(6, 8)).astype("float32")
    return {name: value * (0 if name.endswith("key.bias") else 1) for name, value in values.items()}


def unilm(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As UniLM writes them: one matrix for query, key and value, biases of three axes."""
    made = {name: value for name, value in values.items() if ".attention.self." not in name}
    for layer in range(2):
        own = f"bert.encoder.layer.{layer}.attention.self"
        made[f"{own}.qkv_linear.weight"] = np.concatenate(
            [values[f"{own}.{part}.weight"] for part in ("query", "key", "value")]
        )
        made[f"{own}.q_bias"] = values[f"{own}.query.bias"].reshape(1, 1, 8)
        made[f"{own}.v_bias"] = values[f"{own}.value.bias"].reshape(1, 1, 8)
    return made


def write(folder: Path, values: dict[str, np.ndarray], **fields: object) -> Path:
    return small.write_hugging_face(folder, values, **{"model_type": "unilm", "type_vocab_size": 6, **fields})


def assert_tensors(checkpoint: Checkpoint, expected: dict[str, np.ndarray]) -> None:
    assert checkpoint.tensors.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], value, err_msg=name)


def test_one_matrix_becomes_query_key_and_value(tmp_path: Path):
    checkpoint = open_checkpoint(write(tmp_path, unilm(bert())))
    assert_tensors(checkpoint, bert())
    assert any(note.startswith("qkv_linear of 2 layers") for note in checkpoint.notes)
    assert checkpoint.config.type_vocab_size == 6


@pytest.mark.parity
def test_a_pickle_of_it_is_read_by_torch(tmp_path: Path):
    torch = pytest.importorskip("torch")
    folder = write(tmp_path, unilm(bert()))
    (folder / "model.safetensors").unlink()
    state = {name: torch.tensor(value).half() for name, value in unilm(bert()).items()}
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)  # as files of 2019 are
    checkpoint = open_checkpoint(folder)
    for name, value in bert().items():
        np.testing.assert_array_equal(checkpoint.tensors[name], value.astype("float16").astype("float32"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bert.encoder.rel_pos_bias.weight", r"rel_pos_bias\.weight belongs to relative positions \(UniLM v2\)"),
        ("bert.encoder.layer.0.crossattention.self.query.weight", "belongs to cross-attention"),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, name: str, message: str):
    folder = write(tmp_path, {**unilm(bert()), name: np.ones((8, 8), "float32")})
    with pytest.raises(InputError, match=f"{message}.* not built here; take UniLM v1 or 1.2, or any BERT") as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(8,), (23, 8)])
def test_a_matrix_that_is_not_three_is_refused(tmp_path: Path, shape: tuple[int, ...]):
    name = "bert.encoder.layer.0.attention.self.qkv_linear.weight"
    folder = write(tmp_path, {**unilm(bert()), name: np.ones(shape, "float32")})
    with pytest.raises(InputError, match="expected three matrices, one below the other"):
        open_checkpoint(folder)


def test_a_file_under_its_own_name_says_what_to_do(tmp_path: Path):
    for name in ("unilm1-base-cased.bin", "unilm1-base-cased-config.json", "unilm1-base-cased-vocab.txt"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match=r"unilm1-base-cased\.bin is read under the name pytorch_model\.bin alone"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("mask", "fields", "rows"),
    [
        ("prefix", {}, [4, 5]),
        ("prefix", {"source_type_id": 0, "target_type_id": 1}, [0, 1]),
        ("causal", {"source_type_id": 0, "target_type_id": 1}, [2, 2]),
    ],
)
def test_the_segments_of_a_model_that_writes(tmp_path: Path, mask: str, fields: dict, rows: list[int]):
    checkpoint = open_checkpoint(write(tmp_path, unilm(bert()), **fields))
    found = for_writing(checkpoint, mask)
    assert found.config.type_vocab_size == 2
    assert_tensors(found, {**bert(), SEGMENTS: bert()[SEGMENTS][rows]})
    assert checkpoint.config.type_vocab_size == 6  # the caller's stays
    assert for_writing(found, mask) is found


def test_a_segment_that_is_not_there_is_refused(tmp_path: Path):
    checkpoint = open_checkpoint(write(tmp_path, unilm(bert()), source_type_id=6))
    with pytest.raises(InputError, match="source_type_id=6, target_type_id=5; the segment table has the rows 0 to 5"):
        for_writing(checkpoint, "prefix")


def test_two_segments_become_six(tmp_path: Path):
    checkpoint = open_checkpoint(small.write_hugging_face(tmp_path / "bert", small.tensors()))
    found = with_six_segments(checkpoint)
    table = small.tensors()[SEGMENTS]
    assert_tensors(found, {**small.tensors(), SEGMENTS: table[[0, 1, 0, 0, 0, 1]]})
    assert with_six_segments(found) is found
    values = {**small.tensors(), SEGMENTS: table[:1]}
    one = open_checkpoint(small.write_hugging_face(tmp_path / "one", values, type_vocab_size=1))
    with pytest.raises(InputError, match="two kinds of segments or at its own six; type_vocab_size is 1"):
        with_six_segments(one)
