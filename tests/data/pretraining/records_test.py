"""The reader of records: what it gives, and what it does not accept."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.data.pretraining.records import check_records_fit, pretraining_records, write_records
from keras_bert.data.shards.manifest import Manifest, describe_vocabulary, versions
from keras_bert.errors import InputError
from keras_bert.text.word_piece.tokenizer import BertTokenizer

ENTRIES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
TOKENIZER = BertTokenizer(ENTRIES)


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def examples(first: int, count: int, static: bool = False) -> list[dict]:
    masked = {"mask_positions": ids(1), "mask_labels": ids(5)} if static else {}
    return [
        {"token_ids": ids(*[first + number] * (number % 5 + 3)), "first_length": 2, "next_sentence_label": number % 2}
        | masked
        for number in range(count)
    ]


def write(folder: Path, shards: list[list[dict]], objective: str = "mlm_nsp", masking: str = "dynamic") -> Path:
    folder.mkdir(exist_ok=True)
    listed = []
    for number, shard in enumerate(shards):
        name = f"examples-{number}.tfrecord.gz"
        assert write_records(str(folder / name), shard) == len(shard)
        listed.append({"name": name, "examples": len(shard), "bytes": (folder / name).stat().st_size})
    settings = {"objective": objective, "masking": masking, "max_length": 8}
    manifest = Manifest(describe_vocabulary(TOKENIZER), settings, {}, listed, versions())
    (folder / "manifest.json").write_text(manifest.to_json())
    return folder


def rows(dataset: tf.data.Dataset) -> list[dict]:
    return [{name: value.tolist() for name, value in row.items()} for row in dataset.as_numpy_iterator()]


def plain(shards: list[list[dict]]) -> list[dict]:
    return [
        {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in row.items()}
        for shard in shards
        for row in shard
    ]


def test_what_was_written_is_read(tmp_path: Path):
    shards = [examples(10, 7), examples(50, 3)]
    dataset = pretraining_records(write(tmp_path, shards), TOKENIZER)
    assert dataset.element_spec == {
        "token_ids": tf.TensorSpec([None], tf.int32),
        "first_length": tf.TensorSpec([], tf.int32),
        "next_sentence_label": tf.TensorSpec([], tf.int32),
    }
    assert int(dataset.cardinality()) == 10

    def key(row):
        return json.dumps(row, sort_keys=True)

    found = rows(dataset)
    assert sorted(found, key=key) == sorted(plain(shards), key=key)
    assert found == rows(dataset)


def test_static_masks_and_examples_without_pairs(tmp_path: Path):
    static = write(tmp_path / "static", [examples(5, 4, static=True)], masking="static")
    (row, *_) = rows(pretraining_records(static, TOKENIZER))
    assert (row["mask_positions"], row["mask_labels"]) == ([1], [5])
    single = [{"token_ids": ids(2, 5, 3), "first_length": 3}]
    assert rows(pretraining_records(write(tmp_path / "mlm", [single], "mlm"), TOKENIZER)) == plain([single])


def test_shuffle_takes_the_shards_in_another_order_each_epoch(tmp_path: Path):
    folder = write(tmp_path, [examples(100 * number, 2) for number in range(8)])
    dataset = pretraining_records(folder, TOKENIZER, shuffle=True, seed=3)
    epochs = [rows(dataset) for _ in range(2)]
    again = pretraining_records(folder, TOKENIZER, shuffle=True, seed=3)
    assert [rows(again) for _ in range(2)] == epochs
    assert epochs[0] != epochs[1]
    assert all(len(epoch) == 16 for epoch in epochs)


def test_only_what_the_manifest_names_is_read(tmp_path: Path):
    folder = write(tmp_path, [examples(10, 4)])
    write_records(str(folder / "examples-9.tfrecord.gz"), examples(90, 4))
    (folder / ".examples-8.tfrecord.gz.partial-1234").write_bytes(b"half")
    assert {row["token_ids"][0] // 10 for row in rows(pretraining_records(folder, TOKENIZER))} == {1}


def test_half_a_shard_and_a_missing_one_are_refused(tmp_path: Path):
    folder = write(tmp_path, [examples(10, 400)])
    shard = folder / "examples-0.tfrecord.gz"
    shard.write_bytes(shard.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"examples-0\S* has \d+ bytes, manifest.json says \d+"):
        pretraining_records(folder, TOKENIZER)
    shard.unlink()
    with pytest.raises(InputError, match=r"missing, and manifest.json names it"):
        pretraining_records(folder, TOKENIZER)


def test_another_vocabulary_is_an_error(tmp_path: Path):
    folder = write(tmp_path, [examples(10, 1)])
    with pytest.raises(InputError, match=r"made with another vocabulary \(7 entries.*model's \(7 entries"):
        pretraining_records(folder, BertTokenizer([*ENTRIES[:-1], "c"]))
    with pytest.raises(InputError, match="lowercase=True, the model's tokenizer has lowercase=False"):
        pretraining_records(folder, BertTokenizer(ENTRIES, lowercase=False))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no manifest.json, so no finished pre-training data"),
        ("{", "not a JSON file"),
        ("[]", "not a manifest"),
        ('{"format": "another"}', "not a manifest"),
        ('{"format": "keras_bert pre-training examples", "format_version": 2}', "format_version 2; this version reads"),
    ],
)
def test_a_folder_without_a_manifest(tmp_path: Path, text, words):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=words):
        pretraining_records(tmp_path, TOKENIZER)


def test_shards_outside_of_the_folder_are_not_read(tmp_path: Path):
    folder = Path(write(tmp_path / "data", [examples(10, 1)]))
    path = folder / "manifest.json"
    name = json.loads(path.read_text())["shards"][0]["name"]
    (tmp_path / name).write_bytes((folder / name).read_bytes())
    path.write_text(path.read_text().replace(name, f"../{name}"))
    with pytest.raises(InputError, match=r"manifest\.json: names '\.\./.*', which leads out of its folder"):
        pretraining_records(folder, TOKENIZER)
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="nested too deep"):
        pretraining_records(folder, TOKENIZER)


def test_data_without_a_held_out_part(tmp_path: Path):
    folder = write(tmp_path, [examples(10, 1)])
    with pytest.raises(InputError, match=rf"^{folder}: its examples are all for training, none is held out"):
        pretraining_records(Path(folder) / "held_out", TOKENIZER)


def test_records_for_a_phase_of_training(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    pairs, packed = (str(write(tmp_path / name, [examples(10, 1)], name)) for name in ("mlm_nsp", "mlm"))
    for folder, objective in ((pairs, "mlm_nsp"), (pairs, "mlm"), (packed, "mlm")):
        check_records_fit(folder, 8, objective)
    assert not caplog.messages
    with pytest.raises(InputError, match=rf"^{packed}: made with --objective=mlm, so without next sentences"):
        check_records_fit(packed, 8, "mlm_nsp")
    with pytest.raises(InputError, match=rf"^{pairs}: its examples have up to 8 tokens, the rows of the phase 7"):
        check_records_fit(pairs, 7, "mlm_nsp")
    check_records_fit(pairs, 9, "mlm_nsp")
    assert caplog.messages == [f"{pairs}: its examples have 8 tokens at most, not the 9 of the phase"]


def test_records_for_other_objectives(tmp_path: Path):
    """Left to right takes running text that is not masked yet; the masks of UniLM take their own examples alone."""
    made = {name: str(write(tmp_path / name, [examples(10, 1)], name)) for name in ("mlm_nsp", "mlm", "unilm")}
    static = str(write(tmp_path / "static", [examples(10, 1)], "mlm", "static"))
    check_records_fit(made["mlm"], 8, "clm")
    check_records_fit(made["unilm"], 8, "unilm")
    for folder, objective, message in (
        (made["mlm_nsp"], "clm", "pairs of texts of which half are random"),
        (static, "clm", "its words are hidden for good"),
        (made["unilm"], "mlm", "made with --objective=unilm, to be trained on with --objective=mlm;"),
        (made["unilm"], "clm", "made with --objective=unilm, to be trained on with --objective=clm;"),
        (made["mlm_nsp"], "unilm", "made with --objective=mlm_nsp, to be trained on with --objective=unilm;"),
    ):
        with pytest.raises(InputError, match=rf"^{folder}: .*{message}"):
            check_records_fit(folder, 8, objective)


def test_another_setting_of_the_tokenizer_is_refused(tmp_path: Path):
    folder = write(tmp_path, [examples(10, 2)])
    other = type(TOKENIZER).from_config({**TOKENIZER.get_config(), "special_tokens_in_text": True})
    with pytest.raises(InputError, match="special_tokens_in_text=False and not True"):
        pretraining_records(folder, other)
