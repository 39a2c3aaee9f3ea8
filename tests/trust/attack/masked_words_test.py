"""Words that a masked language model proposes: those of its own answers, with the sentence as it is now."""

import pytest

from keras_bert.errors import InputError
from keras_bert.trust.attack.masked_words import TOP_K, MaskedWords
from keras_bert.trust.attack.sentence import Sentence, words_of
from keras_bert.trust.attack.words import find_words
from tests.tasks import tiny


@pytest.fixture(scope="module")
def filler():
    return tiny.pretrainer()


def sentence(text: str) -> Sentence:
    return Sentence(("text",), (text,), words_of((text,), {0: find_words(text)}))


def test_what_is_proposed_are_the_likeliest_words(filler):
    made = sentence("The film was Good.")
    found = MaskedWords(filler).propose([(made, 3), (made, 1)])
    likely = [entry["token"] for entry in filler.answer(["The film was [MASK]."], top_k=28)[0][0]]
    words = [token for token in likely if token.isalpha() and token != "good"]
    assert found[0] == [word.capitalize() for word in words[:TOP_K]]
    assert len(found[1]) == TOP_K
    assert "film" not in found[1]
    assert MaskedWords(filler).for_word(made, 3) == found[0]


def test_what_is_changed_already_stands_around_the_mask(filler):
    made = sentence("the film was good")
    before = MaskedWords(filler).for_word(made, 3)
    made.replacements[1] = "food"
    expected = MaskedWords(filler).for_word(sentence("the food was good"), 3)
    assert MaskedWords(filler).for_word(made, 3) == expected != before


def test_long_texts_and_masks_in_them_do_no_harm(filler):
    made = sentence("very " * 100 + "[MASK] good film" + " so" * 100)
    last = len(made.words) - 1
    assert all(
        len(words) == 3 for words in MaskedWords(filler, top_k=3).propose([(made, 0), (made, 101), (made, last)])
    )
    assert MaskedWords(filler).propose([]) == []


def test_other_models_are_refused(filler):
    with pytest.raises(InputError, match="proposed by a BertPretrainer, a BertClassifier has no masked-word head"):
        MaskedWords(tiny.classifier())
    with pytest.raises(InputError, match="top_k 0: expected 1 or more"):
        MaskedWords(filler, top_k=0)
