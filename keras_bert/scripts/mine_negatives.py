"""Finds hard negatives: passages that share words with a question and do not answer it, to train search on.

    keras-bert mine-negatives --rows=pairs.tsv --text=question --text_pair=passage --output=mined.jsonl
    keras-bert finetune --task=embed --train=mined.jsonl --text=question --text_pair=passage --negative=negative
    keras-bert mine-negatives --rows=squad/train.json --index=notes --negatives=4 --layout=pairs --output=pairs.jsonl
    keras-bert finetune --train=pairs.jsonl --text=question --text_pair=passage --output=runs/reranker

--rows are pairs of a question and the passage that answers it, or a file of questions in SQuAD's layout. The passages
come out of --index, or are those of the rows. Left out is whatever is right for the same question, and what holds its
answer (--answer=COLUMN; of SQuAD's layout the answers are known). Written are JSON lines: --layout=triples, a row for
each negative with `negative` beside the pair, for `finetune --task=embed`; or --layout=pairs, the right passage with
the label 1 and each negative with the label 0, for a reranker.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, row_flags
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_bert.text.token_layer import TokenLayer

FLAGS = flags.FLAGS

flags.DEFINE_string("rows", None, "Pairs of a question and its passage: a file, or one in SQuAD's layout.")
flags.DEFINE_string("answer", None, "Column with the answer, which no negative may hold.")
flags.DEFINE_string("index", None, "An index of documents whose passages are searched; those of --rows by default.")
flags.DEFINE_string("vocabulary", "minilm", "What cuts texts into pieces without --index: a preset or vocab.txt.")
flags.DEFINE_integer("negatives", 1, "Negatives a pair.", lower_bound=1)
flags.DEFINE_integer("skip", 0, "The first so many that are found are passed over.", lower_bound=0)
flags.DEFINE_integer("depth", 50, "How many that are found are looked at.", lower_bound=1)
flags.DEFINE_enum("layout", "triples", ["triples", "pairs"], "A negative beside each pair, or labelled pairs.")
flags.DEFINE_integer("seed", 0, "Of random passages, where too few are found.")
flags.DEFINE_string("output", "-", "File for the rows, JSON lines, or - for standard output.")
flags.register_validator("rows", bool, message="name the pairs, --rows=FILE")


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags)


def main() -> None:
    """Mines as the flags say."""
    from keras_bert.retrieval import Index
    from keras_bert.retrieval.negatives import mine_negatives, search_index, search_texts

    check_output_file(FLAGS.output)
    queries, positives, answers = _pairs()
    if FLAGS.index is None:
        others = list(dict.fromkeys(positives))
        search = search_texts(others, _tokenizer())
    else:
        index = Index.open(FLAGS.index)
        others, search = [passage.text for passage in index.passages], search_index(index)
    numbers = {"count": FLAGS.negatives, "skip": FLAGS.skip, "depth": FLAGS.depth, "seed": FLAGS.seed}
    mined = mine_negatives(search, queries, positives, answers, others=others, **numbers)
    rows = bare = 0
    with output_file(FLAGS.output) as out:
        for query, positive, negatives in zip(queries, positives, mined, strict=True):
            bare += not negatives
            for row in _rows(query, positive, negatives):
                out.write(to_json(row) + "\n")
                rows += 1
    print(f"{FLAGS.output}: {rows:,} rows of {len(queries):,} pairs", file=sys.stderr)
    if bare:
        print(f"  {bare:,} pairs are left out: there is no passage that is not right for them", file=sys.stderr)


def _rows(query: str, positive: str, negatives: list[str]) -> Iterator[dict[str, str]]:
    first, second = _names()
    if FLAGS.layout == "triples":
        for negative in negatives:
            yield {first: query, second: positive, "negative": negative}
    elif negatives:
        yield {first: query, second: positive, "label": "1"}
        for negative in negatives:
            yield {first: query, second: negative, "label": "0"}


def _names() -> tuple[str, str]:
    """Returns the fields of question and passage: those of the rows, so that the same flags read what is written."""
    return ("question", "passage") if _is_squad() else (FLAGS.text, FLAGS.text_pair)


def _is_squad() -> bool:
    return FLAGS.text_pair is None and FLAGS.rows.endswith((".json", ".json.gz", ".jsonl", ".jsonl.gz"))


def _pairs() -> tuple[list[str], list[str], list[list[str]]]:
    """Reads questions, passages, and what a right passage holds."""
    if _is_squad():
        from keras_bert.data import read_squad

        found = list(read_squad(FLAGS.rows, encoding=FLAGS.encoding).as_numpy_iterator())
        answered = [row for row in found if len(row["answers"])]
        if not answered:
            raise InputError(f"{FLAGS.rows}: no question has an answer, so there is no right passage")
        asked, texts = ([row[name].decode() for row in answered] for name in ("question", "context"))
        return asked, texts, [[answer.decode() for answer in row["answers"]] for row in answered]
    if FLAGS.text_pair is None:
        raise InputError(f"{FLAGS.rows}: name the column of the passages, --text_pair=COLUMN")
    rows = list(row_flags.read_rows(FLAGS.rows, label=False).as_numpy_iterator())
    if FLAGS.answer is None:
        answers: list[list[str]] = [[] for _ in rows]
    else:
        answers = [
            [str(value) for value in (values if isinstance(values, list) else [values])]
            for (values,) in row_flags.read_columns(FLAGS.rows, [FLAGS.answer])
        ]
    return [row["text"].decode() for row in rows], [row["text_pair"].decode() for row in rows], answers


def _tokenizer() -> TokenLayer:
    from keras_bert.checkpoints import open_checkpoint, open_tokenizer

    if Path(FLAGS.vocabulary).is_file():
        return open_tokenizer(FLAGS.vocabulary, None, FLAGS.pad_vocabulary)
    return open_checkpoint(FLAGS.vocabulary, pad_vocabulary=FLAGS.pad_vocabulary).tokenizer()


if __name__ == "__main__":
    run()
