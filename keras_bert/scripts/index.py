"""Indexes documents, so that questions find the passages that answer them.

    keras-bert index --documents='docs/**' --output=runs/docs_index
    keras-bert index --documents=papers,notes.jsonl --text=body --output=runs/index --embedder=runs/questions/model
    keras-bert index --documents='docs/**' --output=runs/docs_index --add
    keras-bert index --remove='docs/old/**' --output=runs/docs_index
    keras-bert search --index=runs/docs_index --query="how are passages cut?"

Documents are .txt, .md, .html and .pdf files, and the rows of .csv, .tsv, .jsonl and .json files; all but .pdf also
with .gz. --documents names files, folders and patterns, divided by commas. They are cut into passages by sentences, of
up to --max_tokens tokens, which are found by their words (BM25), by their meaning (vectors of the --embedder), or by
both. A file that is named itself must be read; of those in folders, one that cannot be read is named at the end, and
the others are indexed.

--add adds documents, and replaces those that have changed: only passages that are new are embedded. The index is
written whole or not at all, and can be searched meanwhile.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from keras_bert.retrieval import Index

FLAGS = flags.FLAGS

flags.DEFINE_string("documents", None, "Files, folders and patterns such as 'docs/**/*.md', divided by commas.")
flags.DEFINE_string("output", None, "Folder of the index.")
flags.DEFINE_string(
    "embedder", None, "What makes the vectors: minilm (the default), a folder, a handle; none: words alone."
)
flags.DEFINE_string("tokenizer", None, "With --embedder=none, what cuts texts: a vocab.txt or folder; minilm's.")
flags.DEFINE_integer(
    "max_tokens", None, "Tokens of a passage at most; 200, or what the embedder reads if that is less.", lower_bound=1
)
flags.DEFINE_integer(
    "overlap", None, "Tokens at most that a passage repeats of the one before it; a fifth.", lower_bound=0
)
flags.DEFINE_string("text", "text", "Column of rows with the text.")
flags.DEFINE_string("title", "title", "Column of rows with a title, where there is one.")
flags.DEFINE_bool("add", False, "Add the documents to the index that is there.")
flags.DEFINE_string("remove", None, "Take documents out of the index: paths, folders, patterns, divided by commas.")
flags.DEFINE_bool("overwrite", False, "Replace the index that is there.")

flags.DEFINE_integer("processes", 1, "Processes that embed passages, each with the embedder.", lower_bound=1)
flags.register_validator("output", bool, message="name the folder of the index, --output=FOLDER")

_MEGABYTE = 1e6


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__])


def main() -> None:
    """Makes or changes an index as the flags say."""
    changes = FLAGS.add or FLAGS.remove is not None
    if FLAGS.documents is None and FLAGS.remove is None:
        raise InputError("there is nothing to do: name documents, --documents='docs/**', or what to --remove")
    if FLAGS.documents is not None and not FLAGS.add and changes:
        raise InputError("--documents beside --remove: pass --add too, or change the index in two runs")
    if FLAGS.add and FLAGS.documents is None:
        raise InputError("--add adds --documents: name them")
    made_with = ("tokenizer", "max_tokens", "overlap")
    given = [name for name in made_with if getattr(FLAGS, name) is not None] + ["overwrite"] * FLAGS.overwrite
    given += [name for name in ("text", "title") if FLAGS[name].present]
    if changes and given:
        raise InputError(f"--{given[0]} is for a new index; one that is there keeps what it was made with")
    begin = time.monotonic()
    index = _changed() if changes else _made()
    seconds = time.monotonic() - begin
    for file, problem in index.problems.items():
        logging.warning("not indexed: %s", problem if problem.startswith(file) else f"{file}: {problem}")
    for file in index.missing():
        logging.warning("%s: is in the index and no longer there; --remove takes it out", file)
    size = sum(file.stat().st_size for file in index.folder.rglob("*") if file.is_file())
    logging.info(
        "%s: %d files, %d passages%s, %.1f MB, in %.1f s",
        FLAGS.output,
        len(index.files),
        len(index.passages),
        f"; {len(index.problems)} files could not be read" if index.problems else "",
        size / _MEGABYTE,
        seconds,
    )


def _made() -> "Index":
    from keras_bert.checkpoints import open_tokenizer
    from keras_bert.files import check_target
    from keras_bert.retrieval import Index

    check_target(FLAGS.output, FLAGS.overwrite)
    words_alone = FLAGS.embedder == "none"
    if FLAGS.tokenizer is not None and not words_alone:
        raise InputError("--tokenizer goes with --embedder=none; an embedder has its own")
    return Index.build(
        FLAGS.output,
        _paths(FLAGS.documents),
        None if words_alone else FLAGS.embedder or "minilm",
        tokenizer=None if FLAGS.tokenizer is None else open_tokenizer(FLAGS.tokenizer),
        max_tokens=FLAGS.max_tokens,
        overlap=FLAGS.overlap,
        text=FLAGS.text,
        title=FLAGS.title,
        overwrite=FLAGS.overwrite,
        processes=FLAGS.processes,
    )


def _changed() -> "Index":
    from keras_bert.retrieval import Index

    if FLAGS.embedder == "none":
        raise InputError("--embedder=none is for a new index; one that is there keeps what it was made with")
    index = Index.open(FLAGS.output, FLAGS.embedder, FLAGS.processes)
    if FLAGS.remove is not None:
        index.remove(_paths(FLAGS.remove))
    if FLAGS.add:
        index.add(_paths(FLAGS.documents))
    return index


def _paths(given: str) -> list[str]:
    """Gives the paths that a flag names; a file or folder with commas in its name is one."""
    return [given] if Path(given).exists() else [path for path in given.split(",") if path]


if __name__ == "__main__":
    run()
