"""Indexes texts by what they mean, and finds those nearest to a question.

    keras-bert search --index=runs/faq --rows=faq.csv --text=question --text_pair=answer
    echo "how do I get my money back" | keras-bert search --index=runs/faq --top_k=3
    keras-bert search --index=runs/notes --rows=notes.txt --query="what did we say about the garden"

With --rows the index is made: a .txt file has a text a line; .csv, .tsv and .jsonl have the column --text, which is
embedded, and perhaps --text_pair, which is kept beside it and found with it, such as the answer to a question. Then
--query, or each line of --input, is answered with one JSON object a line. --model is an embedder, `minilm` or a folder
of `finetune --task=embed` or of sentence-transformers; the index knows it, and refuses vectors of another.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import row_flags
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    from keras_bert.serving.vector_index import VectorIndex
    from keras_bert.tasks import BertEmbedder

FLAGS = flags.FLAGS

flags.DEFINE_string("index", None, "Folder of the index.")
flags.DEFINE_string("rows", None, "Texts to index: a file, or - for standard input; without it the index is there.")
flags.DEFINE_string("model", None, "The embedder; by default that of the index, or minilm for a new one.")
flags.DEFINE_enum(
    "method", None, ["exact", "approximate"], "How to search; by default exact up to 5,000 rows, then faiss."
)
flags.DEFINE_bool("overwrite", False, "Replace the index that is there.")
flags.DEFINE_string("query", None, "A text to find rows for.")
flags.DEFINE_string("input", None, "Queries, one a line: a file, or -; by default - where --query and --rows are not.")
flags.DEFINE_integer("top_k", 5, "Rows a query.", lower_bound=1)
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)

flags.register_validator("index", bool, message="name the folder of the index, --index=FOLDER")

_WINDOW_BATCHES = 16


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], row_flags)


def main() -> None:
    """Indexes and answers as the flags say."""
    from keras_bert.files import check_target
    from keras_bert.serving.vector_index import VectorIndex

    check_output_file(FLAGS.output)
    if FLAGS.query is not None and FLAGS.input is not None:
        raise InputError("--query and --input exclude each other: choose one")
    if FLAGS.rows == "-" and FLAGS.input == "-":
        raise InputError("--rows and --input cannot both be standard input")
    if FLAGS.rows is None:
        if FLAGS.method is not None or FLAGS.overwrite:
            raise InputError("--method and --overwrite are for making an index; say the --rows")
        index = VectorIndex.open(FLAGS.index)
        embedder = _embedder(FLAGS.model or index.model["handle"])
        if embedder.fingerprint() != index.model["fingerprint"]:
            raise InputError(
                f"{FLAGS.index}: made with another model than {FLAGS.model or index.model['handle']} (the handle then: "
                f"{index.model['handle']}); name that one, --model, or index the rows again, --rows --overwrite"
            )
    else:
        check_target(FLAGS.index, FLAGS.overwrite)
        rows = list(_rows(FLAGS.rows))
        if not rows:
            raise InputError(f"{FLAGS.rows}: there are no texts to index")
        handle = FLAGS.model or "minilm"
        embedder = _embedder(handle)
        index = _make_index(embedder, rows, str(Path(handle).resolve()) if Path(handle).is_dir() else handle)
        index.save(FLAGS.index, FLAGS.overwrite)
        logging.info("%s: %d rows, %s search", FLAGS.index, len(rows), index.method)
    if FLAGS.rows is None or FLAGS.query is not None or FLAGS.input is not None:
        _answer(index, embedder)


def _embedder(handle: str) -> "BertEmbedder":
    from keras_bert.tasks import BertEmbedder

    return BertEmbedder.from_preset(handle)


def _rows(source: str) -> Iterator[dict[str, str]]:
    """Yields what is to be indexed; empty lines are no texts."""
    if source == "-" or source.endswith((".txt", ".txt.gz")):
        lines = itertools.chain.from_iterable(read_text_lines(source, 4096, **row_flags.line_options()))
        yield from ({"text": line} for line in lines if line.strip())
        return
    for row in row_flags.read_rows(source, label=False).as_numpy_iterator():
        yield {name: text.decode() for name, text in row.items()}


def _make_index(embedder: "BertEmbedder", rows: list[dict[str, str]], handle: str) -> "VectorIndex":
    from keras_bert.serving.vector_index import VectorIndex

    vectors = embedder.embed([row["text"] for row in rows], FLAGS.batch_size)
    return VectorIndex(vectors, rows, {"handle": handle, "fingerprint": embedder.fingerprint()}, FLAGS.method)


def _answer(index: "VectorIndex", embedder: "BertEmbedder") -> None:
    """Writes, for each query, the rows that are nearest."""
    size = _WINDOW_BATCHES * FLAGS.batch_size
    lines = read_text_lines(FLAGS.input or "-", size, **row_flags.line_options())
    windows = [[FLAGS.query]] if FLAGS.query is not None else lines
    with output_file(FLAGS.output) as out:
        for queries in windows:
            scores, numbers = index.search(embedder.embed(queries, FLAGS.batch_size), FLAGS.top_k)
            for query, row_scores, row_numbers in zip(queries, scores.tolist(), numbers.tolist(), strict=True):
                found: list[dict[str, Any]] = [
                    {**index.rows[number], "row": number, "score": round(score, 6)}
                    for number, score in zip(row_numbers, row_scores, strict=True)
                    if number >= 0
                ]
                out.write(to_json({"query": query, "found": found}) + "\n")
            out.flush()


if __name__ == "__main__":
    run()
