"""Tiny models and rows for the programs."""

from pathlib import Path

import pytest

from tests.scripts.programs import rows, save_classifier, save_encoder, save_regressor, write_table


@pytest.fixture(scope="session")
def encoder(tmp_path_factory) -> Path:
    """A checkpoint to fine-tune, with a vocabulary for the rows."""
    return save_encoder(tmp_path_factory.mktemp("encoder") / "preset")


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
    """A folder with `train.tsv` (64 rows), `dev.tsv` and `test.tsv` (16 each): sentence, label."""
    folder = tmp_path_factory.mktemp("tables")
    for seed, (name, count) in enumerate({"train": 64, "dev": 16, "test": 16}.items()):
        write_table(folder / f"{name}.tsv", ("sentence", "label"), rows(count, seed))
    return folder
