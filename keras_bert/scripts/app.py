"""Shows a model in the browser, to try it on texts; or writes that page as a Hugging Face Space.

    keras-bert app --model=runs/sst2/model
    keras-bert app --model=runs/conll/model --examples=conll/test.txt --port=8000
    keras-bert app --model=runs/sst2/model --output=space        (a folder to push; serves nothing)

Every task has its face: classes as bars, coloured entities, answers marked in their text, the similarity of two texts,
masked words, written texts with what else the beams found. "Why?" shows which words spoke for an answer. The page
loads nothing from elsewhere. Its examples are rows of --examples, or of the --dev of the run that the model lies in.

It listens to this machine alone, unless --host says otherwise: whoever reaches it can ask the model.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from keras_bert.errors import InputError
from keras_bert.scripts import checkpoint_flags, generation_flags, row_flags, target_flags
from keras_bert.scripts.labelled_rows import dev_of_the_run, labelled_rows
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    from keras_bert.tasks import BertTask

FLAGS = flags.FLAGS

flags.DEFINE_string("model", "runs/library_docs/model", "Folder of the fine-tuned model.")
flags.DEFINE_string("examples", None, "Labelled rows to show examples of, read as evaluate reads them; none: none.")
flags.DEFINE_string("title", None, "The heading.")
flags.DEFINE_string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 for all that reach this machine.")
flags.DEFINE_integer("port", 7860, "Port to listen at; 0: the first free one from 7860.", lower_bound=0)
flags.DEFINE_string("output", None, "Write a Hugging Face Space into this folder in place of serving.")
flags.DEFINE_bool("overwrite", False, "Replace what is at --output.")

_EXAMPLES, _AMONG = 5, 200


def run() -> None:
    """Runs the program."""
    modules = (checkpoint_flags, row_flags, target_flags, generation_flags)
    run_program(main, sys.modules[__name__], *modules)


def main() -> None:
    """Serves or writes the page as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.evaluation.extras import import_extra
    from keras_bert.files import check_target

    if FLAGS.overwrite and FLAGS.output is None:
        raise InputError("--overwrite is for --output; a page that is served replaces nothing")
    if FLAGS.output:
        check_target(FLAGS.output, FLAGS.overwrite)
    import_extra("gradio", "app")
    from keras_bert.app import make_page, serve_page, write_space

    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint)
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    examples = _examples(task)
    title = FLAGS.title or _title()
    page = make_page(task, examples, title)
    if FLAGS.output:
        write_space(FLAGS.output, FLAGS.model, examples, title, FLAGS.overwrite)
        print(f"{FLAGS.output}: a Space with the model and {len(examples)} examples; push it to huggingface.co/spaces")
        return
    address = serve_page(page, FLAGS.host, FLAGS.port, wait=False)
    print(f"{title}: {address} (Ctrl-C ends it)", flush=True)
    page.block_thread()


def _title() -> str:
    """Returns a heading out of the model's path: the run's name, or the folder's."""
    folder = Path(FLAGS.model).resolve()
    return folder.parent.name if folder.name == "model" else folder.name


def _examples(task: BertTask) -> list[dict[str, Any]]:
    """Returns some rows to try, spread over the first of them."""
    if FLAGS.examples == "none" or not task.has_labelled_rows:
        return []
    source = FLAGS.examples
    if source is None:
        source = dev_of_the_run(FLAGS.model)
        if source is None or not Path(source).is_file():
            if source is not None:
                logging.info("no examples: %s, the --dev of the run, is no file here; name one, --examples", source)
            return []
    rows = list(labelled_rows(task, source).take(_AMONG).as_numpy_iterator())
    fields = ("text", "text_pair") if task.takes_prompts else task.text_fields
    chosen = rows[:: max(1, len(rows) // _EXAMPLES)][:_EXAMPLES]
    return [{name: _text(row[name]) for name in fields if name in row} for row in chosen]


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [part for part in map(_text, value) if part]


if __name__ == "__main__":
    run()
