"""Which words take the source's spelling, and that nothing else changes."""

import pytest
import tensorflow as tf

from keras_bert.text.source_spelling import source_spelling
from keras_bert.text.word_piece.tokenizer import BertTokenizer

WORDS = ["the", "a", "dog", "nato", "of", "in", "paris", "muller", "ob", "##ama", "who", "said"]
SIGNS = [".", ",", "!", "?", "北", "京"]
TOKENIZER = BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *SIGNS])


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("the dog of obama, in paris.", "The dog of Obama in Paris", "the dog of Obama, in Paris."),
        ("muller said", "who said? Müller said", "Müller said"),
        ("nato said", "NATO said", "NATO said"),  # the first word, but for more than its first letter
        ("said the dog", "Who? The dog.", "said the dog"),
        ("dog", "The dog! Dog", "dog"),
        ("paris paris", "in Paris, in PARIS", "Paris Paris"),  # the first
        ("xylophone dog", "a Xylophone, a DOG", "xylophone DOG"),  # unknown words are not told apart
        ("in  paris ", "in PARIS", "in  PARIS "),
        ("北京 obama", "in 北京 OBAMA", "北京 OBAMA"),
        ("", "in Paris", ""),
        ("paris", "", "paris"),
    ],
)
def test_words_of_the_source_are_spelled_as_there(text: str, source: str, expected: str):
    (found,) = source_spelling(TOKENIZER, [text], [source], [0]).numpy()
    assert found.decode() == expected


def test_each_text_has_its_own_source():
    spell = tf.function(lambda *tensors: source_spelling(TOKENIZER, *tensors), autograph=False)
    texts, sources = ["in paris", "in paris", "in paris", ""], ["a PARIS", "a Paris", b"\xff PARis \x00"]
    found = spell(tf.constant(texts), tf.constant(sources), tf.constant([1, 0, 2, 1]))
    assert found.numpy().tolist() == [b"in Paris", b"in PARIS", b"in PARis", b""]
