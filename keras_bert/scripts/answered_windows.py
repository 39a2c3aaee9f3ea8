"""Windows of texts as lines of JSON, in this process or in several."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import generation_flags, prompt_flags
from keras_bert.scripts.flag_file import expand_flag_files
from keras_bert.scripts.generation_flags import count_cut_texts
from keras_bert.scripts.model_settings import open_model, take_row_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FLAGS = flags.FLAGS

SOURCE = "source"
"""What was asked, in an answer that has a text of its own."""


class Window(NamedTuple):
    """Texts that are answered together.

    Attributes:
        texts: Dicts of the task's fields.
        beside: What is written beside the answer of each.
    """

    texts: list[dict[str, Any]]
    beside: list[dict[str, Any]]


class Answered(NamedTuple):
    """What became of a window.

    Attributes:
        lines: A JSON object for each text.
        cut: How many of them were longer than the model reads.
    """

    lines: list[str]
    cut: int


class Answering:
    """Answers windows as the flags of `keras-bert predict` say.

    Args:
        task: The model.

    Raises:
        InputError: The flags do not suit the model.
    """

    def __init__(self, task: Any) -> None:
        if FLAGS.scores and not task.can_show_scores:
            raise InputError(f"--scores: a {type(task).__name__} has no classes to score")
        self._task = task
        self._options = {**prompt_flags.prompt_options(task), **({"scores": True} if FLAGS.scores else {})}
        if task.answers_text and task.generation.do_sample:
            self._options["seed"] = FLAGS.seed or 0
        else:
            if FLAGS.seed is not None:
                raise InputError("--seed goes with --do_sample")
            generation_flags.refuse_sampling(task)

    def __call__(self, window: Window) -> Answered:
        """Answers a window."""
        answers = self._task.answer(window.texts, FLAGS.batch_size, **self._options)
        lines = []
        for text, answer, beside in zip(window.texts, answers, window.beside, strict=True):
            fields = self._fields(text, answer)
            if twice := sorted(set(beside) & set(fields)):
                raise InputError(f"--keep={twice[0]}: the answers have a field of that name; rename the column")
            lines.append(to_json({**beside, **fields}))
        return Answered(lines, count_cut_texts(self._task, window.texts))

    def _fields(self, text: dict[str, Any], answer: Any) -> dict[str, Any]:
        # A pretrainer answers with a list, one entry for each [MASK], a token classifier with one of entities.
        fields = answer if isinstance(answer, dict) else {self._task.list_name: answer}
        if self._task.answers_text:  # the text asked is the source
            return {**{SOURCE if name == "text" else name: value for name, value in text.items()}, **fields}
        # The text asked stays where an answer has one too, a part of it.
        return {**text, **{**fields, **text}}


def answered_windows(answering: Answering, windows: Iterable[Window]) -> Iterator[Answered]:
    """Answers windows in `--processes` processes, in their order.

    Args:
        answering: What answers in this process, if there is one alone.
        windows: Of texts.
    """
    if FLAGS.processes == 1:
        yield from map(answering, windows)
        return
    from keras_bert.serving.in_processes import in_processes

    yield from in_processes(_answer, windows, FLAGS.processes, _begin, (list(sys.argv),))


_answering: list[Answering] = []  # that of a process


def _begin(arguments: list[str]) -> None:
    """Opens the model in a process of its own."""
    from keras_bert.checkpoints import open_checkpoint

    if "scores" not in FLAGS:  # a program that was started as a module is imported by each process
        from keras_bert.scripts import predict  # noqa: F401  # which defines the flags
    FLAGS(expand_flag_files(arguments))
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint, labelled=False)
    _answering.append(Answering(open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)))


def _answer(window: Window) -> Answered:
    return _answering[0](window)
