"""Answers questions out of documents that `keras-bert index` has indexed.

    keras-bert ask --index=runs/docs_index --reader=runs/squad/model "how are passages cut?"
    keras-bert ask --index=runs/docs_index --reader=runs/squad/model --json < questions.txt
    keras-bert ask --index=runs/docs_index --reader=runs/squad/model            (a conversation, on a terminal)

The best --passages are found, by words and meaning, and read in one run by --reader, a model of `finetune
--task=answer`. Each answer comes with its score, the file and the bytes where it stands, and the sentence around it;
what several passages say is one answer. --json writes one JSON object a question. With --threshold answers that the
reader itself gives a lower probability, `read`, are none.

On a terminal, without a question, it asks for one after the other: the arrow keys bring earlier ones back, a follow-up
is searched for with the question before it, `:sources` shows where the last answer stands, `:forget` begins anew,
`:quit` or Ctrl-D ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts.answer_lines import answer_lines, source_lines
from keras_bert.scripts.document_models import open_reader, open_reranker
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program
from keras_bert.scripts.text_lines import read_text_lines

if TYPE_CHECKING:
    from keras_bert.retrieval import Index
    from keras_bert.tasks import BertQuestionAnswerer

FLAGS = flags.FLAGS

flags.DEFINE_string("index", None, "Folder of the index.")
flags.DEFINE_string("reader", None, "The model that finds the answer in a passage: a folder of --task=answer.")
flags.DEFINE_string("question", None, "The question; also without the flag's name.")
flags.DEFINE_string("input", None, "Questions, one a line: a file, or -; by default - where there is no --question.")
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_bool("json", False, "Write one JSON object a question.")
flags.DEFINE_integer("top_k", 3, "Answers a question at most.", lower_bound=1)
flags.DEFINE_integer("passages", 10, "Passages to read for a question.", lower_bound=1)
flags.DEFINE_enum("method", None, ["words", "meaning", "both"], "How to search; both where the index has vectors.")
flags.DEFINE_string("embedder", None, "The embedder of the index, where it names none that is here.")
flags.DEFINE_string("reranker", None, "A classifier or regressor of pairs that puts the passages in order.")
flags.DEFINE_string("reranker_label", None, "Its class that means yes; its last.")
flags.DEFINE_integer("candidates", 100, "Passages that are fused and put in order.", lower_bound=1)
flags.DEFINE_float("reader_weight", 0.3, "What the reader counts beside the search.", lower_bound=0.0, upper_bound=1.0)
flags.DEFINE_float(
    "threshold", None, "An answer that the reader gives a lower probability is none.", lower_bound=0.0, upper_bound=1.0
)
flags.register_validator("index", bool, message="name the folder of the index, --index=FOLDER")
flags.register_validator("reader", bool, message="name the model that reads, --reader=FOLDER")

_AT_ONCE = 16  # questions that are read for together

HELP = """:sources   where the last answer stands, all places
:forget    begin anew: the next question is searched for by itself
:quit      end, as Ctrl-D does"""


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], positional="question")


def main() -> None:
    """Answers as the flags say."""
    check_output_file(FLAGS.output)
    if FLAGS.question is not None and FLAGS.input is not None:
        raise InputError("--question and --input exclude each other: choose one")
    if FLAGS.question is not None and not FLAGS.question.strip():
        raise InputError("--question: there is nothing to search for")
    index, options = _index(), _options()
    reader = open_reader(FLAGS.reader)
    if FLAGS.question is None and FLAGS.input is None and FLAGS.output == "-" and _is_terminal():
        _converse(index, reader, options)
        return
    windows = [[FLAGS.question]] if FLAGS.question is not None else read_text_lines(FLAGS.input or "-", _AT_ONCE)
    with output_file(FLAGS.output) as out:
        for window in windows:
            questions = [line for line in window if line.strip()]
            for start in range(0, len(questions), _AT_ONCE):
                part = questions[start : start + _AT_ONCE]
                for question, answers in zip(part, index.ask(part, reader, **options), strict=True):
                    out.write(_shown(question, answers))
                out.flush()


def _shown(question: str, answers: list[dict[str, Any]]) -> str:
    if FLAGS.json:
        return to_json({"question": question, "answers": answers}) + "\n"
    is_only = FLAGS.question is not None
    lines = [] if is_only else [f"? {question}"]
    return "\n".join([*lines, *answer_lines(answers, sys.stdout.isatty() and FLAGS.output == "-"), ""]) + "\n"


def _index() -> Index:
    from keras_bert.retrieval import Index

    return Index.open(FLAGS.index, FLAGS.embedder)


def _options() -> dict[str, Any]:
    """Returns what the flags say of searching and reading."""
    names = ("top_k", "passages", "method", "candidates", "threshold")
    options = {**{name: FLAGS[name].value for name in names}, "weight": FLAGS.reader_weight}
    if FLAGS.reranker is not None:
        options |= {"reranker": open_reranker(FLAGS.reranker), "label": FLAGS.reranker_label}
    elif FLAGS.reranker_label is not None:
        raise InputError("--reranker_label is the class of a --reranker; name that")
    return options


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _converse(index: Index, reader: BertQuestionAnswerer, options: dict[str, Any]) -> None:
    """Asks for questions until there is enough."""
    print("Ask; :help shows what else there is.")
    history: list[tuple[str, str]] = []
    answers: list[dict[str, Any]] = []
    for line in _typed():
        if line in (":quit", ":q", ":exit"):
            return
        if line == ":forget":
            history.clear()
        elif line == ":sources":
            print("\n".join(source_lines(answers)))
        elif line.startswith(":"):
            print(HELP)
        else:
            answers = index.ask(line, reader, history=history, **options)
            history.append((line, answers[0]["answer"] if answers else ""))
            print("\n".join([*answer_lines(answers, in_colour=True), ""]))


def _typed() -> Iterator[str]:
    """Yields lines that are typed, with arrow keys and earlier lines where Python has readline."""
    import contextlib

    with contextlib.suppress(ImportError):  # input() works without it
        import readline  # noqa: F401
    while True:
        try:
            line = input("? ").strip()
        except EOFError:
            print()
            return
        if line:
            yield line


if __name__ == "__main__":
    run()
