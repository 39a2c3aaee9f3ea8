"""What a checkpoint checks of itself, and what its messages say."""

import dataclasses

import pytest

from keras_bert.checkpoints import Checkpoint, convert, open_checkpoint
from keras_bert.checkpoints.shapes import shape_message, shortened
from keras_bert.encoder import BertEncoder
from keras_bert.errors import InputError
from keras_bert.tasks import BertSeq2Seq
from keras_bert.text import BertPreprocessor, BertTokenizer
from tests.checkpoints import small


def checkpoint(**fields):
    return Checkpoint(small.CONFIG, small.tensors(), "somewhere", **fields)


def test_what_fits_passes():
    whole = checkpoint(vocabulary=list(small.ENTRIES))
    assert whole.check() is whole


def test_the_pooler_may_be_absent_but_not_half():
    tensors = small.tensors()
    del tensors["bert.pooler.dense.bias"]
    with pytest.raises(InputError, match=r"1 tensors .* missing: bert\.pooler\.dense\.bias"):
        Checkpoint(small.CONFIG, tensors, "somewhere").check()
    del tensors["bert.pooler.dense.weight"]
    Checkpoint(small.CONFIG, tensors, "somewhere").check()


def test_spare_rows_of_a_padded_table_get_names():
    padded = checkpoint(vocabulary=[*small.ENTRIES[:-4], "[unused_2]"]).check(pad_vocabulary=True)
    assert padded.vocabulary == [*small.ENTRIES[:-4], "[unused_2]", "[unused_1]", "[unused_3]", "[unused_4]"]
    assert padded.notes == ["3 spare rows of the word table are called [unused_1] to [unused_4]"]
    whole = checkpoint(vocabulary=list(small.ENTRIES)).check(pad_vocabulary=True)
    assert (whole.vocabulary, whole.notes) == (small.ENTRIES, [])
    with pytest.raises(InputError, match="21 entries, the config vocab_size=20; it is the vocabulary of another"):
        checkpoint(vocabulary=[*small.ENTRIES, "more"]).check(pad_vocabulary=True)


@pytest.mark.parametrize("write", [small.write_google, small.write_hugging_face])
def test_a_padded_table_in_a_folder(tmp_path, write):
    folder = tmp_path / "padded"
    write(folder, small.tensors())
    (folder / "vocab.txt").write_text("\n".join(small.ENTRIES[:-3]) + "\n")
    with pytest.raises(InputError, match=r"vocab_size=20; .*pad_vocabulary=True, --pad_vocabulary of the programs"):
        open_checkpoint(folder)
    convert(folder, tmp_path / "whole", pad_vocabulary=True)
    parts = [part.from_preset(folder, pad_vocabulary=True) for part in (BertEncoder, BertTokenizer, BertPreprocessor)]
    assert parts[0].config.vocab_size == parts[1].vocabulary_size == parts[2].tokenizer.vocabulary_size == 20
    assert BertSeq2Seq.from_preset(folder, max_target_length=4, pad_vocabulary=True).tokenizer.vocabulary_size == 20
    whole = open_checkpoint(tmp_path / "whole")  # names are written: no flag from here on
    assert whole.vocabulary == [*small.ENTRIES[:-3], "[unused_1]", "[unused_2]", "[unused_3]"]
    assert whole.tensors.keys() == small.tensors().keys()


def test_the_vocabulary_must_be_whole_and_fit():
    with pytest.raises(InputError, match=r"somewhere: .*19 entries, the config vocab_size=20; if the table was padded"):
        checkpoint(vocabulary=small.ENTRIES[:-1]).check()
    with pytest.raises(InputError, match="21 entries, the config vocab_size=20; it is the vocabulary of another"):
        checkpoint(vocabulary=[*small.ENTRIES, "more"]).check()
    with pytest.raises(InputError, match=r"somewhere: .*\[MASK\]"):
        checkpoint(vocabulary=["a" if token == "[MASK]" else token for token in small.ENTRIES if token != "a"]).check()
    with pytest.raises(InputError, match=r"somewhere: .*'a' is already on line"):
        checkpoint(vocabulary=[*small.ENTRIES[:-1], "a"]).check()


def test_the_tokenizer_is_the_files_own():
    tokenizer = checkpoint(vocabulary=list(small.ENTRIES), lowercase=False, strip_accents=True).tokenizer()
    assert (tokenizer.lowercase, tokenizer.strip_accents) == (False, True)
    assert tokenizer.get_vocabulary() == small.ENTRIES
    with pytest.raises(InputError, match=r"somewhere: no vocabulary beside the weights; put its vocab\.txt"):
        checkpoint().tokenizer()


def test_labels_are_in_the_order_of_the_outputs():
    assert checkpoint().labels is None
    assert checkpoint(metadata={"id2label": {"1": "b", "0": "a", "10": "k"} | dict.fromkeys("23456789", "x")}).labels[
        :2
    ] == ["a", "b"]
    with pytest.raises(InputError, match=r"id2label in config\.json must number the labels from 0"):
        _ = checkpoint(metadata={"id2label": {"1": "a", "2": "b"}}).labels


@pytest.mark.parametrize(
    ("name", "found", "expected", "message"),
    [
        (
            "bert.embeddings.position_embeddings.weight",
            (512, 8),
            (40, 8),
            "has 512 rows in the file, the model has max_position_embeddings=40",
        ),
        ("bert.embeddings.word_embeddings.weight", (20, 8), (20, 4), "has the shape (20, 8) in the file, (20, 4)"),
        ("classifier.bias", (3,), (2,), "has the shape (3) in the file, (2) by the model"),
    ],
)
def test_a_shape_that_differs_is_said_with_both(name, found, expected, message):
    assert message in shape_message(name, found, expected, "the model")


def test_many_names_are_shortened():
    assert shortened(list("ab")) == "a, b"
    assert shortened(list("abcdef")) == "a, b, c, d and 2 more"


def test_a_pre_ln_encoder_has_its_own_last_norm():
    config = dataclasses.replace(small.CONFIG, norm_first=True)
    with pytest.raises(InputError, match=r"missing: bert\.encoder\.ln\.weight, bert\.encoder\.ln\.bias"):
        Checkpoint(config, small.tensors(), "somewhere").check()
