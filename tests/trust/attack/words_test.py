"""Which words of a text an attack may change."""

import pytest

from keras_bert.trust.attack.words import entity_markers, find_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't like it, at all.", ["I", "don't", "like", "it", "at all"]),
        ("it 's n't 'good' rock 'n' roll don'", ["it", "s", "n't", "good", "rock", "n", "roll", "don"]),
        ("我很喜欢iPhone手机", ["我", "很", "喜欢", "iPhone", "手", "机"]),
        ("a''b it’s — 3.5 €!", ["a", "b", "it’s", "3", "5"]),
        ("At  All at\tall", ["At", "All", "at", "all"]),  # a phrase stands as the list has it
        ("", []),
        ("... ,", []),
    ],
)
def test_words_are_those_of_bert_with_letters_and_phrases_of_a_list(text: str, words: list[str]):
    assert [text[start:end] for start, end in find_words(text, {"at all", "喜欢"})] == words


def test_the_longest_phrase_is_found():
    text = "not at all bad"
    found = find_words(text, {"at all", "not at all", "all bad"})
    assert [text[start:end] for start, end in found] == ["not at all", "bad"]


def test_markers_of_entities_are_left_alone():
    text = "the <e1>fire</e1> came after the <e2>storm</e2> e1"
    found = find_words(text, protected=entity_markers())
    assert [text[start:end] for start, end in found] == ["the", "fire", "came", "after", "the", "storm", "e1"]
