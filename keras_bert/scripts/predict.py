"""Answers texts with a fine-tuned model, one JSON object a line.

    echo "a gripping film" | keras-bert predict --model=runs/sst2/model
    keras-bert predict --model=runs/sst2/model --input=reviews.csv --text=review --keep=id --output=answers.jsonl

--input=- reads standard input, a text a line (for tasks on pairs: the two texts with a tab between; for multiple
choice: the text and its choices; for questions: the question and the text that it is about), and answers what has
arrived. A .txt file is read in the same way; .csv, .tsv and .jsonl files by the columns --text and --text_pair, files
of questions as SQuAD lays them out, .json or .jsonl, with the id of each question beside its answer. --keep=id,date
writes these columns of a row beside its answer, --scores the probabilities of all classes.

Rows are read as they were in training, unless a flag says otherwise. A folder of transformers does not say that its
model takes pairs: --text_pair=COLUMN does, for lines of standard input too.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, generation_flags, prompt_flags, row_flags
from keras_bert.scripts.asked_texts import has_lines, rows_reader, texts_of_lines, texts_of_rows
from keras_bert.scripts.generation_flags import count_cut_texts
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("input", "-", "Texts: a file, or - for standard input.")
flags.DEFINE_string("output", "-", "File for the answers, or - for standard output.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)
flags.DEFINE_bool("scores", False, "Answer with the probabilities of all classes.")
flags.DEFINE_integer("seed", None, "With --do_sample: what is drawn follows from it and the text; 0.")
flags.DEFINE_list("keep", [], "Columns of a .csv, .tsv or .jsonl file to write beside the answers, such as id.")

# Texts read ahead and answered together, those of like length in one batch.
_WINDOW_BATCHES = 16
SOURCE = "source"
"""What was asked, in an answer that has a text of its own."""


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags, prompt_flags, generation_flags)


def main() -> None:
    """Answers as the flags say."""
    from keras_bert.checkpoints import open_checkpoint

    check_output_file(FLAGS.output)
    by_lines = has_lines(FLAGS.input)
    if by_lines and FLAGS.keep:
        raise InputError("--keep names columns of a .csv, .tsv or .jsonl file; lines of text have none")
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint, labelled=False)
    # Read before the model is built: what is wrong with a file is said at once.
    rows = None if by_lines else rows_reader(checkpoint)(FLAGS.input, label=False)
    kept = _kept_columns() if FLAGS.keep else itertools.repeat({})
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    if FLAGS.scores and not task.can_show_scores:
        raise InputError(f"--scores: a {type(task).__name__} has no classes to score")
    size = _WINDOW_BATCHES * FLAGS.batch_size
    windows = (
        texts_of_lines(FLAGS.input, task.text_fields, size)
        if rows is None
        else texts_of_rows(rows, FLAGS.input, task.text_fields, size)
    )
    options = {**prompt_flags.prompt_options(task), **({"scores": True} if FLAGS.scores else {})}
    if task.answers_text and task.generation.do_sample:
        options["seed"] = FLAGS.seed or 0
    else:
        if FLAGS.seed is not None:
            raise InputError("--seed goes with --do_sample")
        generation_flags.refuse_sampling(task)
    cut = 0
    with output_file(FLAGS.output) as out:
        for window in windows:
            answers = task.answer(window, FLAGS.batch_size, **options)
            cut += count_cut_texts(task, window)
            for text, answer in zip(window, answers, strict=True):
                # A pretrainer answers with a list, one entry for each [MASK], a token classifier with one of entities.
                fields = answer if isinstance(answer, dict) else {task.list_name: answer}
                if task.answers_text:  # the text asked is the source
                    fields = {**{SOURCE if name == "text" else name: value for name, value in text.items()}, **fields}
                else:  # the text asked stays where an answer has one too, a part of it
                    fields = {**text, **{**fields, **text}}
                beside = next(kept)
                if twice := sorted(set(beside) & set(fields)):
                    raise InputError(f"--keep={twice[0]}: the answers have a field of that name; rename the column")
                out.write(to_json({**beside, **fields}) + "\n")
            out.flush()
    if cut:
        logging.warning("%d texts are longer than %d tokens, and were cut", cut, task.preprocessor.max_length)


def _kept_columns() -> Iterator[dict[str, Any]]:
    """Yields the columns of --keep of each row of the input, as they stand there."""
    for values in row_flags.read_columns(FLAGS.input, FLAGS.keep):
        yield dict(zip(FLAGS.keep, values, strict=True))


if __name__ == "__main__":
    run()
