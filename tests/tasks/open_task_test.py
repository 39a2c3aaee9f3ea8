"""A folder opens as the task it was trained for, with what the caller says; what holds none is refused."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks import BertClassifier, BertPretrainer, BertRegressor, open_task
from tests.checkpoints.fuzz_test import odd, opened
from tests.tasks import tiny, tiny_questions, tiny_sequences, tiny_tags


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


def changed(fields: Any, path: Sequence[str], value: Any) -> Any:
    return {**fields, path[0]: changed(fields.get(path[0], {}), path[1:], value)} if path else value


@pytest.mark.parametrize(
    ("make", "file", "path", "value", "message"),
    [
        (tiny.classifier, "config.json", ("architectures",), 5, "architectures is 5, expected a list of which each is"),
        (tiny.classifier, "config.json", ("architectures",), [["a"]], "architectures is"),
        (tiny.classifier, "keras_bert.json", ("preprocessor",), None, "preprocessor is None, expected an object"),
        (
            tiny.classifier,
            "keras_bert.json",
            ("preprocessor", "max_length"),
            "9",
            "max_length is '9', expected a whole",
        ),
        (tiny.classifier, "keras_bert.json", ("threshold",), "", "threshold is '', expected a number"),
        (tiny.embedder, "keras_bert.json", ("sentence_embedding",), 1, "sentence_embedding is 1, expected an object"),
        (tiny.embedder, "keras_bert.json", ("sentence_embedding", "score_range"), [0, {}], "score_range is"),
        (tiny_tags.tagger, "keras_bert.json", ("tagging", "stride"), "x", "stride is 'x', expected a whole number or"),
        (tiny_questions.answerer, "keras_bert.json", ("question_answering", "doc_stride"), [], "doc_stride is"),
        (tiny_sequences.writer, "keras_bert.json", ("generation", "head_activation"), [None], "head_activation is"),
        (tiny_sequences.writer, "generation_config.json", ("top_p",), "x", "top_p is 'x', expected a number"),
        (
            tiny_sequences.writer,
            "generation_config.json",
            ("forbidden_words",),
            1,
            "forbidden_words is 1, expected a list",
        ),
    ],
)
def test_settings_of_another_kind_are_named(
    make: Any, file: str, path: tuple, value: Any, message: str, tmp_path: Path
):
    make().save_preset(tmp_path / "model")
    name = tmp_path / "model" / file
    name.write_text(json.dumps(changed(json.loads(name.read_text()), path, value)))
    with pytest.raises(InputError, match=re.escape(message)):
        open_task(tmp_path / "model")


@pytest.mark.slow
def test_odd_settings_open_or_are_refused_in_one_line(tmp_path: Path):
    makers = (tiny.classifier, tiny.regressor, tiny.embedder, tiny_tags.tagger, tiny_questions.answerer)
    for make in (*makers, tiny_sequences.writer, tiny.pretrainer):
        folder = tmp_path / make.__name__
        make().save_preset(folder)
        good = {path: path.read_bytes() for path in sorted(folder.glob("*.json"))}
        for case in range(40):
            chance = random.Random(f"{make.__name__} {case}")
            path = chance.choice(list(good))
            path.write_text(json.dumps(odd(json.loads(good[path]), chance)))
            opened(lambda folder=folder: open_task(folder))
            path.write_bytes(good[path])
