"""Places are those of the caller's text, whatever stands in it: what was changed is taken back to the byte."""

import random

from keras_bert.trust.attack.sentence import Sentence, given_back, words_of
from keras_bert.trust.attack.words import find_words

TEXTS = [
    "a  good\tfilm , \u200bn't bad\n",
    "Élan vital — e\u0301lan; 🙂🙂 very 好看的电影!",
    "don't 'quote' it 3.5 %",
    "ﷺ عربي שלום \ufeffx",
]


def sentence(*texts: str) -> Sentence:
    fields = ("text", "text_pair")[: len(texts)]
    return Sentence(fields, texts, words_of(texts, {at: find_words(text) for at, text in enumerate(texts)}))


def test_changes_undone_give_the_callers_text_to_the_byte():
    draw = random.Random(0)
    for _ in range(200):
        made = sentence(draw.choice(TEXTS), draw.choice(TEXTS))
        numbers = draw.sample(range(len(made.words)), draw.randint(1, len(made.words)))
        for number in numbers:
            made.replacements[number] = draw.choice(["", "x", "longer words", "好", made.original(number) * 2])
        attacked, changes = made.now(), made.changes()
        assert len(changes) == len(numbers)
        for at, (field, text) in enumerate(zip(made.fields, made.texts, strict=True)):
            own = [change for change in changes if change.field == field]
            for change in own:
                assert text[change.start : change.end] == change.original
                assert attacked[at][change.new_start : change.new_end] == change.replacement
            assert given_back(attacked[at], own).encode() == text.encode()


def test_a_word_is_left_out_with_one_blank():
    made = sentence("a good film", "好看的 film.")
    assert [made.without_word(word)[0] for word in range(3)] == ["good film", "a film", "a good"]
    assert [made.without_word(word)[1] for word in range(3, 7)] == [
        "看的 film.",
        "好的 film.",
        "好看 film.",
        "好看的 .",
    ]


def test_what_stands_around_a_word_has_what_is_changed_already():
    made = sentence("one two three", "four five")
    made.replacements = {0: "1", 1: "twentytwo", 2: "", 4: "5"}
    assert made.around_word(1) == ("1 ", " ", ("four 5",))
    assert made.around_word(3) == ("", " 5", ("1 twentytwo ",))
    assert made.with_word(3, "x") == ("1 twentytwo ", "x 5")
