"""Folders of sentence-transformers give the vectors of that library, through each setting of their files."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint
from keras_bert.errors import InputError
from keras_bert.tasks import BertEmbedder, open_task
from tests.tasks.embedding.sentence_transformers_cases import (
    ACCENTED,
    ASKED_WITH,
    CASES,
    INSIDE,
    LOWERED,
    PROMPTS,
    REFERENCE,
    SHOWN,
    TEXTS,
    change,
    write_case,
    write_changed,
)

DENSE = "dense, as LaBSE"
THEIRS = json.loads(REFERENCE.read_text(encoding="utf-8"))


def shown(vectors: np.ndarray) -> np.ndarray:
    return np.concatenate([vectors[:, :SHOWN], vectors[:, -SHOWN:]], axis=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> "Folders":
    return Folders(tmp_path_factory.mktemp("folders"))


class Folders:
    """The folders of the cases, each written when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        if not (self.folder / name).is_dir():
            write_changed(self.folder) if name in (LOWERED, INSIDE) else write_case(name, self.folder / name)
        return self.folder / name

    def copy(self, name: str, target: Path) -> Path:
        return Path(shutil.copytree(self / name, target))


QUICK = ("joined in another order", "chain", "prompt not pooled", "everything")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_vectors_are_those_of_the_library(name: str, folders: Folders, tmp_path: Path):
    model = open_task(folders / name)
    assert isinstance(model, BertEmbedder)
    found = model.embed(TEXTS, prompt=ASKED_WITH.get(name))
    np.testing.assert_allclose(shown(found), THEIRS[name], atol=3e-5)
    assert found.shape[1] == model.vector_size


@pytest.mark.parametrize("name", ["everything", pytest.param("chain", marks=pytest.mark.slow)])
def test_what_is_saved_again_says_the_same(name: str, folders: Folders, tmp_path: Path):
    model = open_task(folders / name)
    model.save_preset(tmp_path / "again")
    for path in (folders / name).rglob("*.json"):
        again = tmp_path / "again" / path.relative_to(folders / name)
        assert json.loads(again.read_text()) == json.loads(path.read_text()), path.name
    assert open_task(tmp_path / "again").fingerprint() == model.fingerprint()


def test_text_is_lower_cased_before_a_cased_vocabulary(folders: Folders, tmp_path: Path):
    """Accents stay: it is not BERT's lower-casing."""
    model = open_task(folders / LOWERED)
    np.testing.assert_allclose(shown(model.embed(ACCENTED)), THEIRS[LOWERED], atol=3e-5)
    model.save_preset(tmp_path / "again")
    np.testing.assert_array_equal(open_task(tmp_path / "again").embed(ACCENTED), model.embed(ACCENTED))


def test_settings_in_the_folder_of_the_transformer_count(folders: Folders):
    model = open_task(folders / INSIDE)
    assert model.preprocessor.max_length == 5
    np.testing.assert_allclose(shown(model.embed(TEXTS)), THEIRS[INSIDE], atol=3e-5)


def test_a_default_prompt_stands_before_every_text(folders: Folders):
    model = open_task(folders / "default prompt")
    expected = model.embed([PROMPTS["query"] + text for text in TEXTS], prompt="")
    np.testing.assert_allclose(model.embed(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose([row["embedding"] for row in model.answer(TEXTS)], expected, atol=1e-6)
    np.testing.assert_allclose(model.answer_strings(TEXTS)["embedding"], expected, atol=1e-6)
    assert np.abs(model.embed(TEXTS, prompt="passage") - expected).max() > 1e-3
    with pytest.raises(InputError, match=r"no prompt 'querry'; the model has: query, passage"):
        model.embed(TEXTS, prompt="querry")


def test_prompts_of_a_caller_are_added(folders: Folders):
    """As E5 needs them, whose folder has none."""
    model = BertEmbedder.from_preset(folders / "mean", prompts={"query": "the "}, default_prompt="query")
    plain = open_task(folders / "mean")
    np.testing.assert_allclose(model.embed(["book"]), plain.embed(["the book"]), atol=1e-6)
    assert BertEmbedder.from_preset(folders / "chosen prompt", prompts={"query": "a "}).prompts.texts == {
        "query": "a ",
        "passage": "book ",
    }


def test_a_keras_file_keeps_every_setting(folders: Folders, tmp_path: Path):
    import keras

    model = open_task(folders / "everything")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.embed(TEXTS), model.embed(TEXTS))
    assert again.fingerprint() == model.fingerprint()


# -- refused by name -------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, 'model_type="SparseEncoder"'),
    ("config_sentence_transformers.json", {"similarity_fn_name": "maxsim"}, "similarity_fn_name='maxsim'"),
    ("config_sentence_transformers.json", {"query_prefix": "[Q] "}, "query_prefix="),
    ("sentence_bert_config.json", {"query_length": 8}, "query_length=8 in sentence_bert_config.json"),
    ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "transformer_task="),
    ("sentence_bert_config.json", {"modality_config": {"text": {"method": "x"}}}, "modality_config="),
    ("sentence_bert_config.json", {"processing_kwargs": {"text": {"max_length": 4}}}, "processing_kwargs="),
    ("sentence_bert_config.json", {"tokenizer_args": {"never_split": ["a"]}}, "never_split="),
    ("sentence_bert_config.json", {"new_setting": 1}, "new_setting=1"),
    ("tokenizer_config.json", {"padding_side": "left"}, "padding_side='left' of its tokenizer"),
    ("tokenizer_config.json", {"truncation_side": "left"}, "truncation_side='left' of its tokenizer"),
    ("1_Pooling/config.json", {"pooling_mode": "median"}, "the pooling 'median'"),
    ("1_Pooling/config.json", {"pooling_mode": []}, "the pooling"),
    ("1_Pooling/config.json", {"word_embedding_dimension": None}, "no settings in 1_Pooling/config.json"),
    ("1_Pooling/config.json", {"new_setting": True}, "new_setting=true in config.json"),
    ("2_Dense/config.json", {"activation_function": "torch.nn.modules.activation.PReLU"}, "the activation 'torch"),
    ("2_Dense/config.json", {"activation_function": "my.Tanh"}, "the activation 'my.Tanh'"),
    ("2_Dense/config.json", {"module_input_name": "token_embeddings"}, "module_input_name="),
]


@pytest.mark.parametrize(("file", "fields", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_not_known_is_refused_by_name(
    file: str, fields: dict[str, Any], message: str, folders: Folders, tmp_path: Path
):
    folders.copy(DENSE, tmp_path / "model")
    change(tmp_path / "model" / file, **fields)
    with pytest.raises(InputError, match=r"its vectors are made with .*which is not known here") as error:
        open_task(tmp_path / "model")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        ("config_sentence_transformers.json", {"__version__": {"sentence_transformers": "3.0"}, "new_setting": None}),
        ("sentence_bert_config.json", {"unpad_inputs": True, "model_args": {"torch_dtype": "float16"}}),
        (
            "sentence_bert_config.json",
            {
                "transformer_task": "feature-extraction",
                "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
                "module_output_name": "token_embeddings",
            },
        ),
        ("2_Dense/config.json", {"module_input_name": "sentence_embedding", "use_residual": False}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_changes_no_vector_is_no_matter(file: str, fields: dict[str, Any], folders: Folders, tmp_path: Path):
    folders.copy(DENSE, tmp_path / "model")
    change(tmp_path / "model" / file, **fields)
    again, model = (open_checkpoint(path).extra["sentence_embedding"] for path in (tmp_path / "model", folders / DENSE))
    assert again == model


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("sentence_transformers.models.CNN", "the module CNN"),
        ("sentence_transformers.models.WeightedLayerPooling", "the module WeightedLayerPooling"),
        ("custom_code.Normalize", r"code of the model's own \(Normalize\)"),
        ("sentence_transformers.models.Dense", "3_More, which lacks its files"),
    ],
)
def test_other_modules_are_refused_and_lend_their_encoder(module: str, message: str, folders: Folders, tmp_path: Path):
    folders.copy("mean", tmp_path / "model")
    path = tmp_path / "model" / "modules.json"
    modules = json.loads(path.read_text(encoding="utf-8"))
    modules.append({"idx": 3, "name": "3", "path": "3_More", "type": module})
    path.write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        open_task(tmp_path / "model")
    assert BertEmbedder.from_preset(tmp_path / "model", modules=[]).modules == ()


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        ("config_sentence_transformers.json", {"default_prompt_name": "none"}, "default_prompt_name is 'none'"),
        ("config_sentence_transformers.json", {"prompts": ["query: "]}, "prompts must be texts by name"),
        ("config_sentence_transformers.json", {"truncate_dim": -1}, "truncate_dim is -1"),
        ("sentence_bert_config.json", {"max_seq_length": "long"}, "max_seq_length is 'long'"),
        ("1_Pooling/config.json", {"word_embedding_dimension": 999}, "hidden_size is 32"),
        ("2_Dense/config.json", {"out_features": 0}, "out_features is 0"),
    ],
)
def test_values_without_sense_are_errors(
    file: str, fields: dict[str, Any], message: str, folders: Folders, tmp_path: Path
):
    folders.copy(DENSE, tmp_path / "model")
    change(tmp_path / "model" / file, **fields)
    with pytest.raises(InputError, match=message):
        open_task(tmp_path / "model")


@pytest.mark.parity
def test_the_library_still_says_so(folders: Folders):
    pytest.importorskip("sentence_transformers")
    from tests.tasks.embedding.sentence_transformers_cases import encode

    for name in [*CASES, LOWERED]:
        assert (folders / name).is_dir()
    for name, vectors in encode(folders.folder).items():
        np.testing.assert_allclose(vectors, THEIRS[name], atol=1e-4)
