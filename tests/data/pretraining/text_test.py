"""Examples straight from text files: real text, held-out documents, new pairs each epoch, bad files."""

import gzip
from pathlib import Path

import pytest
import tensorflow as tf

from keras_bert.data.pretraining.text import find_files, pretraining_documents, pretraining_text
from keras_bert.errors import InputError
from keras_bert.text.word_piece.tokenizer import BertTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENIZER = BertTokenizer([*SPECIAL, *"abcdefghij", *(f"##{letter}" for letter in "abcdefghij"), "."])
TEXT = "\n\n".join("\n".join(f"{'abcdefghij'[i % 10]} {'abcdefghij'[j % 10]}." for j in range(9)) for i in range(40))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text(TEXT)
    return tmp_path / "corpus.txt"


def rows(dataset: tf.data.Dataset) -> list[dict]:
    return [{name: value.tolist() for name, value in row.items()} for row in dataset.as_numpy_iterator()]


def test_the_data_set_has_the_agreed_tensors(corpus: Path):
    dataset = pretraining_text(corpus, TOKENIZER, max_length=16, seed=1)
    assert dataset.element_spec == {
        "token_ids": tf.TensorSpec([None], tf.int32),
        "first_length": tf.TensorSpec([], tf.int32),
        "next_sentence_label": tf.TensorSpec([], tf.int32),
    }
    found = rows(dataset)
    assert int(dataset.cardinality()) == len(found) > 100
    for row in found:
        assert row["token_ids"][0] == TOKENIZER.cls_token_id
        assert row["token_ids"][-1] == row["token_ids"][row["first_length"] - 1] == TOKENIZER.sep_token_id
    packed = pretraining_text(corpus, TOKENIZER, max_length=16, objective="mlm")
    assert set(packed.element_spec) == {"token_ids", "first_length"}
    assert all(row["first_length"] == len(row["token_ids"]) for row in rows(packed))


def test_each_epoch_has_its_own_pairs_and_each_seed(corpus: Path):
    documents = pretraining_documents(corpus, TOKENIZER)

    def made(**options):
        return rows(pretraining_text(documents, max_length=16, **options))

    assert made(seed=1, epoch=0) == made(seed=1, epoch=0) == rows(pretraining_text(corpus, TOKENIZER, 16, seed=1))
    assert made(seed=1, epoch=0) != made(seed=1, epoch=1)
    assert made(seed=1, epoch=0) != made(seed=2, epoch=0)


def test_held_out_documents_are_not_in_the_training_ones(shared_data: Path):
    path = shared_data / "pretraining" / "wikitext2" / "wikitext2_test.txt"
    tokenizer = BertTokenizer(shared_data / "vocab" / "bert-base-uncased.txt")
    whole = pretraining_documents(path, tokenizer)
    parts = [pretraining_documents(path, tokenizer, held_out=0.2, split=split) for split in ("train", "held_out")]
    assert len(whole.documents) == 61
    train, held = ({b"".join(ids.tobytes() for ids in document) for document in part.documents} for part in parts)
    assert not train & held
    assert len(train) + len(held) == 61
    assert 2 <= len(held) <= 25
    # 201,091 words of the README beside the file; a piece or more each.
    assert sum(len(ids) for document in whole.documents for ids in document) > 201_091


def test_compressed_files_and_documents_of_a_line(corpus: Path):
    packed = corpus.with_name("packed.txt.gz")
    packed.write_bytes(gzip.compress(TEXT.replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n").encode()))
    by_line = pretraining_documents(packed, TOKENIZER, layout="document_per_line")
    plain = pretraining_documents(corpus, TOKENIZER)
    assert [[ids.tolist() for ids in document] for document in plain.documents] != []
    # "a. b." has small letters after its full stops: one sentence for the rule, the same tokens.
    assert [sum(map(len, document)) for document in by_line.documents] == [
        sum(map(len, document)) for document in plain.documents
    ]


def test_files_are_found_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text("a")
    assert find_files([tmp_path / "*.txt", tmp_path / "a.txt"]) == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    monkeypatch.chdir(tmp_path)
    assert find_files("*.txt") == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("name", "data", "options", "words"),
    [
        ("none.txt", None, {}, "none.txt: no such file"),
        ("", None, {}, "is a folder; name its files"),
        ("empty.txt", b"\n\n", {}, "empty.txt: there is no text"),
        ("unseen.txt", "\u200b\n".encode(), {"objective": "mlm"}, "there is no text"),
        ("empty.txt", b"", {"held_out": 0.02}, "empty.txt: there is no text"),
        ("one.txt", b"a.\nb.", {}, "one.txt: only one document with text, so no random next sentence"),
        ("one.txt", b"a.\nb.", {"held_out": 1e-9, "split": "held_out"}, "only one document .* put blank lines between"),
        (
            "two.txt",
            b"a\n\nb",
            {"held_out": 1e-9, "split": "held_out"},
            "none of 2 documents falls to the split 'held_o",
        ),
        (
            "two.txt",
            b"a\n\nb",
            {"held_out": 0.3, "split": "held_out"},
            "split 'held_out' of 2 .*=0.3: only one document",
        ),
        ("binary.txt", b"a\0b", {}, "holds NUL bytes"),
        ("bad.txt", b"a\nb\n\xff\n\nc", {"strict": True}, "the line at byte 4 is not UTF-8"),
        ("broken.txt.gz", gzip.compress(b"a b c" * 100, mtime=0)[:-9], {}, "damaged or truncated gzip file"),
        ("two.txt", b"a\n\nb", {"held_out": 1.0}, "held_out is 1.0"),
        ("two.txt", b"a\n\nb", {"split": "dev"}, "split 'dev': expected train or held_out"),
        ("two.txt", b"a\n\nb", {"max_length": 4}, "max_length is 4"),
    ],
)
def test_bad_input(tmp_path: Path, name, data, options, words):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=words):
        pretraining_text(tmp_path / name, TOKENIZER, **options)


def test_one_document_can_be_packed_and_bad_bytes_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "one.txt").write_bytes(b"a b\nc \xff d\ne\n" + b"f" * 4000)
    with caplog.at_level("WARNING", "absl"):
        documents = pretraining_documents(tmp_path / "one.txt", TOKENIZER)
    assert documents.invalid_lines == 1
    assert caplog.messages == ["1 lines were not UTF-8: what could not be read was passed over"]
    (row,) = rows(pretraining_text(documents, objective="mlm", max_length=16))
    decoded = TOKENIZER.detokenize([row["token_ids"]]).numpy()[0]
    assert decoded == b"a b c d e"
    assert row["token_ids"][-2] == TOKENIZER.unk_token_id
