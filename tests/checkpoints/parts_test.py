"""`from_preset` of the encoder, the tokenizer and the preprocessor, from every format, and what each fetches."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_bert.checkpoints import convert, describe, encoder_weights, open_checkpoint
from keras_bert.checkpoints.save import save_hugging_face
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.text import BertPreprocessor, BertTokenizer, BytePairTokenizer, TokenLayer
from tests.checkpoints import small
from tests.checkpoints.tokenizer_files_test import write_byte_pairs


@pytest.fixture(scope="module", params=["google", "hugging_face"])
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "small"
    {"google": small.write_google, "hugging_face": small.write_hugging_face}[request.param](folder, small.tensors())
    return folder


def test_the_encoder_with_its_weights(folder):
    encoder = BertEncoder.from_preset(folder, output_hidden_states=True)
    assert encoder.use_pooler
    for weight in encoder_weights(encoder):
        np.testing.assert_array_equal(weight.read(), small.tensors()[weight.name])
    assert len(encoder.output["hidden_states"]) == 3
    assert BertEncoder.from_preset(open_checkpoint(folder), use_pooler=False).pooler is None


def test_the_encoder_without_a_pooler_or_without_weights(tmp_path):
    values = {name: value for name, value in small.tensors().items() if "pooler" not in name}
    folder = small.write_hugging_face(tmp_path, values)
    assert not BertEncoder.from_preset(folder).use_pooler
    assert BertEncoder.from_preset(folder, use_pooler=True).use_pooler
    (folder / "model.safetensors").unlink()
    assert BertEncoder.from_preset(folder, load_weights=False).config == open_config(folder)
    with pytest.raises(InputError, match="no checkpoint of a known format"):
        BertEncoder.from_preset(folder)


def open_config(folder):
    return describe(folder).config


def test_tokenizer_and_preprocessor_need_no_weights(folder):
    tokenizer = BertTokenizer.from_preset(folder)
    assert (tokenizer.get_vocabulary(), tokenizer.lowercase) == (small.ENTRIES, True)
    assert not BertTokenizer.from_preset(folder, lowercase=False).lowercase
    assert BertTokenizer.from_preset(folder / "vocab.txt").get_vocabulary() == small.ENTRIES
    preprocessor = BertPreprocessor.from_preset(folder)
    assert (preprocessor.max_length, preprocessor.tokenizer.get_vocabulary()) == (16, small.ENTRIES)
    assert BertPreprocessor.from_preset(folder, 8, truncation="only_first").max_length == 8
    assert preprocessor(["a b"])["token_ids"].numpy()[0, :4].tolist() == [2, 5, 6, 3]


def test_saved_settings_of_the_preprocessor(tmp_path):
    encoder = BertEncoder(small.CONFIG)
    extra = {"preprocessor": {"max_length": 9, "truncation": "only_second"}}
    save_hugging_face(tmp_path / "a", small.CONFIG, encoder_weights(encoder), {}, BertTokenizer(small.ENTRIES), extra)
    written = json.loads((tmp_path / "a" / "tokenizer_config.json").read_text())
    assert written["model_max_length"] == 9  # what it was trained with, not what it has positions for
    preprocessor = BertPreprocessor.from_preset(tmp_path / "a")
    assert (preprocessor.max_length, preprocessor.truncation) == (9, "only_second")
    assert BertPreprocessor.from_preset(tmp_path / "a", truncation="only_first").truncation == "only_first"


def test_a_tokenizer_of_another_kind(tmp_path):
    write_byte_pairs(tmp_path)
    assert isinstance(TokenLayer.from_preset(tmp_path), BytePairTokenizer)
    with pytest.raises(InputError, match=r"is a BytePairTokenizer, not a BertTokenizer; use BytePairTokenizer\.from_"):
        BertTokenizer.from_preset(tmp_path)


@pytest.mark.slow
def test_after_importing_the_package_alone(tmp_path):
    small.write_hugging_face(tmp_path, small.tensors())
    program = (
        "import sys, keras_bert; encoder = keras_bert.BertEncoder.from_preset(sys.argv[1]); "
        "print(encoder.config.hidden_size, keras_bert.BertTokenizer.from_preset(sys.argv[1]).vocabulary_size, "
        "keras_bert.BertPreprocessor.from_preset(sys.argv[1]).max_length)"
    )
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, cwd=root)
    assert result.stdout.split() == ["8", "20", "16"], result.stderr


def test_the_encoder_understands_hugging_faces_names(folder):
    encoder = BertEncoder.from_preset(folder)
    ids, types = np.array([[2, 7, 8, 3, 0]]), np.array([[0, 0, 1, 1, 0]])
    mask = np.array([[1, 1, 1, 1, 0]])
    ours = encoder({"token_ids": ids, "segment_ids": types, "padding_mask": mask})
    theirs = encoder({"input_ids": ids, "token_type_ids": types, "attention_mask": mask})
    np.testing.assert_array_equal(ours["pooled_output"], theirs["pooled_output"])
    plain = encoder({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": np.ones_like(ids)})
    np.testing.assert_array_equal(plain["pooled_output"], encoder({"input_ids": ids})["pooled_output"])
    symbolic = encoder({"input_ids": keras.Input((None,), dtype="int32")})
    assert symbolic["pooled_output"].shape == (None, 8)
    with pytest.raises(InputError, match="'token_type_id'; did you mean 'token_type_ids'"):
        encoder({"input_ids": ids, "token_type_id": types})


def test_a_converted_preset_describes_itself_alike(folder, tmp_path):
    convert(folder, tmp_path / "out")
    before, after = describe(folder), describe(tmp_path / "out")
    assert (before.config, before.vocabulary, before.tensors) == (after.config, after.vocabulary, {})
