r"""Says which words of texts speak for a model's answer and which against it, one JSON object a line.

    keras-bert explain --model=runs/sst2/model --rows=sst2/dev.tsv --text=sentence --limit=100 \
        --output=explained.jsonl --page=explained.html
    echo "a gripping film" | keras-bert explain --model=runs/sst2/model --method=occlusion

Classifiers, regressors, taggers, question answerers and embedders can be explained; rows are those of `keras-bert
predict`, but for an embedder, of which the similarity of two texts is explained: name the second, --text_pair=COLUMN.

--method is one of integrated_gradients, gradient_x_input, attention, rollout, occlusion and shapley; docs/trust.md says
what their numbers mean and what they do not. --target names the class that is explained, or the number of an entity,
from 0; by default it is the model's own answer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, generation_flags, row_flags
from keras_bert.scripts.asked_texts import has_lines, rows_reader, texts_of_lines, texts_of_rows
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from keras_bert.tasks.base.task import BertTask

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("rows", "-", "Texts: a file, or - for standard input.")
flags.DEFINE_string("output", "-", "File for what was found, JSON lines, or - for standard output.")
flags.DEFINE_string("page", None, "File for a page of it, .html, that needs nothing but a browser.")
flags.DEFINE_string(
    "plot", None, "File for a picture, .png: bars of the first 8 texts; with --method=attention the first text's maps."
)
flags.DEFINE_string("method", "integrated_gradients", "How: the name of a method.")
flags.DEFINE_string("target", None, "What is explained: a class, or the number of an entity; the model's own answer.")
flags.DEFINE_string("baseline", None, "What stands for a word that is not there: [PAD], [MASK] or zero.")
flags.DEFINE_integer("steps", None, "Steps of integrated gradients, to begin with; 50.")
flags.DEFINE_integer("permutations", None, "Orders of the words for Shapley values; 25.")
flags.DEFINE_integer("seed", None, "From which these follow; 0.")
flags.DEFINE_list("layers", None, "Layers of attention, from 1, such as 5,6; the last.")
flags.DEFINE_list("heads", None, "Heads of attention, from 1, such as 1,2; all.")
flags.DEFINE_integer("limit", None, "Explain so many texts, the first.", lower_bound=1)

# Texts read and answered together; what is found is written in between.
_TEXTS_AT_ONCE = 32


def run() -> None:
    """Runs the program."""
    run_program(main, sys.modules[__name__], checkpoint_flags, row_flags, generation_flags)


def main() -> None:
    """Explains as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.trust.explain.readers.explained_task import fields_of
    from keras_bert.trust.explain.settings import ExplainSettings

    names = ("baseline", "steps", "permutations", "seed")
    options: dict[str, Any] = {name: FLAGS[name].value for name in names}
    options |= {"layers": _numbers("layers"), "heads": _numbers("heads")}
    ExplainSettings.of(FLAGS.method, **options)  # before anything is opened
    check_output_file(FLAGS.output)
    check_output_file(FLAGS.page)
    check_output_file(FLAGS.plot)
    if FLAGS.plot:
        from keras_bert.evaluation.extras import import_extra

        import_extra("matplotlib.figure")
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint, labelled=False)
    if FLAGS["words"].present:
        raise InputError("--words: texts are explained, not words; name the column of the texts, --text=COLUMN")
    FLAGS["words"].value = None  # of rows that the model was trained on
    rows = None if has_lines(FLAGS.rows) else rows_reader(checkpoint)(FLAGS.rows, label=False)
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    fields = fields_of(task)
    windows = (
        texts_of_lines(FLAGS.rows, fields, _TEXTS_AT_ONCE)
        if rows is None
        else texts_of_rows(rows, FLAGS.rows, fields, _TEXTS_AT_ONCE)
    )
    left: int | None = FLAGS.limit
    explained: list[dict[str, Any]] = []  # for the page and the picture
    with output_file(FLAGS.output) as out:
        for window in windows:
            texts = window[:left]
            left = None if left is None else left - len(texts)
            all_found = task.explain(texts, FLAGS.method, _target(task), **options)
            explained += all_found if FLAGS.page or FLAGS.plot else []
            for text, found in zip(texts, all_found, strict=True):
                beside = {"id": text["id"]} if "id" in text else {}
                out.write(to_json({**beside, **found}) + "\n")
            out.flush()
            if left == 0:
                break
    if FLAGS.page:
        from keras_bert.trust.page import write_page

        write_page(FLAGS.page, explained)
    if FLAGS.plot:
        from keras_bert.trust.page import draw_explained

        draw_explained(FLAGS.plot, explained)


def _numbers(name: str) -> list[int] | None:
    """Returns the numbers that a flag lists."""
    parts = FLAGS[name].value
    if parts is None:
        return None
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(f"--{name}={','.join(parts)}: expected numbers, such as 1,2")
    return [int(part) for part in parts]


def _target(task: BertTask) -> Any:
    """Returns --target as the task takes it."""
    target = FLAGS.target
    is_number = target is not None and target.isascii() and target.isdigit()
    return int(target) if is_number and task.list_name == "entities" else target


if __name__ == "__main__":
    run()
