"""Conversion from every format keeps every tensor, head and setting; transformers opens what it wrote."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_bert.checkpoints import convert, open_checkpoint
from keras_bert.errors import InputError
from tests.checkpoints import small

FOLDERS = (
    "google_tf1_gelu",
    "hf_multiple_choice",
    "hf_pretraining_erf",
    "hf_question_answering",
    "hf_sequence_classification",
    "hf_token_classification",
    "keras_hub_masked_lm",
    "model_garden_encoder_model",
    "model_garden_encoder_v2",
    "model_garden_pretrainer",
    "tiny_google_tf1",
)
INPUTS = ("token_ids", "segment_ids", "padding_mask")


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_written_opens_as_what_was_read(shared_data, tmp_path, name):
    source = shared_data / "checkpoints" / name
    report = convert(source, tmp_path / "out")
    before, after = open_checkpoint(source), open_checkpoint(tmp_path / "out")
    assert set(report.written) == before.tensors.keys() == after.tensors.keys()
    assert report.ignored == before.ignored
    for tensor, value in before.tensors.items():
        np.testing.assert_array_equal(after.tensors[tensor], value, err_msg=tensor)
    assert after.config == before.config
    assert after.metadata["architectures"] == before.metadata["architectures"]
    assert after.labels == before.labels
    assert after.extra == before.extra
    assert after.vocabulary == before.vocabulary
    assert (after.lowercase, after.strip_accents) == (before.lowercase, before.strip_accents)
    assert not after.ignored


@pytest.mark.parametrize("name", [name for name in FOLDERS if name.startswith("hf_")])
def test_hugging_face_to_hugging_face_is_bit_for_bit(shared_data, tmp_path, name):
    source = shared_data / "checkpoints" / name
    convert(source, tmp_path / "out")
    before, after = load_file(source / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(before[tensor].tobytes() == after[tensor].tobytes() for tensor in before)
    configs = [json.loads((folder / "config.json").read_text()) for folder in (source, tmp_path / "out")]
    assert configs[0] == configs[1]
    assert (source / "vocab.txt").read_bytes() == (tmp_path / "out" / "vocab.txt").read_bytes()


def test_what_has_no_place_in_hugging_faces_files_is_said(shared_data, tmp_path):
    report = convert(shared_data / "checkpoints" / "keras_hub_masked_lm", tmp_path / "keras_hub")
    assert any(note.startswith("masked_lm: in keras_bert.json") for note in report.notes)
    report = convert(shared_data / "checkpoints" / "model_garden_pretrainer", tmp_path / "garden")
    assert any("transformers passes over cls.seq_relationship.dense.*" in note for note in report.notes)


def test_the_source_is_never_overwritten(tmp_path):
    source = small.write_hugging_face(tmp_path / "models" / "a", small.tensors())
    for target in (source, source.parent):
        with pytest.raises(InputError, match="is or holds the checkpoint that is read"):
            convert(source, target, overwrite=True)
    assert open_checkpoint(source).tensors


def test_a_source_that_cannot_be_read_leaves_no_folder(tmp_path):
    source = small.write_hugging_face(tmp_path / "a", small.tensors(), model_type="roberta")
    with pytest.raises(InputError, match="roberta"):
        convert(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_vocabulary_with_a_line_separator_goes_over_as_it_is(tmp_path):
    source = small.write_hugging_face(tmp_path / "a", small.tensors())
    entries = ["\u2028" if token == "o" else token for token in small.ENTRIES]
    (source / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    convert(source, tmp_path / "out")
    assert open_checkpoint(tmp_path / "out").vocabulary == entries


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in FOLDERS if name != "tiny_google_tf1"])
def test_transformers_gives_the_reference_outputs_with_what_was_written(shared_data, tmp_path, name):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    source = shared_data / "checkpoints" / name
    convert(source, tmp_path / "out")
    reference = np.load(source / "reference_outputs.npz")
    [architecture] = json.loads((tmp_path / "out" / "config.json").read_text())["architectures"]
    model, loading = getattr(transformers, architecture).from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not loading["missing_keys"]
    # What BertForMaskedLM has no place for: the pooler and Model Garden's next-sentence head.
    assert all(key.startswith(("bert.pooler.", "cls.seq_relationship.")) for key in loading["unexpected_keys"])
    batch = dict(zip(("input_ids", "token_type_ids", "attention_mask"), INPUTS, strict=True))
    with torch.no_grad():
        outputs = model.eval()(
            **{theirs: torch.tensor(reference[ours].astype("int64")) for theirs, ours in batch.items()},
            output_hidden_states=True,
        )
    real = reference["padding_mask"].reshape(-1, reference["padding_mask"].shape[-1]).astype(bool)
    last = reference["sequence_output"] if "sequence_output" in reference else reference["hidden_3"]
    np.testing.assert_allclose(outputs.hidden_states[-1].numpy()[real], last[real], atol=1e-4)
    for ours, theirs in (
        ("logits", "logits"),
        ("start_logits", "start_logits"),
        ("end_logits", "end_logits"),
        ("prediction_logits", "prediction_logits"),
        ("seq_relationship_logits", "seq_relationship_logits"),
        ("pooled_output", "pooler_output"),
    ):
        if ours in reference and theirs in outputs:
            theirs_value, ours_value = outputs[theirs].numpy(), reference[ours]
            if ours_value.shape[:2] == real.shape:
                theirs_value, ours_value = theirs_value[real], ours_value[real]
            np.testing.assert_allclose(theirs_value, ours_value, atol=1e-4, err_msg=ours)


@pytest.mark.parity
@pytest.mark.parametrize("lowercase", [True, False])
def test_transformers_tokenizer_gives_the_same_ids(shared_data, tmp_path, lowercase):
    transformers = pytest.importorskip("transformers")
    source = small.write_hugging_face(tmp_path / "a", small.tensors(), {"do_lower_case": lowercase})
    convert(source, tmp_path / "out")
    texts = ["a B c", "Áo ab", "[SEP] x"]
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    ours = open_checkpoint(tmp_path / "out").tokenizer()
    for text in texts[:2]:
        assert ours(text).numpy().tolist() == theirs(text, add_special_tokens=False)["input_ids"]
