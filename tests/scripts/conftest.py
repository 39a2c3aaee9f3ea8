"""Tiny models and rows for the programs."""

import dataclasses
from pathlib import Path

import pytest

from tests.scripts.programs import CONFIG, rows, save_classifier, save_encoder, save_regressor, write_table


@pytest.fixture(scope="session")
def encoder(tmp_path_factory) -> Path:
    """A checkpoint of one block to fine-tune, with a vocabulary for the rows."""
    return save_encoder(tmp_path_factory.mktemp("encoder") / "preset", dataclasses.replace(CONFIG, num_hidden_layers=1))


@pytest.fixture(scope="session")
def classifier(tmp_path_factory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("classifier") / "model")


@pytest.fixture(scope="session")
def pair_classifier(tmp_path_factory) -> Path:
    return save_classifier(tmp_path_factory.mktemp("pairs") / "model", ("no", "yes"), text_pair=True)


@pytest.fixture(scope="session")
def regressor(tmp_path_factory) -> Path:
    return save_regressor(tmp_path_factory.mktemp("regressor") / "model", text_pair=True)


@pytest.fixture(scope="session")
def several_classifier(tmp_path_factory) -> Path:
    return save_classifier(
        tmp_path_factory.mktemp("several") / "model",
        ("cheap", "fast", "loud"),
        problem_type="multi_label_classification",
    )


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """A folder with `train.tsv` (128 rows), `dev.tsv` and `test.tsv` (32 each): sentence, label."""
    folder = tmp_path_factory.mktemp("tables")
    for seed, (name, count) in enumerate({"train": 128, "dev": 32, "test": 32}.items()):
        write_table(folder / f"{name}.tsv", ("sentence", "label"), rows(count, seed))
    return folder
