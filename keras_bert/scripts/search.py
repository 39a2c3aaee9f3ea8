"""Indexes texts by what they mean, and finds those nearest to a question; searches an index of documents, too.

    keras-bert search --index=runs/faq --rows=faq.csv --text=question --text_pair=answer
    echo "how do I get my money back" | keras-bert search --index=runs/faq --top_k=3
    keras-bert search --index=runs/notes --rows=notes.txt --query="what did we say about the garden"
    keras-bert search --index=runs/docs_index --query="how are passages cut?" --method=words

With --rows the index is made: a .txt file has a text a line; .csv, .tsv and .jsonl have the column --text, which is
embedded, and perhaps --text_pair, which is kept beside it and found with it, such as the answer to a question. Then
--query, or each line of --input, is answered with one JSON object a line. --model is an embedder, `minilm` or a folder
of `finetune --task=embed` or of sentence-transformers; the index knows it, and refuses vectors of another. Where the
model is elsewhere (hf://...), an index alone does not make it be fetched: name it, --model.

Some models want to know a query from what is searched: their prompts, such as "query: ", are put before the texts. By
default that is the prompt `query` before queries, and `document`, `passage` or `corpus` before rows, where the model
has one of the name, otherwise its default prompt; --prompt and --rows_prompt choose others.

An --index that `keras-bert index` made of documents gives passages: text, title, file, start and end in bytes, page,
line, score. --method=words searches by BM25, meaning by vectors, both (the default where there are vectors) by the two
together; --reranker, a classifier or regressor of pairs, puts the first --candidates in a new order.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, documents_search, prompt_flags, row_flags
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
flags.DEFINE_string("rows_prompt", None, "Name of the model's prompt before the texts that are indexed, '' for none.")
flags.DEFINE_enum(
    "method",
    None,
    ["exact", "approximate", "words", "meaning", "both"],
    "For --rows: exact or approximate (faiss); by default exact up to 5,000. For an index of documents: words, meaning "
    "or both.",
)
flags.DEFINE_string("reranker", None, "For documents: a model of pairs, query and passage, that orders what is found.")
flags.DEFINE_string("reranker_label", None, "The class of the --reranker that says that a passage fits; its last.")
flags.DEFINE_enum(
    "fusion",
    "scores",
    ["scores", "ranks"],
    "For --method=both: how two orders become one; ranks: reciprocal ranks.",
)
flags.DEFINE_integer("processes", 1, "Processes that embed the --rows, each with the embedder.", lower_bound=1)
flags.DEFINE_integer("candidates", 100, "Passages that the --reranker sees.", lower_bound=1)
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
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags, prompt_flags)


def main() -> None:
    """Indexes and answers as the flags say."""
    from keras_bert.files import check_target
    from keras_bert.serving.vector_index import VectorIndex

    check_output_file(FLAGS.output)
    if FLAGS.prompt_pair is not None:
        raise InputError("--prompt_pair is for pairs; before queries stands --prompt, before rows --rows_prompt")
    if FLAGS.query is not None and FLAGS.input is not None:
        raise InputError("--query and --input exclude each other: choose one")
    if FLAGS.rows == "-" and FLAGS.input == "-":
        raise InputError("--rows and --input cannot both be standard input")
    if FLAGS.rows is None and documents_search.is_document_index(FLAGS.index):
        documents_search.answer()
        return
    if FLAGS.reranker is not None or FLAGS.method in documents_search.METHODS:
        raise InputError(
            f"{FLAGS.index}: --reranker and --method={'|'.join(documents_search.METHODS)} are for an index of "
            "documents; keras-bert index makes one"
        )
    if FLAGS.rows is None:
        if FLAGS.method is not None or FLAGS.overwrite or FLAGS.rows_prompt is not None:
            raise InputError("--method, --rows_prompt and --overwrite are for making an index; say the --rows")
        index = VectorIndex.open(FLAGS.index)
        handle = _handle(index)
        embedder = _embedder(handle)
        if embedder.fingerprint() != index.model.get("fingerprint"):
            raise InputError(
                f"{FLAGS.index}: made with another model than {handle} (the handle then: "
                f"{index.model.get('handle')}); name that one, --model, or index the rows again, --rows --overwrite"
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


def _handle(index: "VectorIndex") -> str:
    """Returns the embedder of an index; one that would have to be fetched must be named by the user."""
    handle = index.model.get("handle", "")
    # A folder may be called `hf:` and hold what makes a handle look like a path.
    is_local = handle and "://" not in handle and Path(handle).is_dir()
    if FLAGS.model is not None or handle == "minilm" or is_local:
        return FLAGS.model or handle
    raise InputError(
        f"{FLAGS.index}: made with {handle or 'a model without a name'}, which is not a folder here, and is not "
        "fetched because an index says so; name it yourself, --model"
    )


def _embedder(handle: str) -> "BertEmbedder":
    from keras_bert.tasks import BertEmbedder

    return BertEmbedder.from_preset(handle, **_embedder_options())


def _embedder_options() -> dict[str, Any]:
    return {"prompts": prompt_flags.defined_prompts(), "pad_vocabulary": FLAGS.pad_vocabulary}


def _prompt(embedder: "BertEmbedder", given: str | None, names: tuple[str, ...]) -> str | None:
    """Returns the name of the prompt that a flag gives, or the one of `names` that the model has."""
    embedder.prompts.text(given)
    return embedder.prompts.for_search(names) if given is None else given


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
    from keras_bert.tasks.embedding.embedded_windows import embed_texts
    from keras_bert.tasks.embedding.prompts import DOCUMENT_NAMES

    prompt = _prompt(embedder, FLAGS.rows_prompt, DOCUMENT_NAMES)
    texts = [row["text"] for row in rows]
    several = {"processes": FLAGS.processes, "handle": handle, "options": _embedder_options()}
    vectors = embed_texts(embedder, texts, FLAGS.batch_size, prompt, **several)
    model = {"handle": handle, "fingerprint": embedder.fingerprint(), "prompt": embedder.prompts.text(prompt)}
    return VectorIndex(vectors, rows, model, FLAGS.method, embedder.similarity)


def _answer(index: "VectorIndex", embedder: "BertEmbedder") -> None:
    """Writes, for each query, the rows that are nearest."""
    from keras_bert.tasks.embedding.prompts import QUERY_NAMES

    prompt = _prompt(embedder, FLAGS.prompt, QUERY_NAMES)
    size = _WINDOW_BATCHES * FLAGS.batch_size
    lines = read_text_lines(FLAGS.input or "-", size, **row_flags.line_options())
    windows = [[FLAGS.query]] if FLAGS.query is not None else lines
    with output_file(FLAGS.output) as out:
        for queries in windows:
            scores, numbers = index.search(embedder.embed(queries, FLAGS.batch_size, prompt), FLAGS.top_k)
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
