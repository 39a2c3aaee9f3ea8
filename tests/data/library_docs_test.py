"""The embedded data set: large enough, split without leaks, masked, the same in every process."""

import collections
import hashlib
import re
import subprocess
import sys

import pytest

from keras_bert.data import label_names, read
from keras_bert.errors import InputError

SPLITS = ("train", "dev", "test")
DIGEST = """
import hashlib
from keras_bert.data import read
digest = hashlib.sha256()
for split in ("train", "dev", "test"):
    for row in read(f"library_docs:{split}", label="label").as_numpy_iterator():
        digest.update(row["label"] + b"\\t" + row["text"] + b"\\n")
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def rows():
    return {
        split: [
            (row["label"].decode(), row["text"].decode())
            for row in read(f"library_docs:{split}", label="label").as_numpy_iterator()
        ]
        for split in SPLITS
    }


def test_size_and_classes(rows):
    assert sum(map(len, rows.values())) >= 4000
    counts = collections.Counter(label for label, _ in rows["train"])
    assert len(counts) >= 4
    assert max(counts.values()) < 3 * min(counts.values())
    for split in SPLITS:
        assert {label for label, _ in rows[split]} == set(counts)
    assert label_names(read("library_docs", label="label")) == sorted(counts)


def test_no_text_is_in_two_parts(rows):
    texts = [re.sub(r"\W+", " ", text).casefold() for split in SPLITS for _, text in rows[split]]
    assert len(set(texts)) == len(texts)


def test_no_text_names_its_own_library(rows):
    names = {"tensorflow": "tensorflow", "keras": "keras", "numpy": "numpy", "huggingface_hub": "huggingface"}
    for split in SPLITS:
        for label, text in rows[split]:
            if label in names:
                assert names[label] not in text.casefold(), text


def test_the_same_in_a_fresh_process(rows):
    digest = hashlib.sha256()
    for split in SPLITS:
        for label, text in rows[split]:
            digest.update(f"{label}\t{text}\n".encode())
    fresh = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == digest.hexdigest()


def test_no_such_part():
    with pytest.raises(InputError, match="library_docs"):
        read("library_docs:validation", label="label")
