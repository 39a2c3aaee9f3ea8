"""The embedded data set: large enough, split without leaks, masked, the same in every process."""

import collections
import hashlib
import re
import subprocess
import sys

import pytest

from keras_bert.data import label_names, read
from keras_bert.data.sources.library_docs import opening, read_library_docs
from keras_bert.errors import InputError

SPLITS = ("train", "dev", "test")
OWN_NAMES = {
    "huggingface_hub": r"hugging.?face|\bhf\b|hf_|\bHf[A-Z]",
    "keras": r"keras",
    "keras_hub": r"keras.?hub|keras.?nlp|keras.?cv",
    "numpy": r"numpy|\bnp\b|\bnp_",
    "python": r"python",
    "tensorflow": r"tensor.?flow|\btf\b|\btf_",
    "tensorflow_datasets": r"tensorflow.datasets|tfds",
}
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


@pytest.mark.slow
def test_size_and_classes(rows):
    assert sum(map(len, rows.values())) >= 4000
    counts = collections.Counter(label for label, _ in rows["train"])
    assert len(counts) >= 4
    assert max(counts.values()) < 3 * min(counts.values())
    for split in SPLITS:
        assert {label for label, _ in rows[split]} == set(counts)
    assert label_names(read("library_docs", label="label")) == sorted(counts)


@pytest.mark.slow
def test_no_text_is_in_two_parts(rows):
    texts = [re.sub(r"\W+", " ", text).casefold() for split in SPLITS for _, text in rows[split]]
    assert len(set(texts)) == len(texts)


@pytest.mark.slow
def test_no_module_is_in_two_parts():
    modules = {
        split: {tuple(values) for _, values in read_library_docs(split, ("label", "module")).rows} for split in SPLITS
    }
    assert not modules["train"] & modules["dev"]
    assert not modules["train"] & modules["test"]
    assert not modules["dev"] & modules["test"]
    assert min(map(len, modules.values())) > 50


@pytest.mark.slow
@pytest.mark.parametrize("label", OWN_NAMES)
def test_no_text_names_its_own_library(rows, label):
    own = [text for split in SPLITS for found, text in rows[split] if found == label]
    assert not [text for text in own if re.search(OWN_NAMES[label], text, re.IGNORECASE)]
    assert any("this library" in text for text in own)


@pytest.mark.slow
def test_texts_are_prose_of_limited_length(rows):
    for split in SPLITS:
        for _, text in rows[split]:
            # A masked name of one word is two words afterwards.
            assert 10 <= len(text.split()) <= 100
            assert text == " ".join(text.split())
            assert ">>>" not in text


@pytest.mark.slow
def test_harder_than_counting_words_but_not_hopeless(rows):
    """Logistic regression over words and pairs of words: well above chance (1 in 7), well below the ceiling."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = linear_model.LogisticRegression(C=10, max_iter=200)
    labels, texts = zip(*rows["train"], strict=True)
    model.fit(vectorizer.fit_transform(texts), labels)
    labels, texts = zip(*rows["dev"], *rows["test"], strict=True)
    assert 0.6 < model.score(vectorizer.transform(texts), labels) < 0.9


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Adds.\n\nBoth are\nnumbers.\n\nArgs:\n    x: One.\n\nMore.", "Adds. Both are numbers."),
        ("Adds.\n\nParameters\n----------\nx : int", "Adds."),
        ("Adds.\n\n>>> add(1, 2)\n3", "Adds."),
        ("Adds, as in::\n\n    add(1, 2)\n\nMore.", "Adds, as in::"),
        ("Adds.\n\n.. versionadded:: 3.1\n\nMore.", "Adds."),
        (" ".join(map(str, range(99))), " ".join(map(str, range(50)))),
    ],
)
def test_the_prose_a_docstring_begins_with(docstring, expected):
    assert opening(docstring) == expected
