"""Scores a fine-tuned model on labelled rows, as its field counts.

    keras-bert evaluate --model=runs/sst2/model --rows=sst2/dev.tsv --text=sentence --label=label
    keras-bert evaluate --index=runs/index --rows=squad/dev.json --model=runs/squad/model

Prints one JSON object; --output also writes it to a file, --confusion draws the confusion matrix. Rows are read as they
were in training, unless a flag says otherwise. For a folder of transformers, which does not say that its model takes
pairs, name the second text, --text_pair=COLUMN, and with --labels=neg,pos the classes that it only numbers.

With --index what is scored is an index of documents: how it finds the texts that belong to the questions of --rows, and
with --model, a reader, the answers out of it beside those with the right text given.
"""

import sys
from typing import Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import (
    checkpoint_flags,
    generation_flags,
    index_scores,
    prompt_flags,
    row_flags,
    target_flags,
)
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("rows", "library_docs:test", "Rows to score: a file, tfds:NAME, or library_docs.")
flags.DEFINE_list(
    "rows_target", None, "For models that write: file with the target of each line of --rows, or several."
)
flags.DEFINE_integer("batch_size", 64, "Rows a batch.", lower_bound=1)
flags.DEFINE_string("output", None, "File for the scores.")
flags.DEFINE_string("confusion", None, "File for the confusion matrix, .png.")


def run() -> None:
    """Runs the program."""
    modules = (checkpoint_flags, row_flags, prompt_flags, target_flags, generation_flags, index_scores)
    run_program(main, sys.modules[__name__], *modules)


def main() -> None:
    """Scores as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.scripts.task_kinds import kind_of

    check_output_file(FLAGS.output)
    check_output_file(FLAGS.confusion)
    index_scores.refuse_without_index()
    if FLAGS.index is not None:
        reader = FLAGS.model if FLAGS["model"].present else None
        _write(index_scores.index_scores(FLAGS.rows, reader))
        return
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint)
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    prompt_flags.prompt_rows(task)
    kind = kind_of(task)
    row_flags.check_texts(FLAGS.rows, kind.text_fields(task))
    if FLAGS.confusion and not kind.has_confusion(task):
        raise InputError("--confusion: the rows of this task do not have one class each")
    if FLAGS.rows_target and not task.answers_text:
        raise InputError("--rows_target is for models that write")
    generation_flags.refuse_sampling(task)
    rows = kind.read_for(task, FLAGS.rows)
    kind.prepare(task)
    _write({**task.evaluate_rows(rows, FLAGS.batch_size), **kind.facts(task, rows)})
    if FLAGS.confusion:
        kind.plot_confusion(task, rows, FLAGS.confusion, FLAGS.batch_size)


def _write(scores: dict[str, Any]) -> None:
    line = to_json(scores)
    print(line)
    if FLAGS.output:
        with output_file(FLAGS.output) as file:
            file.write(line + "\n")


if __name__ == "__main__":
    run()
