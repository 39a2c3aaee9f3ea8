"""What rows say of which texts belong together, in tensors and in sets: the same relation."""

import numpy as np
import tensorflow as tf

from keras_bert.tasks.embedding.belonging import keys_of, may_be_right, partners_of
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny


def test_tensors_and_sets_say_the_same():
    rng = np.random.default_rng(0)
    anchors, partners = rng.integers(0, 12, 30), rng.integers(0, 12, 30)
    candidates = np.arange(14)
    found = np.asarray(may_be_right(anchors, partners, candidates))
    known = partners_of(anchors.tolist(), partners.tolist())
    for row, anchor in enumerate(anchors.tolist()):
        assert set(candidates[found[row]].tolist()) == {anchor, *known[anchor]}


def test_a_text_is_its_own_partner_only_where_a_row_says_so():
    assert partners_of("aab", "aca") == {"a": {"a", "c", "b"}, "b": {"a"}}


def test_texts_of_the_same_tokens_have_the_same_key():
    texts = [["good film", "GOOD \tFilm"], ["good", "film"], ["xyzzy", "plugh"], ["", " "]]
    keys = keys_of(BertTokenizer(tiny.VOCABULARY), tf.constant(texts)).numpy().tolist()
    assert [first == second for first, second in keys] == [True, False, False, True]
