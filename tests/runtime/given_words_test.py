"""What is taken for words that are split already."""

import pytest

from keras_bert.errors import InputError
from keras_bert.runtime.given_words import words_of


@pytest.mark.parametrize("given", [["New", b"York"], ("New", "York"), {"words": ["New", "York"]}])
def test_words(given):
    assert words_of(0, given) == ["New", "York"]


@pytest.mark.parametrize("given", ["New York", b"New York", {"text": "New York"}])
def test_a_text_is_none(given):
    assert words_of(0, given) is None


@pytest.mark.parametrize("given", [[], [""], ["a", 1], {"words": []}])
def test_others_are_refused(given):
    with pytest.raises(InputError, match="text 3: expected a list of words, none empty, received: "):
        words_of(3, given)
