"""Which entries texts use, and which others stay."""

import numpy as np
import pytest

from keras_bert.compression import VocabularyUsage
from keras_bert.text.byte_pair.byte_pair_tokenizer import BytePairTokenizer
from keras_bert.text.byte_pair.byte_words import byte_characters
from keras_bert.text.vocabulary import SPECIAL_TOKENS, load_vocabulary
from keras_bert.text.word_piece.tokenizer import BertTokenizer

ENTRIES = [*SPECIAL_TOKENS, "film", "book", "##s", "go", "##od", "good", "x", "##x", "д", "да", "中", "##中", "7", "!"]


def usage_of(texts: list[str], entries: list[str] = ENTRIES, **options) -> VocabularyUsage:
    usage = VocabularyUsage(BertTokenizer(entries, **options))
    usage.add(texts)
    return usage


def test_counts_are_those_of_the_pieces():
    usage = usage_of(["films film good", "film zzz"])
    counts = dict(zip(ENTRIES, usage.counts.tolist(), strict=True))
    assert {entry: count for entry, count in counts.items() if count} == {"film": 3, "##s": 1, "good": 1, "[UNK]": 1}
    usage.add(["film"])
    assert usage.counts[ENTRIES.index("film")] == 4


def test_what_came_stays_and_what_words_are_spelled_of():
    kept = usage_of(["films", "film good"]).kept()
    assert kept == [*SPECIAL_TOKENS, "film", "##s", "go", "##od", "good", "x", "##x", "7", "!"]  # in order, no Cyrillic
    assert usage_of(["films", "film good"]).kept(short=0) == [*SPECIAL_TOKENS, "film", "##s", "good"]
    assert usage_of(["films", "film good"]).kept(min_count=2, short=0) == [*SPECIAL_TOKENS, "film"]
    assert "book" in usage_of(["film"]).kept(words=["books"])


def test_scripts_are_those_that_texts_are_written_in():
    assert {"д", "да", "中"}.isdisjoint(usage_of(["good film"]).kept())
    assert {"д", "да"} <= set(usage_of(["good film да"]).kept())
    # One word in thousands is a quotation: it stays, its script does not.
    kept = usage_of(["good film"] * 2000 + ["да"]).kept()
    assert "да" in kept
    assert "д" not in kept


def test_added_tokens_stay():
    added = [{"content": "book", "special": False}]
    assert "book" in usage_of(["film"], added_tokens=added).kept(short=0)


def test_byte_level_entries_keep_what_they_are_merged_from():
    entries = [*SPECIAL_TOKENS, *byte_characters(), "fi", "lm", "film", "bo", "ok"]
    merges = ["f i", "l m", "fi lm", "b o", "o k"]
    usage = VocabularyUsage(BytePairTokenizer(entries, merges))
    usage.add(["film"])
    assert usage.kept() == [*SPECIAL_TOKENS, *byte_characters(), "fi", "lm", "film"]


@pytest.mark.slow
def test_a_multilingual_vocabulary_to_english(shared_data):
    """The goal is a fifth of it; held-out words are written by other pieces in few places."""
    from keras_bert.compression import changed_share, trimmed_vocabulary

    tokenizer = BertTokenizer(
        load_vocabulary(shared_data / "vocab" / "bert-base-multilingual-cased.txt"), lowercase=False
    )
    rows = (shared_data / "text_classification" / "sst2" / "train.tsv").read_text(encoding="utf-8").split("\n")[1:]
    usage = VocabularyUsage(tokenizer)
    usage.add(rows)
    kept = usage.kept()
    assert len(kept) <= 0.2 * tokenizer.vocabulary_size
    held_out = (shared_data / "text_classification" / "sst2" / "dev.tsv").read_text(encoding="utf-8").split("\n")[1:]
    assert changed_share(tokenizer, trimmed_vocabulary(tokenizer, kept), [held_out]) < 0.05
    assert np.all(usage.counts[[tokenizer.token_to_id(entry) for entry in ("film", "movie")]] > 0)
