"""A smaller vocabulary: texts that need none of what went are answered as before."""

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest

from keras_bert.checkpoints import Checkpoint, open_checkpoint
from keras_bert.compression import VocabularyUsage, changed_share, trim_vocabulary, trimmed_vocabulary
from keras_bert.errors import InputError
from keras_bert.tasks import BertTask, open_task
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.vocabulary import SPECIAL_TOKENS
from keras_bert.text.word_piece.tokenizer import BertTokenizer
from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer

USED = ["good film", "the film was bad", "a plain dull book"]


def trimmed(task: BertTask, folder: Path, **options) -> tuple[Checkpoint, Checkpoint]:
    """A checkpoint of a task, and what is left of it for the texts of `USED`."""
    task.save_preset(folder)
    checkpoint = open_checkpoint(folder)
    usage = VocabularyUsage(checkpoint.tokenizer())
    usage.add(USED)
    return checkpoint, trim_vocabulary(checkpoint, usage.kept(**{"short": 0, **options}))


def test_a_classifier_answers_as_before(tmp_path: Path):
    task = tiny.classifier()
    before, after = trimmed(task, tmp_path / "model")
    assert after.config.vocab_size == len(after.vocabulary) < before.config.vocab_size == len(tiny.VOCABULARY)
    small = open_task(after)
    for answer, other in zip(task.answer(USED), small.answer(USED), strict=True):
        assert (other["label"], other["score"]) == (answer["label"], pytest.approx(answer["score"], abs=1e-6))
    assert task.answer(["very good food"]) != small.answer(["very good food"])  # words that went are [UNK]
    assert before.config.vocab_size == len(tiny.VOCABULARY)


def test_masked_words_keep_their_biases(tmp_path: Path):
    task = tiny.pretrainer()
    before, after = trimmed(task, tmp_path / "model")
    old = {entry: index for index, entry in enumerate(before.vocabulary)}
    ids = [old[entry] for entry in after.vocabulary]
    for name in ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"):
        np.testing.assert_array_equal(after.tensors[name], before.tensors[name][ids])
    open_task(after).answer(["a [MASK] film"])


def test_words_that_a_model_may_write_are_the_same_ones(tmp_path: Path):
    entries = [tiny.VOCABULARY.index(word) for word in ("good", "film", "warm")]
    task = writer(output_ids=[0, 1, 2, 3, 4, *entries], generation={"num_beams": 2})
    _, after = trimmed(task, tmp_path / "model", words=["good film warm"])
    small = open_task(after)
    assert [answer["text"] for answer in small.answer(USED)] == [answer["text"] for answer in task.answer(USED)]
    ids = after.extra["generation"]["output_ids"]
    assert {after.vocabulary[index] for index in ids} >= {"good", "film", "warm"}


def test_texts_that_it_was_chosen_by_are_cut_as_before():
    letters = [*"abcxyz.", *(f"##{letter}" for letter in "abcxyz"), "ab", "abc", "##bc", "##yz", "xyz", "##xyz", "ca"]
    merges = ["a b", "ab c", "x y", "Ġ a", "Ġa b", "y z", "x yz", "b c", "a bc"]
    pairs = [*SPECIAL_TOKENS, *byte_characters(), *dict.fromkeys(merge.replace(" ", "") for merge in merges)]
    draw = random.Random(0)
    for tokenizer in (BertTokenizer([*SPECIAL_TOKENS, *letters]), BytePairTokenizer(pairs, merges)):
        texts = ["".join(draw.choices("abcxyz. ", k=12)) for _ in range(6)]
        usage = VocabularyUsage(tokenizer)
        usage.add(texts)
        small = trimmed_vocabulary(tokenizer, usage.kept(short=0))
        assert small.vocabulary_size < tokenizer.vocabulary_size
        assert changed_share(tokenizer, small, [texts]) == 0.0


def test_the_share_of_pieces_that_change():
    tokenizer = BertTokenizer([*SPECIAL_TOKENS, "good", "film", "go", "##od"])
    small = trimmed_vocabulary(tokenizer, [*SPECIAL_TOKENS, "film", "go", "##od"])
    assert changed_share(tokenizer, small, [["good film", "film film"]]) == 0.25
    assert changed_share(tokenizer, small, []) == 0.0


def test_what_cannot_be_is_refused(tmp_path: Path):
    tiny.pretrainer().save_preset(tmp_path / "model")
    checkpoint = open_checkpoint(tmp_path / "model")
    with pytest.raises(InputError, match="no entry 'zebra', which is to be kept"):
        trim_vocabulary(checkpoint, [*tiny.VOCABULARY, "zebra"])
    with pytest.raises(InputError, match=r"\[MASK\] must be kept: it is a special or an added token"):
        trim_vocabulary(checkpoint, [entry for entry in tiny.VOCABULARY if entry != "[MASK]"])
    matrix = {"cls.predictions.decoder.weight": np.ones((len(tiny.VOCABULARY), 32), "float32")}
    own = dataclasses.replace(checkpoint, tensors=checkpoint.tensors | matrix)
    with pytest.raises(InputError, match="an output matrix of its own"):
        trim_vocabulary(own, tiny.VOCABULARY)
