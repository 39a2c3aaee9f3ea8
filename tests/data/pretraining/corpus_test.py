"""Strangers' files in each reader of a corpus: nothing is waited for without end, nothing fills a disk."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_bert.data.pretraining.corpus import find_corpus
from keras_bert.data.pretraining.corpus_lines import CorpusLines
from keras_bert.data.pretraining.text import pretraining_documents
from keras_bert.data.sources import lines
from keras_bert.errors import InputError
from tests.data.pretraining.text_test import TOKENIZER


def by_beam(path: Path) -> Any:
    pytest.importorskip("apache_beam", reason="needs the pretraining extra")
    (path.parent / "work").mkdir()
    options = {"layout": "sentence_per_line", "held_out": 0.0, "strict": False}
    return find_corpus([str(path)], str(path.parent / "work"), **options)


def by_lines(path: Path) -> Any:
    return list(CorpusLines([str(path)]))


def in_memory(path: Path) -> Any:
    return pretraining_documents(path, TOKENIZER)


READERS = pytest.mark.parametrize("read", [by_beam, by_lines, in_memory])


@READERS
def test_pipes_and_devices_are_not_waited_for(read: Callable[[Path], Any], tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match=r"pipe\.txt: is a pipe or device, expected a file"):
        read(tmp_path / "pipe.txt")


@READERS
def test_what_was_made_to_fill_a_memory_is_refused(
    read: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lines, "_UNPACKED_ANYWAY", 1 << 16)
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress(b"a b c.\n" * 2**16))
    with pytest.raises(InputError, match=r"text\.txt\.gz: unpacks to more than 200 times its [\d,]+ bytes"):
        read(tmp_path / "text.txt.gz")
