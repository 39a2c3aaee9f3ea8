"""Attacks a classifier on labelled rows: small changes of a text after which the answer is another one.

    keras-bert attack --model=runs/sst2/model --rows=sst2/dev.tsv --text=sentence --kind=typos --limit=200
    keras-bert attack ... --kind=synonyms --synonyms=synonyms.json --embedder=minilm --similarity=0.8
    keras-bert attack ... --kind=masked_words --filler=bert-base --output=attacked.jsonl
    keras-bert attack ... --rows=sst2/train.tsv --augmented=train_and_attacked.jsonl

Prints some of the sentences, then one JSON object with the numbers: the accuracy before and after (rows that are still
right, of all), the share of words changed, queries, seconds. --output writes what became of each row, with the places
of its changes. Read the sentences: some of what breaks a model changes the meaning, and then it is the model that is
right. --augmented writes the rows of --rows and behind them those that were broken, with their true labels, for
`keras-bert finetune --train=...`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from keras_bert.errors import InputError
from keras_bert.escaping import to_json
from keras_bert.scripts import checkpoint_flags, generation_flags, row_flags, target_flags
from keras_bert.scripts.model_settings import open_model, take_row_settings
from keras_bert.scripts.output_file import check_output_file, output_file
from keras_bert.scripts.program import run_program

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_bert.trust import AttackReport

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "Folder of the trained classifier.")
flags.DEFINE_string("rows", None, "Labelled rows to attack: a file, tfds:NAME, or library_docs.")
flags.DEFINE_enum("kind", "typos", ["typos", "homoglyphs", "synonyms", "masked_words"], "What words are replaced by.")
flags.DEFINE_string(
    "synonyms", None, "For --kind=synonyms: a .json file, word → words, or lines of a word and its synonyms with tabs."
)
flags.DEFINE_string("filler", None, "For --kind=masked_words: folder or handle of a model with a masked-word head.")
flags.DEFINE_enum("order", "delete", ["delete", "unk"], "What stands for a word while its importance is measured.")
flags.DEFINE_list("fields", None, "For pairs: the texts to change, text or text_pair; by default both.")
flags.DEFINE_string("stop_words", None, "File of words to leave as they are, one a line; by default function words.")
flags.DEFINE_float("max_share", 0.4, "Share of the words of a row that may be changed.")
flags.DEFINE_string("embedder", None, "Folder or handle of an embedder that compares sentences, such as minilm.")
flags.DEFINE_float("similarity", None, "Cosine that an attacked text has with the caller's at least, by --embedder.")
flags.DEFINE_integer("queries", 500, "Texts that the model may be asked for one row.", lower_bound=1)
flags.DEFINE_integer("limit", None, "Attack so many rows, the first; by default all.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of the typing errors.")
flags.DEFINE_integer("batch_size", 32, "Texts a batch.", lower_bound=1)
flags.DEFINE_integer("show", 5, "Sentences to print.", lower_bound=0)
flags.DEFINE_string("output", None, "File for what became of each row, JSON lines.")
flags.DEFINE_string("augmented", None, "File for the rows and the attacked ones, JSON lines to train on.")
flags.register_validator("model", bool, message="name the model, --model=FOLDER")
flags.register_validator("rows", bool, message="name labelled rows, --rows=FILE")


def run() -> None:
    """Runs the program."""
    modules = (checkpoint_flags, row_flags, target_flags, generation_flags)
    run_program(main, sys.modules[__name__], *modules)


def main() -> None:
    """Attacks as the flags say."""
    from keras_bert.checkpoints import open_checkpoint
    from keras_bert.scripts.task_kinds import kind_of
    from keras_bert.tasks import BertEmbedder, BertPretrainer
    from keras_bert.trust import attack
    from keras_bert.trust.attack.victim import Victim

    for name in (FLAGS.output, FLAGS.augmented):
        check_output_file(name)
    if FLAGS.augmented and not FLAGS.augmented.endswith(".jsonl"):
        raise InputError(f"{FLAGS.augmented}: rows are written as JSON lines; let its name end in .jsonl")
    if FLAGS.weight:
        raise InputError("--weight: an attack counts every row once")
    stop_words = {"stop_words": _stop_words()} if FLAGS.stop_words else {}
    checkpoint = open_checkpoint(FLAGS.model, pad_vocabulary=FLAGS.pad_vocabulary)
    take_row_settings(checkpoint)
    task = open_model(checkpoint, text_pair=FLAGS["text_pair"].present > 0)
    Victim(task)  # says what is no classifier before rows and other models are read
    kind = kind_of(task)
    row_flags.check_texts(FLAGS.rows, kind.text_fields(task))
    rows = kind.read_for(task, FLAGS.rows)
    report = attack(
        task,
        rows,
        FLAGS.kind,
        synonyms=FLAGS.synonyms,
        filler=BertPretrainer.from_preset(FLAGS.filler) if FLAGS.filler else None,
        order=FLAGS.order,
        fields=FLAGS.fields,
        **stop_words,
        max_share=FLAGS.max_share,
        embedder=BertEmbedder.from_preset(FLAGS.embedder) if FLAGS.embedder else None,
        similarity=FLAGS.similarity,
        queries=FLAGS.queries,
        limit=FLAGS.limit,
        seed=FLAGS.seed,
        batch_size=FLAGS.batch_size,
    )
    _write(report, rows, task.text_fields)


def _stop_words() -> list[str]:
    from keras_bert.scripts.text_lines import read_text_lines

    lines = read_text_lines(FLAGS.stop_words, 1 << 16, **row_flags.line_options())
    return [word for part in lines for line in part for word in line.split()]


def _write(report: AttackReport, rows: tf.data.Dataset, fields: tuple[str, ...]) -> None:
    if FLAGS.output:
        with output_file(FLAGS.output) as file:
            file.writelines(to_json(line) + "\n" for line in report.lines())
    if FLAGS.augmented:
        with output_file(FLAGS.augmented) as file:
            file.writelines(to_json(_named(row)) + "\n" for row in _rows(rows, fields))
            file.writelines(to_json(_named(row)) + "\n" for row in report.training_rows())
    for line in report.shown(FLAGS.show):
        print(to_json({"broken": line}))
    print(to_json(report.summary()))


def _rows(rows: tf.data.Dataset, fields: tuple[str, ...]) -> Any:
    for row in rows.as_numpy_iterator():
        yield {name: row[name].decode() for name in (*fields, "label")}


def _named(row: dict[str, str]) -> dict[str, str]:
    """Names the columns as the flags do."""
    return {getattr(FLAGS, name): value for name, value in row.items()}


if __name__ == "__main__":
    run()
