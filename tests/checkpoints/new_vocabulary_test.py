"""Each row of the new table, against the old table by hand."""

import numpy as np
import pytest

from keras_bert.checkpoints import open_checkpoint, replace_vocabulary
from keras_bert.checkpoints.new_vocabulary import DECODER_BIAS, add_entries
from keras_bert.errors import InputError
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from tests.checkpoints import small

SPECIAL = small.ENTRIES[:5]
OLD = [*SPECIAL, "a", "b", "##a", "##b", "##ab", "c", "d", "e", "f", "g", "h", "i", "j", "é", "##é"]
WORDS = "bert.embeddings.word_embeddings.weight"


@pytest.fixture
def checkpoint(tmp_path):
    values = small.tensors()
    values[DECODER_BIAS] = np.arange(20, dtype="float32")
    folder = small.write_hugging_face(tmp_path / "old", values, {"do_lower_case": True, "strip_accents": False})
    (folder / "vocab.txt").write_text("\n".join(OLD) + "\n", encoding="utf-8")
    return open_checkpoint(folder)


def old_rows(checkpoint, *tokens):
    ids = [OLD.index(token) for token in tokens]
    return checkpoint.tensors[WORDS][ids].mean(0), checkpoint.tensors[DECODER_BIAS][ids].mean()


def test_rows_are_carried_over_or_made_of_the_old_pieces(checkpoint):
    new = ["b", *reversed(SPECIAL), "##ab", "abb", "##bab", "##BÉ", "c", "xyz", "##x", "[unused1]"]
    before = {name: array.copy() for name, array in checkpoint.tensors.items()}
    changed = replace_vocabulary(checkpoint, new)
    expected = {
        "b": ["b"],
        "[CLS]": ["[CLS]"],
        "##ab": ["##ab"],
        "abb": ["a", "##b", "##b"],
        "##bab": ["##b", "##ab"],
        "##BÉ": ["##b", "##é"],
        "c": ["c"],
    }
    for token, pieces in expected.items():
        row, bias = old_rows(checkpoint, *pieces)
        np.testing.assert_allclose(changed.tensors[WORDS][new.index(token)], row, atol=1e-6)
        assert changed.tensors[DECODER_BIAS][new.index(token)] == pytest.approx(bias)
    assert (changed.tensors[WORDS][0] == before[WORDS][OLD.index("b")]).all()  # exactly
    assert changed.config.vocab_size == len(changed.tensors[WORDS]) == len(new)
    assert changed.vocabulary == new
    assert "14 entries: 8 rows carried over, 3 the mean of their old pieces, 3 fresh" in changed.notes[-1]
    fresh = changed.tensors[WORDS][[new.index(token) for token in ("xyz", "##x", "[unused1]")]]
    assert len(np.unique(fresh, axis=0)) == 3
    assert np.abs(fresh - before[WORDS].mean(0)).max() < 5 * before[WORDS].std()
    for name, array in before.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array)
        if name not in (WORDS, DECODER_BIAS):
            assert changed.tensors[name] is checkpoint.tensors[name]
    assert checkpoint.vocabulary == OLD


def test_the_same_vocabulary_changes_nothing(checkpoint, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(OLD) + "\n", encoding="utf-8")
    changed = replace_vocabulary(checkpoint, tmp_path / "vocab.txt", lowercase=True)
    np.testing.assert_array_equal(changed.tensors[WORDS], checkpoint.tensors[WORDS])
    np.testing.assert_array_equal(changed.tensors[DECODER_BIAS], checkpoint.tensors[DECODER_BIAS])
    assert (changed.lowercase, changed.strip_accents) == (True, False)


def test_a_cased_vocabulary_takes_the_uncased_rows(checkpoint):
    changed = replace_vocabulary(checkpoint, [*SPECIAL, "A", "a"], lowercase=False)
    np.testing.assert_array_equal(changed.tensors[WORDS][5], changed.tensors[WORDS][6])
    assert (changed.lowercase, changed.strip_accents) == (False, None)


def test_the_seed_decides_the_fresh_rows(checkpoint):
    first, again, other = (replace_vocabulary(checkpoint, [*SPECIAL, "x"], seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.tensors[WORDS], again.tensors[WORDS])
    assert (first.tensors[WORDS][5] != other.tensors[WORDS][5]).all()


def test_byte_pairs_take_the_rows_of_the_words_that_they_write(checkpoint):
    entries = [*SPECIAL, *byte_characters(), "ab", "Ġab", "Ġc"]
    tokenizer = BytePairTokenizer(entries, ["a b", "Ġ ab", "Ġ c"], lowercase=True)
    changed = replace_vocabulary(checkpoint, tokenizer)
    for token, pieces in {"ab": ["##ab"], "Ġab": ["a", "##b"], "Ġc": ["c"], "b": ["##b"], "[SEP]": ["[SEP]"]}.items():
        row, _ = old_rows(checkpoint, *pieces)
        np.testing.assert_allclose(changed.tensors[WORDS][entries.index(token)], row, atol=1e-6, err_msg=token)
    assert changed.merges == tokenizer.get_merges()
    assert type(changed.tokenizer()) is BytePairTokenizer
    # And back: a word without a blank before it is the start of a text.
    back = replace_vocabulary(changed, [*SPECIAL, "ab", "##ab"])
    for index, token in ((5, "Ġab"), (6, "ab")):
        np.testing.assert_array_equal(back.tensors[WORDS][index], changed.tensors[WORDS][entries.index(token)])
    assert back.merges is None


def test_bad_vocabularies(checkpoint):
    with pytest.raises(InputError, match=r"no \[MASK\]"):
        replace_vocabulary(checkpoint, ["a", *SPECIAL[:4]])
    checkpoint.vocabulary = None
    with pytest.raises(InputError, match="no vocabulary beside the weights"):
        replace_vocabulary(checkpoint, [*SPECIAL, "a"])


def test_added_entries_stand_behind_the_others_and_begin_as_their_pieces(checkpoint):
    changed = add_entries(checkpoint, ["<ab>", "c", "ab"])
    assert changed.vocabulary == [*OLD, "<ab>", "ab"]
    np.testing.assert_array_equal(changed.tensors[WORDS][:-2], checkpoint.tensors[WORDS])
    np.testing.assert_allclose(changed.tensors[WORDS][-1], old_rows(checkpoint, "a", "##b")[0], rtol=1e-6)
    assert (changed.config.vocab_size, checkpoint.config.vocab_size) == (len(OLD) + 2, len(OLD))
    assert add_entries(changed, ["<ab>"]) is changed
