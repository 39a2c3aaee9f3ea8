"""Files that an earlier version wrote, when every task was one module of `keras_bert.tasks`, open and answer as then.

`written_earlier/` holds `.keras` files and folders of tiny random tasks of commit bffd716, and their answers.
"""

import json
from pathlib import Path
from typing import Any

import keras
import pytest

from keras_bert.tasks import open_task
from keras_bert.training import AdamW

FOLDER = Path(__file__).parent / "written_earlier"
ANSWERS = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
QUESTIONS = {
    "answerer": [{"question": "good film", "context": "the film was bad"}],
    "pretrainer": ["good [MASK] film"],
}


def assert_answers(task: Any, name: str) -> None:
    """The answers of then; scores to six digits, which another processor gives too."""
    assert close(task.answer(QUESTIONS.get(name, ["the good film was not bad"])), ANSWERS[name])


def close(one: Any, other: Any) -> bool:
    if isinstance(other, dict):
        return one.keys() >= other.keys() and all(close(one[key], other[key]) for key in other)
    if isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    return one == pytest.approx(other, abs=1e-6) if isinstance(other, float) else one == other


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_keras_file_opens(name: str):
    task = keras.models.load_model(FOLDER / f"{name}.keras")
    assert_answers(task, name)
    if name == "classifier":
        assert isinstance(task.optimizer, AdamW)


@pytest.mark.parametrize("name", ["classifier", "tagger"])
def test_a_folder_opens(name: str):
    assert_answers(open_task(FOLDER / name), name)
