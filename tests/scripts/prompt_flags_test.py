"""Prompts that the flags name and define."""

from collections.abc import Iterator

import pytest
from absl.testing import flagsaver

from keras_bert.errors import InputError
from tests.scripts.programs import imported
from tests.tasks import tiny


@pytest.fixture
def prompt_flags() -> Iterator[object]:
    with imported("prompt_flags") as module:
        module.FLAGS.mark_as_parsed()
        yield module


def test_prompts_are_defined_by_name(prompt_flags):
    assert prompt_flags.defined_prompts() == {}
    with flagsaver.flagsaver(prompts='{"query": "query: ", "x": ""}'):
        assert prompt_flags.defined_prompts() == {"query": "query: ", "x": ""}
    for wrong in ("query: ", "[]", '{"query": 3}', "[" * 100_000):
        with flagsaver.flagsaver(prompts=wrong), pytest.raises(InputError, match="expected texts by name, such as"):
            prompt_flags.defined_prompts()


def test_an_embedder_gets_them(prompt_flags):
    model = tiny.embedder(prompts={"other": "a "})
    with flagsaver.flagsaver(prompts='{"query": "the "}', prompt="query"):
        assert prompt_flags.prompt_options(model) == {"prompt": "query"}
    assert model.prompts.texts == {"other": "a ", "query": "the "}
    assert prompt_flags.prompt_options(model) == {}
    with flagsaver.flagsaver(prompt="none"), pytest.raises(InputError, match="no prompt 'none'; the model has: other"):
        prompt_flags.prompt_options(model)


def test_rows_to_be_scored_get_them(prompt_flags):
    model = tiny.embedder(prompts={"other": "a "}, row_prompts=["other"])
    prompt_flags.prompt_rows(model)
    assert model.prompts.of_rows == ("other",)
    with flagsaver.flagsaver(prompt="other", prompt_pair=""):
        prompt_flags.prompt_rows(model)
        assert model.prompts.of_rows == ("other", "")
        with pytest.raises(InputError, match="--prompt_pair is for the pairs"):
            prompt_flags.prompt_options(model)


def test_another_task_has_none(prompt_flags):
    model = tiny.classifier()
    assert prompt_flags.prompt_options(model) == {}
    with flagsaver.flagsaver(prompt=""), pytest.raises(InputError, match="the model is a BertClassifier"):
        prompt_flags.prompt_options(model)
