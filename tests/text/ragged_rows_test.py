"""Arithmetic with the rows of ragged tensors: the truth is TensorFlow's own, and memory grows with the values."""

import ast
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_bert.text.ragged_rows import any_in_rows, join_rows, repeat, row_ids, select_rows, select_values, splits_of
from tests.forked_process import run_python

PACKAGE = Path(__file__).resolve().parents[2] / "keras_bert"
LENGTHS = [[3, 0, 2, 1], [0, 0], [0, 4, 0], [], [1]]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_rows_of_values(lengths: list[int], dtype: tf.DType):
    splits = splits_of(tf.constant(lengths, dtype))
    rows = row_ids(splits)
    assert splits.dtype == rows.dtype == dtype
    assert rows.numpy().tolist() == np.repeat(np.arange(len(lengths)), lengths).tolist()
    values = tf.range(len(lengths)) * 10
    assert repeat(values, tf.constant(lengths, dtype)).numpy().tolist() == np.repeat(values, lengths).tolist()


@pytest.mark.parametrize("lengths", LENGTHS)
def test_what_rows_come_to(lengths: list[int]):
    strings = tf.RaggedTensor.from_row_lengths(
        [f"{i}é" for i in range(sum(lengths))] or tf.zeros([0], tf.string), lengths
    )
    assert join_rows(strings).numpy().tolist() == [
        "".join(map(bytes.decode, row)).encode() for row in strings.to_list()
    ]
    flags = strings.with_values(tf.range(sum(lengths)) % 3 == 1)
    assert any_in_rows(flags).numpy().tolist() == [any(row) for row in flags.to_list()]
    kept = select_values(strings, flags.values)
    wanted = zip(strings.to_list(), flags.to_list(), strict=True)
    assert kept.to_list() == [[text for text, flag in zip(*pair, strict=True) if flag] for pair in wanted]
    chosen = tf.constant([i % 2 == 0 for i in range(len(lengths))], tf.bool)
    assert select_rows(strings, chosen).to_list() == strings.to_list()[::2]


def test_no_other_file_makes_a_matrix_of_rows_and_the_longest():
    """`tf.repeat` of one count for all is a tile, which multiple choice has."""
    one_count = ("tasks/pooled/multiple_choice.py", "decoding/one_by_one.py")
    allowed = dict.fromkeys(one_count, ("tf.repeat",))
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = ast.unparse(node.func)
                wide = name in ("tf.repeat", "tf.ragged.boolean_mask", "tf.ragged.row_splits_to_segment_ids")
                where = path.relative_to(PACKAGE).as_posix()
                if wide or name.endswith(".value_rowids"):
                    assert name in allowed.get(where, ()), f"{where}:{node.lineno}: {name}; see text/ragged_rows.py"


# 20,000 short texts beside one of 100 kB: their product would be 2 GB of bytes, 16 GB of numbers.
SCRIPT = """
import resource
import tensorflow as tf
from keras_bert.tasks.tagging.entities import entities_of
from keras_bert.text.alignment import align, cut_into_pieces, word_spans
from keras_bert.text.ragged_rows import any_in_rows
from keras_bert.text.windows import best_window, sliding_windows
from tests.text.byte_level import byte_level

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

tokenizer = byte_level("bread")
texts = tf.constant(["bread!"] * 20_000 + ["bread " * 200 + "x" * 100_000])
tokenizer(["bread"])
start = peak()
pieces = cut_into_pieces(tokenizer, texts)
first, row, starts, ends = word_spans(pieces)
words = tf.RaggedTensor.from_value_rowids(starts, row, 20_001, validate=False)
align(pieces, words, words.with_values(ends))
tokenizer.detokenize(pieces.ids)
any_in_rows(pieces.ids == 7)
windows = sliding_windows(pieces.ids.row_lengths(), 100, 50)
best_window(windows, pieces.ids.row_lengths())
labels = tf.zeros_like(row, tf.int32)[: 20_000]
entities_of(texts, labels, tf.cast(labels, tf.float32), row[:20_000], starts[:20_000], ends[:20_000], ["NN"], "plain")
print(peak() - start)
"""


def test_memory_grows_with_the_values():
    assert float(run_python(SCRIPT)) < 400
