"""Prompts by name, for texts, for the columns of a row, and for search."""

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.embedding.prompts import DOCUMENT_NAMES, QUERY_NAMES, Prompts

TEXTS = {"query": "query: ", "passage": "passage: "}


def test_nothing_said_is_the_default_and_an_empty_name_is_none():
    assert [Prompts(TEXTS, "query").text(name) for name in (None, "", "passage")] == ["query: ", "", "passage: "]
    assert Prompts(TEXTS, None).text(None) == ""


def test_columns_of_a_row():
    assert [Prompts(TEXTS, "query").of_column(index) for index in range(3)] == ["query: "] * 3
    rows = Prompts(TEXTS, "query", ["", "passage"])
    assert [rows.of_column(index) for index in range(3)] == ["", "passage: ", "passage: "]


def test_for_search_the_first_name_that_the_model_has():
    prompts = Prompts(TEXTS, None)
    assert (prompts.for_search(QUERY_NAMES), prompts.for_search(DOCUMENT_NAMES)) == ("query", "passage")
    assert Prompts({"other": "x"}, "other").for_search(QUERY_NAMES) is None


@pytest.mark.parametrize(
    "arguments", [({"query": 3}, None), ({"": "x"}, None), (TEXTS, "none"), (TEXTS, None, ["query", "none"])]
)
def test_what_makes_no_sense_is_refused(arguments: tuple):
    with pytest.raises(InputError, match=r"prompts must be texts by name|no prompt 'none'; the model has: query"):
        Prompts(*arguments)
