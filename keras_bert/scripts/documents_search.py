"""`keras-bert search` in an index of documents."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts.document_models import open_reranker
from keras_bert.scripts.output_file import output_file
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    from keras_bert.retrieval import Found

FLAGS = flags.FLAGS

METHODS = ("words", "meaning", "both")
_WINDOW = 256


def is_document_index(folder: str) -> bool:
    """Says whether a folder is an index that `keras-bert index` made."""
    return (Path(folder) / "retrieval.json").exists()


def answer() -> None:
    """Writes, for each query, the passages that fit best, as the flags of `search` say."""
    from keras_bert.retrieval import Index

    if FLAGS.method is not None and FLAGS.method not in METHODS:
        raise InputError(f"{FLAGS.index}: an index of documents; expected --method={'|'.join(METHODS)}")
    if FLAGS.overwrite or FLAGS.rows_prompt is not None or FLAGS.prompt is not None or FLAGS.prompts is not None:
        raise InputError(
            f"{FLAGS.index}: an index of documents; its prompts are the embedder's own, and --overwrite is for --rows"
        )
    if FLAGS.method == "words" and FLAGS.model is not None:
        raise InputError("--method=words needs no --model")
    index = Index.open(FLAGS.index, FLAGS.model)
    reranker = None if FLAGS.reranker is None else open_reranker(FLAGS.reranker)
    windows = [[FLAGS.query]] if FLAGS.query is not None else read_text_lines(FLAGS.input or "-", _WINDOW)
    with output_file(FLAGS.output) as out:
        for queries in windows:
            how = (FLAGS.method, reranker, FLAGS.candidates, FLAGS.reranker_label, FLAGS.fusion)
            found = index.search(list(queries), FLAGS.top_k, *how)
            for query, passages in zip(queries, found, strict=True):
                out.write(to_json({"query": query, "found": [_fields(each) for each in passages]}) + "\n")
            out.flush()


def _fields(found: "Found") -> dict[str, Any]:
    fields = dataclasses.asdict(found.passage)
    return {**fields, "passage": found.number, "score": round(found.score, 6)}
