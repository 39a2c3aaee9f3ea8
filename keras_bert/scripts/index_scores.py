"""`keras-bert evaluate --index`: what an index finds, and what a reader answers out of it."""

from __future__ import annotations

from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.scripts import row_flags
from keras_bert.scripts.document_models import open_reader, open_reranker

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "index", None, "Score an index of documents: --rows are questions with their texts, --model a reader, if given."
)
flags.DEFINE_enum("method", None, ["words", "meaning", "both"], "For --index: how to search.")
flags.DEFINE_string("embedder", None, "For --index: its embedder, where it names none that is here.")
flags.DEFINE_string("reranker", None, "For --index: a classifier or regressor of pairs that puts passages in order.")
flags.DEFINE_string("reranker_label", None, "For --index: the reranker's class that means yes; its last.")
flags.DEFINE_integer("candidates", 100, "For --index: passages that are fused and put in order.", lower_bound=1)
flags.DEFINE_integer("passages", 10, "For --index: passages to read for a question.", lower_bound=1)
flags.DEFINE_float("reader_weight", 0.3, "For --index: what the reader counts beside the search.", 0.0, 1.0)

_OWN = ("method", "embedder", "reranker", "reranker_label", "candidates", "passages", "reader_weight")


def refuse_without_index() -> None:
    """Refuses flags that only an index reads, where none is named; an `InputError`."""
    for name in _OWN:
        if FLAGS[name].present and FLAGS.index is None:
            raise InputError(f"--{name} is for --index; name an index, or leave it out")


def index_scores(rows: str, reader: str | None) -> dict[str, Any]:
    """Scores an index, and a reader over it, on questions.

    Args:
        rows: A file in SQuAD's layout, or one with the columns `--text`, the question, and `--text_pair`, the text that
            answers it, by default `text` and `text_pair`.
        reader: The reader; None scores the search alone. It needs SQuAD's layout, which has answers.

    Returns:
        `search_scores` as `search`, `answer_scores` as `answers`, and the number of `questions`.

    Raises:
        InputError: The index, the reader or the rows are not what they must be.
    """
    from keras_bert.retrieval import Index
    from keras_bert.retrieval.scores import answer_scores, search_scores

    is_squad = rows.removesuffix(".gz").endswith(".json")
    if reader is not None and not is_squad:
        raise InputError(f"{rows}: a reader is scored by answers, which SQuAD's layout has (.json); leave out --model")
    asked = _squad(rows) if is_squad else _pairs(rows)
    if not asked:
        raise InputError(f"{rows}: there are no questions")
    index = Index.open(FLAGS.index, FLAGS.embedder)
    search: dict[str, Any] = {"method": FLAGS.method, "candidates": FLAGS.candidates}
    if FLAGS.reranker is not None:
        search |= {"reranker": open_reranker(FLAGS.reranker), "label": FLAGS.reranker_label}
    questions, texts = [row["question"] for row in asked], [row["context"] for row in asked]
    scores: dict[str, Any] = {"questions": len(asked), "search": search_scores(index, questions, texts, **search)}
    if reader is not None:
        options = {"passages": FLAGS.passages, "weight": FLAGS.reader_weight, **search}
        scores["answers"] = answer_scores(index, open_reader(reader), asked, **options)
    return scores


def _squad(rows: str) -> list[dict[str, Any]]:
    from keras_bert.data import read_squad

    names = ("question", "context", "answers")
    found = read_squad(rows, encoding=FLAGS.encoding).as_numpy_iterator()
    return [{name: _decoded(row[name]) for name in names} for row in found]


def _pairs(rows: str) -> list[dict[str, Any]]:
    if FLAGS.text_pair is None:
        FLAGS["text_pair"].value = "text_pair"
    found = row_flags.read_rows(rows, label=False).as_numpy_iterator()
    return [{"question": row["text"].decode(), "context": row["text_pair"].decode()} for row in found]


def _decoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else [part.decode() for part in value]
