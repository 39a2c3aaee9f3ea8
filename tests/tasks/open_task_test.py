"""A folder opens as the task it was trained for, with what the caller says; what holds none is refused."""

from pathlib import Path

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertPretrainer, BertRegressor, open_task
from tests.tasks import tiny


@pytest.mark.parametrize(
    ("make", "cls"),
    [(tiny.classifier, BertClassifier), (tiny.regressor, BertRegressor), (tiny.pretrainer, BertPretrainer)],
)
def test_the_files_name_the_task(make: object, cls: type, tmp_path: Path):
    make().save_preset(tmp_path / "model")
    task = open_task(tmp_path / "model", max_length=9, dtype="mixed_bfloat16")
    assert type(task) is cls
    assert (task.preprocessor.max_length, task.dtype_policy.name) == (9, "mixed_bfloat16")


def test_pre_training_heads_of_any_format_are_a_pretrainers(shared_data: Path):
    assert type(open_task(shared_data / "checkpoints" / "tiny_google_tf1")) is BertPretrainer


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(InputError, match="nowhere: no such folder or preset"):
        open_task(tmp_path / "nowhere")


def test_an_encoder_without_head_is_no_task(shared_data: Path):
    with pytest.raises(InputError, match=r"model_garden_encoder_v2.*: no"):
        open_task(shared_data / "checkpoints" / "model_garden_encoder_v2")
